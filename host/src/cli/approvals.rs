//! `toolgate approvals`, `approve` and `deny`: what waits for a person, and the person's answer.
//!
//! Not here: which calls wait (`policy/approval`). Invariants: a call's arguments are shown whole before and after the
//! answer; the answer is a record on the ledger, by whoever the operating system says gave it; where the policy names an
//! approver's key, it carries a signature of that key.

use super::ledger::LedgerArg;
use super::run::on_ledger;
use super::trace::{short, when, whose};
use super::{CliError, Console, JsonArg, PolicyArg, ids, note_unclosed};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::json;
use std::io::Read;
use std::path::{Path, PathBuf};
use toolgate::Seams;
use toolgate::call::unhex;
use toolgate::catalog;
use toolgate::ledger::{ApprovalRow, Decided, approval_binding, approval_message};
use toolgate::policy::Policy;
use toolgate::sanitizer::{Bounds, Sanitizer, clean_line};
use toolgate::schema::canonical;

/// Bytes read of a key's file: its digits, and room for line ends.
const KEY_BYTES_MAX: u64 = 1_024;

/// List the calls that wait for a person, with all of their arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Approvals {
    /// Also those that were answered or used, or have expired.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    ledger: LedgerArg,
    #[command(flatten)]
    json: JsonArg,
}

/// Allow one call that waits, once.
#[derive(Debug, clap::Args)]
pub(super) struct Approve {
    #[command(flatten)]
    answer: Answer,
    /// The approver's key, where the policy asks for a signature: a file with the 32 bytes of an ed25519 seed as
    /// 64 hex digits.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// Refuse one call that waits.
#[derive(Debug, clap::Args)]
pub(super) struct Deny {
    #[command(flatten)]
    answer: Answer,
}

#[derive(Debug, clap::Args)]
struct Answer {
    /// The approval's id, as `toolgate approvals` lists it, or the beginning of it.
    id: String,
    /// Why, for whoever reads the trace.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    #[command(flatten)]
    policy: PolicyArg,
    #[command(flatten)]
    json: JsonArg,
}

impl Approvals {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let mut rows = self.ledger.read()?.approvals(self.all, Seams::system().now_ms())?;
        rows.retain(|row| self.all || row.state == "asked");
        if self.json.json {
            console.json(&rows)?;
            return Ok(0);
        }
        if rows.is_empty() {
            console.note("nothing waits for a person");
            return Ok(0);
        }
        console.table(
            &["approval", "state", "tool", "thought", "asked", "answered"],
            rows.iter().map(row).collect(),
        )?;
        // Below the table, since no table fits them: whoever answers must read them to their end.
        for row in &rows {
            console.line("")?;
            console.line(format!("{}  {}, with these arguments:", row.id, clean_line(&row.tool)))?;
            console.line(format!("  {}", arguments(row)))?;
        }
        console.note("answer: toolgate approve ID, or toolgate deny ID --why TEXT");
        Ok(0)
    }
}

fn row(row: &ApprovalRow) -> Vec<String> {
    let thought = row.thought.as_deref().map(short);
    let answered = row.by.as_deref().zip(row.answered_ms);
    let answered = answered.map(|(by, at_ms)| whose(by, at_ms, row.why.as_deref()));
    vec![
        row.id.clone(),
        row.state.clone(),
        clean_line(&row.tool),
        thought.unwrap_or_default(),
        when(row.asked_ms),
        answered.unwrap_or_default(),
    ]
}

/// All of the arguments in one line, and nothing in it that a terminal would obey or hide.
fn arguments(row: &ApprovalRow) -> String {
    let Some(arguments) = &row.arguments else { return "(erased by `toolgate prune`)".to_owned() };
    let whole = Bounds { string_bytes_max: usize::MAX, total_bytes_max: usize::MAX, ..Bounds::default() };
    let shown = Sanitizer::new(whole).text(&arguments.to_string());
    let left_out = if shown.changed { "  (and characters that a terminal would obey or hide)" } else { "" };
    // Separators of lines come out as line ends.
    format!("{}{left_out}", shown.value.replace('\n', " "))
}

impl Approve {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let seed = self.key.as_deref().map(seed).transpose()?;
        self.answer.give(console, true, seed.as_ref())
    }
}

impl Deny {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        self.answer.give(console, false, None)
    }
}

