//! `toolgate doubts`: the calls that started and are not known to have ended, and what a person makes of them.
//!
//! Invariants: nothing is guessed: a doubt is resolved by a person who has looked, and the ledger says by whom; what they say
//! that a call gave is a result that its tool could give, where the tool's schema is known.

use super::approvals::user;
use super::ledger::LedgerArg;
use super::run::on_ledger;
use super::trace::{short, when};
use super::{CliError, Console, JsonArg, PolicyArg, ids, note_unclosed};
use serde_json::{Value, json};
use toolgate::call::{CallId, Outcome};
use toolgate::catalog::declared_output;
use toolgate::ledger::{Doubt, Resolution, Resolved};
use toolgate::sanitizer::{Bounds, Sanitizer, clean_line};
use toolgate::{Seams, known_to_have_happened};

/// List the calls in doubt, or resolve one.
#[derive(Debug, clap::Args)]
pub(super) struct Doubts {
    /// The call to resolve: its id, or the beginning of it.
    #[arg(requires = "resolution")]
    call: Option<String>,
    #[command(flatten)]
    resolution: ResolutionArg,
    #[command(flatten)]
    policy: PolicyArg,
    #[command(flatten)]
    json: JsonArg,
}

#[derive(Debug, clap::Args)]
#[group(id = "resolution", multiple = false, requires = "call")]
struct ResolutionArg {
    /// It happened: a repeat gets this result, one JSON value that fits the tool's output schema.
    #[arg(long, value_name = "RESULT", value_parser = super::json)]
    done: Option<Value>,
    /// It did not happen: it may be called again.
    #[arg(long)]
    retry: bool,
    /// Nobody will know: take it off the list; a repeat stays refused.
    #[arg(long)]
    abandon: bool,
}

impl Doubts {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let reader = LedgerArg::of_policy(self.policy.policy.clone()).read()?;
        // Whoever opens the ledger for writing marks the calls that a dead host left behind.
        let ((), unclosed) = on_ledger(&self.policy, |_, _| async { Ok(()) })?;
        note_unclosed(unclosed, console);
        let doubts = reader.doubts()?;
        let Some(text) = self.call else {
            // A repeatable call is for the agent to repeat, not for a person to look after.
            let once = |doubt: &Doubt| doubt.trace.effect.is_none_or(|effect| !effect.repeatable());
            let listed: Vec<Doubt> = doubts.into_iter().filter(once).collect();
            return list(&listed, self.json.json, console);
        };
        let found = ids::resolve(&text, doubts.iter().map(|doubt| doubt.trace.call.to_string()))?;
        let call: Option<CallId> = found.and_then(|id| id.parse().ok());
        let Some(doubt) = doubts.into_iter().find(|doubt| Some(doubt.trace.call) == call) else {
            return Err(CliError::Usage(format!(
                "{} is not in doubt; `toolgate doubts` lists those that are",
                clean_line(&text)
            )));
        };
        let call = doubt.trace.call;
        let (resolution, outcome, word) = match self.resolution {
            ResolutionArg { done: Some(result), .. } => {
                (Resolution::Done, Some(happened(&self.policy, &doubt, result, console)?), "done")
            }
            ResolutionArg { retry: true, .. } => (Resolution::Retry, None, "free to be called again"),
            _ => (Resolution::Abandon, None, "abandoned"),
        };
        let (by, at_ms) = (user(), Seams::system().now_ms());
        let resolved = Resolved { call, run: doubt.run, resolution, by, outcome, at_ms };
        let (_, unclosed) =
            on_ledger(&self.policy, |ledger, _| async move { Ok(ledger.resolve(resolved).await?) })?;
        if self.json.json {
            console.json(&json!({ "call": call, "resolution": resolution }))?;
        } else {
            console.line(format!("{call} is {word}"))?;
        }
        note_unclosed(unclosed, console);
        Ok(0)
    }
}

/// What a repeat gets from now on: a person's own word, so that it is cleaned, and stands in no envelope.
fn happened(
    policy: &PolicyArg,
    doubt: &Doubt,
    result: Value,
    console: &mut Console,
) -> Result<Outcome, CliError> {
    let (policy, base) = toolgate::opening::load_policy(&policy.policy)?;
    let sanitizer = Sanitizer::new(Bounds::from(&policy.sanitize));
    let result = sanitizer.value(result).value;
    let name = clean_line(&doubt.trace.tool);
    let schema = match policy.tools.get(&doubt.trace.tool) {
        Some(tool) => declared_output(tool, &base, &sanitizer)?
            .ok_or("its component has no section `toolgate:tools`; `toolgate build` embeds one"),
        None => Err("the policy no longer has this tool"),
    };
    match schema {
        Ok(schema) => schema.check(&result).map_err(|violations| {
            CliError::Usage(format!("the result does not fit the output schema of `{name}`: {violations}"))
        })?,
        Err(why) => console.note(format!("the result of `{name}` is taken unchecked: {why}")),
    }
    Ok(known_to_have_happened(doubt.trace.call, doubt.run, &name, result))
}

fn list(doubts: &[Doubt], json: bool, console: &mut Console) -> Result<u8, CliError> {
    if json {
        console.json(&doubts)?;
        return Ok(0);
    }
    if doubts.is_empty() {
        console.note("no call is in doubt");
        return Ok(0);
    }
    console.table(&["call", "tool", "arguments", "why", "started"], doubts.iter().map(row).collect())?;
    console
        .note("look whether each happened, then: toolgate doubts CALL --done RESULT | --retry | --abandon");
    Ok(0)
}

fn row(doubt: &Doubt) -> Vec<String> {
    let content = doubt.trace.content.as_ref();
    let arguments = content.and_then(|content| content.arguments.as_ref());
    let thought = content.and_then(|content| content.thought.as_deref());
    vec![
        doubt.trace.call.to_string(),
        clean_line(&doubt.trace.tool),
        arguments.map_or_else(String::new, |arguments| short(&arguments.to_string())),
        thought.map_or_else(String::new, short),
        when(doubt.trace.at_ms),
    ]
}
