//! Checkpoint: what a fresh agent needs to go on with a run, from its records.
//!
//! Not here: when one is due (`guard/`). Invariant: made of recorded outcomes only, which have passed the sanitizer,
//! and bounded, however long the run.

use crate::call::{Outcome, RunId};
use crate::gate::Host;
use crate::ledger::{CallState, CallTrace, LedgerError, RunTrace};
use serde_json::{Value, json};

/// Calls listed as done, and as open.
const CALLS_MAX: usize = 50;
/// Results given with their text, the latest ones.
const RESULTS_MAX: usize = 5;
/// Characters of one result's text.
const RESULT_CHARS_MAX: usize = 2_000;

/// The run's goal, what was done, what is open, and the last results:
/// `{"run","goal","context","done":[{"call","tool","at_ms"}],"open":[{"call","tool","state","reason"}],"last_results":[{"call","tool","text"}]}`.
pub(crate) async fn checkpoint(host: &Host, run: RunId) -> Result<Value, LedgerError> {
    let reader = host.ledger.reader()?;
    let trace = tokio::task::spawn_blocking(move || reader.trace(run)).await;
    let trace = trace.map_err(|_| LedgerError::Closed)??.ok_or(LedgerError::UnknownRun(run))?;
    Ok(of_trace(&trace))
}

fn of_trace(trace: &RunTrace) -> Value {
    let (done, open): (Vec<_>, Vec<_>) = trace
        .calls
        .iter()
        .filter(|call| call.state != CallState::Refused)
        .partition(|call| matches!(call.state, CallState::Completed | CallState::Recorded));
    let results: Vec<Value> = last(&done, RESULTS_MAX).iter().filter_map(|call| result(call)).collect();
    let finished = |call: &&CallTrace| json!({ "call": call.call, "tool": call.tool, "at_ms": call.at_ms });
    let unfinished = |call: &&CallTrace| json!({ "call": call.call, "tool": call.tool, "state": call.state, "reason": call.reason });
    json!({
        "run": trace.summary.run,
        "goal": trace.goal,
        "context": trace.context,
        "done": last(&done, CALLS_MAX).iter().map(finished).collect::<Vec<_>>(),
        "done_count": done.len(),
        "open": last(&open, CALLS_MAX).iter().map(unfinished).collect::<Vec<_>>(),
        "last_results": results,
    })
}

fn result(call: &CallTrace) -> Option<Value> {
    let outcome: &Outcome = call.content.as_ref()?.outcome.as_ref()?;
    let text: String = outcome.text.chars().take(RESULT_CHARS_MAX).collect();
    let cut = text.len() < outcome.text.len();
    Some(json!({ "call": call.call, "tool": call.tool, "text": text, "cut": cut }))
}

fn last<'a, 'b>(calls: &'a [&'b CallTrace], count: usize) -> &'a [&'b CallTrace] {
    calls.get(calls.len().saturating_sub(count)..).unwrap_or(calls)
}
