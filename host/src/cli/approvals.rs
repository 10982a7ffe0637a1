//! `toolgate approvals`, `approve` and `deny`: what waits for a person, and the person's answer.
//!
//! Not here: which calls wait (`policy/approval`). Invariant: the answer is a record on the ledger, by whoever the
//! operating system says gave it; where the policy names an approver's key, it carries a signature of that key.

use super::ledger::LedgerArg;
use super::run::on_ledger;
use super::trace::{short, when};
use super::{CliError, Console, JsonArg, PolicyArg};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::json;
use std::path::{Path, PathBuf};
use toolgate::Seams;
use toolgate::ledger::{ApprovalRow, Decided, approval_message};
use toolgate::sanitizer::clean_line;

/// How long an approval can be used, unless it says otherwise.
const USE_WITHIN_MS: u64 = 15 * 60 * 1_000;

/// List the calls that wait for a person.
#[derive(Debug, clap::Args)]
pub(super) struct Approvals {
    /// Also those that were answered, used, or have expired.
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
    /// The approval, as `toolgate approvals` lists it.
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
        let rows = self.ledger.read()?.approvals(self.all, Seams::system().now_ms())?;
        if self.json.json {
            console.json(&rows)?;
            return Ok(0);
        }
        if rows.is_empty() {
            console.note("nothing waits for a person");
            return Ok(0);
        }
        console.table(
            &["approval", "state", "tool", "arguments", "why", "asked"],
            rows.iter().map(row).collect(),
        )?;
        console.note("answer: toolgate approve ID, or toolgate deny ID --why TEXT");
        Ok(0)
    }
}

fn row(row: &ApprovalRow) -> Vec<String> {
    let arguments = row.arguments.as_ref().map(|arguments| short(&arguments.to_string()));
    let thought = row.thought.as_deref().map(short);
    vec![
        row.id.clone(),
        row.state.clone(),
        clean_line(&row.tool),
        arguments.unwrap_or_default(),
        thought.unwrap_or_default(),
        when(row.asked_ms),
    ]
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
        let (policy, _) = toolgate::opening::load_policy(&self.policy.policy)?;
        let at_ms = Seams::system().now_ms();
        let waiting = LedgerArg::of_policy(self.policy.policy.clone()).read()?.approvals(false, at_ms)?;
        let asked = waiting.iter().find(|row| row.id == self.id && row.state == "asked");
        let Some(asked) = asked else {
            let sentence = "no such approval waits for an answer; `toolgate approvals` lists those that do";
            return Err(CliError::Usage(sentence.to_owned()));
        };
        let tool = policy.tools.get(&asked.tool);
        let expires_ms = at_ms.saturating_add(tool.map_or(USE_WITHIN_MS, |tool| tool.approval.expires_ms));
        if approved && policy.escalation.approver_key.is_some() && key.is_none() {
            let sentence =
                "the policy names an approver's key, so an approval must be signed: give --key FILE";
            return Err(CliError::Usage(sentence.to_owned()));
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
        on_ledger(&self.policy, |ledger, _| async move {
            ledger.decide(decided).await?;
            Ok(ledger.close().await?)
        })?;
        let word = if approved { "approved" } else { "denied" };
        if self.json.json {
            console.json(&json!({ "approval": asked.id, "state": word, "expires_ms": expires_ms }))?;
        } else {
            console.line(format!("{} is {word}: {} {}", asked.id, asked.tool, arguments(asked)))?;
        }
        Ok(0)
    }
}

fn arguments(row: &ApprovalRow) -> String {
    row.arguments.as_ref().map_or_else(String::new, |arguments| short(&arguments.to_string()))
}

/// Who the operating system says this is: a name for the record, no proof.
fn user() -> String {
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
    let text = std::fs::read_to_string(path)
        .map_err(|error| CliError::Usage(format!("cannot read the key {}: {error}", path.display())))?;
    let seed = bytes32(text.trim());
    let seed = seed.ok_or_else(|| CliError::Usage(format!("{} is not 64 hex digits", path.display())))?;
    Ok(SigningKey::from_bytes(&seed))
}

fn bytes32(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}
