//! Fallback: what the agent gets when a tool fails, its breaker is open, or its upstream wants to be left alone, as its policy says.
//!
//! Not here: failing (`execute`, `check`) and telling (`outcome`). Invariant: a stand-in is marked as one, has passed the
//! sanitizer, and leaves the call recorded as failed, so that nothing binds a key or counts as the tool working.

use super::ending::Ending;
use super::run::{self, Trip};
use super::sanitize::{self, SafeResult};
use crate::call::{Arguments, CallMeta, Denial, Fault, Finding, Status, Suggestion};
use crate::catalog::Tool;
use crate::gate::Host;
use crate::guard::GuardName;
use crate::policy::{Fallback, Instead, Placeholder, Pointer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Characters of one value that a template quotes.
const QUOTED_CHARS_MAX: usize = 200;
/// What a template says for an argument that the call does not have.
const MISSING: &str = "–";

/// What is given instead of a result.
#[derive(Debug)]
pub(super) struct StandIn {
    pub(super) fallback: &'static str,
    /// Where it comes from, in a few words.
    pub(super) what: String,
    pub(super) say: Option<String>,
    pub(super) output: Option<Value>,
    pub(super) text: String,
    pub(super) findings: Vec<Finding>,
    pub(super) taint: Vec<String>,
}

/// Notes what a fallback of this tool will need.
pub(super) fn prepare(host: &Host, trip: &mut Trip, tool: &Arc<Tool>, arguments: &Value, digest: &[u8; 32]) {
    let Some(fallback) = &tool.policy.fallback else { return };
    trip.fallback = Some((Arc::clone(tool), arguments.clone()));
    if matches!(fallback.instead, Instead::LastGood { .. }) {
        trip.good = Some(scope(host, tool, digest));
    }
}

/// Finds the stand-in for a call that failed in a way that a fallback is for; leaves it in the trip.
pub(super) async fn stand_in(host: &Host, trip: &mut Trip, ended: &Result<SafeResult, Ending>) {
    let Some((tool, arguments)) = trip.fallback.take() else { return };
    let Some((fallback, reason)) = tool.policy.fallback.as_ref().zip(reason(ended)) else { return };
    let found = found(host, trip, &tool, arguments, fallback, reason).await;
    // Another tool, or this one before its schema changed, may answer in another shape: then the failure stands.
    let fits = |output: &Value| tool.output.check(output).is_ok();
    trip.stand_in = found.filter(|stand_in| stand_in.output.as_ref().is_none_or(fits));
}

/// The reason code, where a fallback is for it.
fn reason(ended: &Result<SafeResult, Ending>) -> Option<&'static str> {
    match ended {
        Err(Ending::Faulted(faulted)) => {
            let code = faulted.code;
            let own = matches!(code, Fault::Cancelled | Fault::Killed | Fault::CapabilityDenied);
            (!own && !faulted.is_misuse()).then(|| code.as_str())
        }
        Err(Ending::Denied(denied)) => {
            let down = denied.code == Denial::BreakerOpen || denied.is_of(GuardName::Slowed);
            down.then(|| denied.code.as_str())
        }
        Ok(_) | Err(Ending::Host(_) | Ending::Recorded(_)) => None,
    }
}

async fn found(
    host: &Host,
    trip: &Trip,
    tool: &Tool,
    arguments: Value,
    fallback: &Fallback,
    reason: &str,
) -> Option<StandIn> {
    let word = fallback.instead.as_str();
    let blank = StandIn {
        fallback: word,
        what: String::new(),
        say: fallback.say.clone(),
        output: None,
        text: String::new(),
        findings: Vec::new(),
        taint: Vec::new(),
    };
    match &fallback.instead {
        Instead::Value(value) => {
            let (output, text) = sanitize::own(host, value.clone());
            Some(StandIn { what: "a fixed answer".to_owned(), output: Some(output), text, ..blank })
        }
        Instead::Text(template) => {
            let text = template.fill(|place| match place {
                Placeholder::Tool => tool.card.name.clone(),
                Placeholder::Reason => reason.to_owned(),
                Placeholder::Argument(pointer) => quoted(&arguments, pointer),
            });
            let text = host.sanitizer.text(&text).value;
            Some(StandIn { what: "advice".to_owned(), text, ..blank })
        }
        Instead::LastGood { max_age_ms } => {
            let now_ms = host.seams.now_ms();
            let found = host.ledger.last_good(trip.good?, now_ms.saturating_sub(*max_age_ms)).await;
            let (at_ms, good) = found.ok().flatten()?;
            let what = format!("the last good answer, {} s old", now_ms.saturating_sub(at_ms) / 1_000);
            Some(StandIn { what, output: good.output, text: good.text, taint: good.taint, ..blank })
        }
        Instead::Tool(other) => {
            let meta = CallMeta {
                thought: Some(format!("fallback of `{}` in {}", tool.card.name, trip.call)),
                context: trip.note.context.clone(),
                ..CallMeta::default()
            };
            let suggestion = Suggestion {
                run: trip.run.map(|run| run.to_string()),
                tool: other.clone(),
                arguments: Arguments::Parsed(arguments),
                meta,
            };
            let answer = Box::pin(run::run(host, suggestion, None)).await;
            (answer.status == Status::Completed).then(|| StandIn {
                what: format!("what `{other}` answered in {}", answer.call),
                output: answer.output,
                text: answer.text,
                findings: answer.findings,
                taint: answer.taint,
                ..blank
            })
        }
    }
}

/// A part of the arguments as one short line; a string without its quotes.
fn quoted(arguments: &Value, pointer: &Pointer) -> String {
    match arguments.pointer(pointer.as_str()) {
        None => MISSING.to_owned(),
        Some(Value::String(text)) => sanitize::short(text, QUOTED_CHARS_MAX),
        Some(value) => sanitize::short(&value.to_string(), QUOTED_CHARS_MAX),
    }
}

/// Same principal, same tool, same arguments.
fn scope(host: &Host, tool: &Tool, digest: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"toolgate/good/1");
    for part in [host.policy.host.principal.as_bytes(), tool.card.name.as_bytes(), digest] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
