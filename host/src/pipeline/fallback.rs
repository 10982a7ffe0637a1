//! Fallback: what the agent gets when a tool fails, its breaker is open, or its upstream wants to be left alone, as its policy says.
//!
//! Not here: failing (`execute`, `check`) and telling (`outcome`). Invariant: a stand-in is marked as one, has passed the
//! sanitizer, and leaves the call recorded as failed, so that nothing binds a key or counts as the tool working; another
//! tool that ran and stands in for nothing is named.

use super::ending::Ending;
use super::run::{self, Trip};
use super::sanitize::{self, SafeResult};
use crate::call::{Arguments, CallMeta, Denial, Fault, Finding, Outcome, Reason, Status, Suggestion};
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

/// What a fallback of a call will need.
pub(super) struct Prepared {
    tool: Arc<Tool>,
    arguments: Value,
    /// What the agent said that is another tool's to check.
    meta: CallMeta,
}

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
pub(super) fn prepare(
    host: &Host,
    trip: &mut Trip,
    tool: &Arc<Tool>,
    arguments: &Value,
    meta: &CallMeta,
    digest: &[u8; 32],
) {
    let Some(fallback) = &tool.policy.fallback else { return };
    // Not the key: the other tool only reads, and its answer must not be a recorded one, nor bind the client's key.
    let meta = CallMeta { context: meta.context.clone(), ambiguity: meta.ambiguity, ..CallMeta::default() };
    trip.fallback = Some(Prepared { tool: Arc::clone(tool), arguments: arguments.clone(), meta });
    if matches!(fallback.instead, Instead::LastGood { .. }) {
        trip.good = Some(scope(host, tool, digest));
    }
}

/// Finds the stand-in for a call that failed in a way that a fallback is for; leaves it in the trip.
pub(super) async fn stand_in(host: &Host, trip: &mut Trip, ended: &Result<SafeResult, Ending>) {
    let Some(prepared) = trip.fallback.take() else { return };
    let tool = Arc::clone(&prepared.tool);
    let Some((fallback, reason)) = tool.policy.fallback.as_ref().zip(reason(ended)) else { return };
    trip.stand_in = match &fallback.instead {
        Instead::Tool(other) => of_other(host, trip, prepared, fallback, other).await,
        _ => {
            let found = found(host, trip, &prepared, fallback, reason).await;
            found.filter(|given| fits(&tool, given.output.as_ref()))
        }
    };
}

/// Another tool, or this one before its schema changed, may answer in another shape: then the failure stands.
fn fits(tool: &Tool, output: Option<&Value>) -> bool {
    output.is_none_or(|output| tool.output.check(output).is_ok())
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

fn blank(fallback: &Fallback) -> StandIn {
    StandIn {
        fallback: fallback.instead.as_str(),
        what: String::new(),
        say: fallback.say.clone(),
        output: None,
        text: String::new(),
        findings: Vec::new(),
        taint: Vec::new(),
    }
}

/// What can be had without another call.
async fn found(
    host: &Host,
    trip: &Trip,
    prepared: &Prepared,
    fallback: &Fallback,
    reason: &str,
) -> Option<StandIn> {
    let Prepared { tool, arguments, .. } = prepared;
    let blank = blank(fallback);
    match &fallback.instead {
        Instead::Value(value) => {
            let (output, text) = sanitize::own(host, value.clone());
            Some(StandIn { what: "a fixed answer".to_owned(), output: Some(output), text, ..blank })
        }
        Instead::Text(template) => {
            let text = template.fill(|place| match place {
                Placeholder::Tool => tool.card.name.clone(),
                Placeholder::Reason => reason.to_owned(),
                Placeholder::Argument(pointer) => quoted(arguments, pointer),
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
        Instead::Tool(_) => None,
    }
}

/// What another tool gives in a call of its own, under all of its own checks.
async fn of_other(
    host: &Host,
    trip: &mut Trip,
    prepared: Prepared,
    fallback: &Fallback,
    other: &str,
) -> Option<StandIn> {
    let Prepared { tool, arguments, meta } = prepared;
    let thought = format!("fallback of `{}` in {}", tool.card.name, trip.call);
    let suggestion = Suggestion {
        run: trip.run.map(|run| run.to_string()),
        tool: other.to_owned(),
        arguments: Arguments::Parsed(arguments),
        meta: CallMeta { thought: Some(thought), ..meta },
    };
    let answer = Box::pin(run::run(host, suggestion, None)).await;
    if answer.status != Status::Completed || !fits(&tool, answer.output.as_ref()) {
        trip.notices.extend(unused(other, &answer));
        return None;
    }
    Some(StandIn {
        what: format!("what `{other}` answered in {}", answer.call),
        output: answer.output,
        text: answer.text,
        findings: answer.findings,
        taint: answer.taint,
        ..blank(fallback)
    })
}

/// Said when another tool ran and does not stand in.
fn unused(other: &str, answer: &Outcome) -> Option<String> {
    let why = answer.reason.map_or("its result has another shape", Reason::as_str);
    let call = answer.call;
    (answer.attempts > 0)
        .then(|| format!("`{other}` was called in its place ({call}), and its result is not used ({why})."))
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