impl Answer {
    fn give(self, console: &mut Console, approved: bool, key: Option<&SigningKey>) -> Result<u8, CliError> {
        let (policy, base) = toolgate::opening::load_policy(&self.policy.policy)?;
        let at_ms = Seams::system().now_ms();
        let waiting = LedgerArg::of_policy(self.policy.policy.clone()).read()?.approvals(false, at_ms)?;
        // A yes without the signature that the policy asks for does not count, and can be given again.
        let waits = |row: &ApprovalRow| row.state == "asked" || (row.state == "approved" && key.is_some());
        let id = ids::resolve(&self.id, waiting.iter().map(|row| row.id.clone()))?;
        let asked = waiting.iter().find(|row| Some(&row.id) == id.as_ref() && waits(row));
        let Some(asked) = asked else {
            let sentence = "no such approval waits for an answer; `toolgate approvals` lists those that do";
            return Err(CliError::Usage(sentence.to_owned()));
        };
        let approval = policy.tools.get(&asked.tool).map(|tool| tool.approval.clone()).unwrap_or_default();
        let expires_ms = at_ms.saturating_add(approval.expires_ms);
        if approved && policy.escalation.approver_key.is_some() && key.is_none() {
            let sentence =
                "the policy names an approver's key, so an approval must be signed: give --key FILE";
            return Err(CliError::Usage(sentence.to_owned()));
        }
        if approved {
            is_for_what_it_shows(&policy, &base, asked)?;
        }
        let signature = match (approved, key) {
            (true, Some(key)) => Some(sign(key, policy.escalation.approver_key.as_ref(), asked, expires_ms)?),
            _ => None,
        };
        let decided = Decided {
            id: asked.id.clone(),
            approved,
            by: user(),
            why: self.why.as_deref().map(clean_line),
            signature,
            expires_ms,
            at_ms,
        };
        let (_, unclosed) =
            on_ledger(&self.policy, |ledger, _| async move { Ok(ledger.decide(decided).await?) })?;
        let word = if approved { "approved" } else { "denied" };
        if self.json.json {
            console.json(&json!({ "approval": asked.id, "state": word, "expires_ms": expires_ms }))?;
        } else {
            console.line(format!(
                "{} is {word}: {} {}",
                asked.id,
                clean_line(&asked.tool),
                arguments(asked)
            ))?;
        }
        note_unclosed(unclosed, console);
        Ok(0)
    }
}

/// Refuses to allow anything but the call that is shown, as this policy and this component would run it: the binding is
/// made again from them, not read from the file.
fn is_for_what_it_shows(policy: &Policy, base: &Path, asked: &ApprovalRow) -> Result<(), CliError> {
    let shown = || {
        let tool = policy.tools.get(&asked.tool)?;
        let component = catalog::read(&base.join(&tool.component)).ok()?;
        let arguments = canonical::digest(asked.arguments.as_ref()?);
        let component = catalog::digest(&component);
        let principal = &policy.host.principal;
        Some(approval_binding(principal, &asked.tool, &arguments, &policy.digest, &component))
    };
    if shown().is_some_and(|binding| bytes32(&asked.binding) == Some(binding)) {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "{} is not for the call that it shows under this policy: the policy or the component have changed since, or the \
         ledger was edited; the agent must make the call again",
        asked.id
    )))
}

/// Who the operating system says this is: a name for the record, no proof.
pub(super) fn user() -> String {
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default();
    format!("{} (uid {})", clean_line(&name), rustix::process::getuid().as_raw())
}

fn sign(
    key: &SigningKey,
    public: Option<&[u8; 32]>,
    asked: &ApprovalRow,
    expires_ms: u64,
) -> Result<Vec<u8>, CliError> {
    if public.is_some_and(|public| key.verifying_key().as_bytes() != public) {
        let sentence = "the key in --key is not the one that the policy's escalation.approver_key names";
        return Err(CliError::Usage(sentence.to_owned()));
    }
    let binding =
        bytes32(&asked.binding).ok_or_else(|| CliError::Usage("the binding is unreadable".to_owned()))?;
    Ok(key.sign(&approval_message(&asked.id, &binding, expires_ms)).to_bytes().to_vec())
}

fn seed(path: &Path) -> Result<SigningKey, CliError> {
    let mut text = String::new();
    toolgate::opening::open_regular(path)
        .and_then(|file| file.take(KEY_BYTES_MAX).read_to_string(&mut text))
        .map_err(|error| CliError::Usage(format!("cannot read the key {}: {error}", path.display())))?;
    let seed = bytes32(text.trim());
    let seed = seed.ok_or_else(|| CliError::Usage(format!("{} is not 64 hex digits", path.display())))?;
    Ok(SigningKey::from_bytes(&seed))
}

fn bytes32(hex: &str) -> Option<[u8; 32]> {
    unhex(hex)?.try_into().ok()
}
