//! Checkpoint: what a fresh agent needs to go on with a run, from its records.
//!
//! Not here: when one is due (`guard/`). Invariant: whatever is quoted in one has passed the sanitizer, what came from
//! outside stands in a whole envelope and labels the checkpoint, and it is bounded, however long the run.

use super::{reserved, sanitize};
use crate::call::{Outcome, RunId};
use crate::gate::Host;
use crate::ledger::{CallState, CallTrace, LedgerError, RunTrace};
use serde_json::{Value, json};

/// Calls listed as done, and as open.
const CALLS_MAX: usize = 50;
/// Characters of one call's arguments: enough to tell it from another.
const ARGUMENT_CHARS_MAX: usize = 200;
/// Results given with their text, the latest ones.
const RESULTS_MAX: usize = 5;
/// Characters of one result's text, without its envelope.
const RESULT_CHARS_MAX: usize = 2_000;

/// What a fresh agent needs.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    /// `{"run","goal","context","done":[{"call","tool","arguments","at_ms"}],"done_count",
    /// "open":[{"call","tool","arguments","state","reason"}],"last_results":[{"call","tool","text","cut"}]}`.
    pub(crate) value: Value,
    /// The labels of the results in it.
    pub(crate) taint: Vec<String>,
}

/// The run's goal, what was done, what is open, and the last results.
pub(crate) async fn checkpoint(host: &Host, run: RunId) -> Result<Checkpoint, LedgerError> {
    let reader = host.ledger.reader()?;
    let trace = tokio::task::spawn_blocking(move || reader.trace(run)).await;
    let trace = trace.map_err(|_| LedgerError::Closed)??.ok_or(LedgerError::UnknownRun(run))?;
    Ok(of_trace(host, &trace))
}

fn of_trace(host: &Host, trace: &RunTrace) -> Checkpoint {
    let (done, open): (Vec<_>, Vec<_>) = trace
        .calls
        .iter()
        .filter(|call| call.state != CallState::Refused && !reserved::is_reserved(&call.tool))
        .partition(|call| matches!(call.state, CallState::Completed | CallState::Recorded));
    let latest = last(&done, RESULTS_MAX);
    let results: Vec<Value> = latest.iter().filter_map(|call| result(host, call)).collect();
    let finished = |call: &&CallTrace| json!({ "call": call.call, "tool": call.tool, "arguments": arguments(call), "at_ms": call.at_ms });
    let unfinished = |call: &&CallTrace| json!({ "call": call.call, "tool": call.tool, "arguments": arguments(call), "state": call.state, "reason": call.reason });
    let value = json!({
        "run": trace.summary.run,
        "goal": trace.goal.as_deref().map(|goal| host.sanitizer.text(goal).value),
        "context": trace.context.clone().map(|context| host.sanitizer.value(context).value),
        "done": last(&done, CALLS_MAX).iter().map(finished).collect::<Vec<_>>(),
        "done_count": done.len(),
        "open": last(&open, CALLS_MAX).iter().map(unfinished).collect::<Vec<_>>(),
        "last_results": results,
    });
    let labels = latest.iter().filter_map(|call| outcome(call)).flat_map(|outcome| &outcome.taint);
    let mut taint: Vec<String> = labels.cloned().collect();
    taint.sort();
    taint.dedup();
    Checkpoint { value, taint }
}

fn arguments(call: &CallTrace) -> Option<String> {
    let arguments = call.content.as_ref()?.arguments.as_ref()?;
    Some(sanitize::short(&arguments.to_string(), ARGUMENT_CHARS_MAX))
}

fn result(host: &Host, call: &CallTrace) -> Option<Value> {
    let outcome = outcome(call)?;
    let whole = outcome.output.as_ref().map_or_else(|| outcome.text.clone(), Value::to_string);
    let part: String = whole.chars().take(RESULT_CHARS_MAX).collect();
    let cut = part.len() < whole.len();
    let text = match (cut, outcome.taint.is_empty()) {
        (false, _) => outcome.text.clone(),
        (true, true) => part,
        // The envelope is made anew: cut, it would not say where the text from outside ends.
        (true, false) => sanitize::enveloped(host, &call.tool, &part),
    };
    Some(json!({ "call": call.call, "tool": call.tool, "text": text, "cut": cut }))
}

fn outcome(call: &CallTrace) -> Option<&Outcome> {
    call.content.as_ref()?.outcome.as_ref()
}

fn last<'a, 'b>(calls: &'a [&'b CallTrace], count: usize) -> &'a [&'b CallTrace] {
    calls.get(calls.len().saturating_sub(count)..).unwrap_or(calls)
}
