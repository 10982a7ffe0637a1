//! Propose: a suggestion becomes a proposal, strictly parsed and bound to a run.
//!
//! Ends with `malformed`, `too_large`, `unknown_run`, `ledger_unavailable`. Not here: whether the tool exists or
//! the arguments fit it. Invariant: past this stage the arguments are strict JSON, and the run exists and belongs
//! to this host's principal.

use super::ending::{Denied, Ending, HostFailed};
use super::note::Note;
use super::run::Trip;
use crate::call::{Arguments, CallMeta, Denial, HostError, RunId, Suggestion};
use crate::gate::Host;
use crate::schema::strict::{self, StrictError, StrictKind};
use serde_json::Value;

/// Bytes of an idempotency key.
const KEY_BYTES_MAX: usize = 256;
/// Bytes of a thought, an expectation or a context each.
const NOTE_BYTES_MAX: usize = 16 * 1024;

/// A suggestion that can be read.
#[derive(Debug)]
pub(super) struct Proposal {
    tool: String,
    arguments: Value,
    meta: CallMeta,
    run_context: Option<Value>,
}

impl Proposal {
    /// The tool, its arguments, what was said beside, and the run's context.
    pub(super) fn into_parts(self) -> (String, Value, CallMeta, Option<Value>) {
        (self.tool, self.arguments, self.meta, self.run_context)
    }
}

pub(super) async fn propose(
    host: &Host,
    trip: &mut Trip,
    suggestion: Suggestion,
) -> Result<Proposal, Ending> {
    let run_context = find_run(host, trip, suggestion.run.as_deref()).await?;
    let meta = bounded(suggestion.meta)?;
    trip.note = Note::of(&meta);
    let arguments = match suggestion.arguments {
        Arguments::Parsed(value) => value,
        Arguments::Raw(bytes) => strict::parse(&bytes, &host.strict_caps()).map_err(not_strict)?,
    };
    trip.note.arguments = Some(arguments.clone());
    Ok(Proposal { tool: suggestion.tool, arguments, meta, run_context })
}

/// Finds the run that was named, or the one that the policy gives to a client that names none; gives its context.
async fn find_run(host: &Host, trip: &mut Trip, named: Option<&str>) -> Result<Option<Value>, Ending> {
    let Some(named) = named else {
        let own = host.own_run().await.map_err(|error| ledger_failed(&error))?;
        trip.belongs_to(own.lineage.clone());
        return Ok(own.context.clone());
    };
    let unknown = || {
        Denied::new(
            Denial::UnknownRun,
            "The run named by `toolgate/run` does not exist.",
            "Use the id that an earlier result carried, or leave it out to get this connection's run.",
            "no such run for this principal; `toolgate runs` lists them",
        )
    };
    let id: RunId = named.parse().map_err(|_| unknown())?;
    match host.ledger.find_run(id, &host.policy.host.principal).await {
        Ok(Some(run)) => {
            trip.belongs_to(run.lineage);
            Ok(run.context)
        }
        Ok(None) => Err(unknown().into()),
        Err(error) => Err(ledger_failed(&error)),
    }
}

pub(super) fn ledger_failed(error: &crate::ledger::LedgerError) -> Ending {
    HostFailed { code: HostError::LedgerUnavailable, operator: error.to_string(), effect_possible: false }
        .into()
}

fn bounded(meta: CallMeta) -> Result<CallMeta, Denied> {
    let over = |what: &str, max: usize| {
        let text = format!("`{what}` is over {max} bytes.");
        Denied::new(Denial::TooLarge, &text, "Send a shorter one.", text.clone())
    };
    let json = |value: &Option<Value>| value.as_ref().map_or(0, |value| value.to_string().len());
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let parts = [
        ("toolgate/idempotency-key", text(&meta.idempotency_key), KEY_BYTES_MAX),
        ("toolgate/thought", text(&meta.thought), NOTE_BYTES_MAX),
        ("toolgate/expected", json(&meta.expected), NOTE_BYTES_MAX),
        ("toolgate/context", json(&meta.context), NOTE_BYTES_MAX),
    ];
    if let Some((what, _, max)) = parts.into_iter().find(|(_, bytes, max)| bytes > max) {
        return Err(over(what, max));
    }
    Ok(meta)
}

fn not_strict(error: StrictError) -> Denied {
    let code = match error.kind {
        StrictKind::TooLarge => Denial::TooLarge,
        _ => Denial::Malformed,
    };
    let text = format!("The arguments are not usable JSON: {error}.");
    Denied::new(code, &text, "Correct the arguments and send the call again.", error.to_string())
}
