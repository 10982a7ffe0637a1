//! The control plane through the real gate, the real program and real components: an agent cannot run away.
//!
//! Not here: the guards' cores alone (`host/src/guard/tests`) and their simulator (`sim`). Invariant: time passes only
//! where a test lets it pass (`Clock`), but for guests that sleep until somebody stops them.

mod approvals;
mod breaker;
mod budgets;
mod decision_log;
mod doubts;
mod elicitation;
mod fallbacks;
mod kill;
mod kill_busy;
mod rates;
mod repetition;
mod retries;
mod runs;
mod spend;
mod status;
mod zombie;

use crate::support::guest::SPINS;
use crate::support::{Guest, TestGate, assert_word};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use toolgate::call::Outcome;
use toolgate::ledger::CallState;
use toolgate::{Gate, GateOptions, Run, RunOptions, Seams};

/// A guest's body: it gives its arguments back.
const ECHOES: &str = "(call $ok (local.get $args) (local.get $args_len))";
/// A guest's body: it waits until it is stopped. Its guest needs [`Guest::with_sleep`].
const SLEEPS: &str = "(call $sleep (i64.const 3_600_000_000_000)) (unreachable)";
/// A guest's body: what it returns is no JSON.
const BABBLES: &str = "(call $ok (i32.const 0) (i32.const 4))";

/// Where the text begins in `{"text":"…"}`.
const TEXT_START: usize = 9;

/// When [`Clock`] begins, in milliseconds since the Unix epoch.
const START_MS: u64 = 1_800_000_000_000;

/// A guest's body: a failure, whose kind is its place in the WIT enum.
fn fails(kind: u8, request_sent: bool) -> String {
    let sent = i32::from(request_sent);
    format!("(call $fail (i32.const {kind}) (i32.const 0) (i32.const 0) (i32.const {sent}))")
}

const INVALID_INPUT: u8 = 0;
const NOT_FOUND: u8 = 1;
const UNAVAILABLE: u8 = 3;
const RATE_LIMITED: u8 = 4;
const INTERNAL: u8 = 6;

/// A guest that gives its arguments back, unless their text begins with one of these letters: then it does that.
fn choosing(cases: &[(char, &str)]) -> Guest {
    let body = cases.iter().fold(ECHOES.to_owned(), |otherwise, (letter, does)| {
        let first = format!("(i32.load8_u offset={TEXT_START} (local.get $args))");
        let is = format!("(i32.eq {first} (i32.const {}))", u32::from(*letter));
        format!("(if (result i32) {is} (then {does}) (else {otherwise}))")
    });
    Guest::new(&body)
}

/// A run without a name or a goal.
async fn open(gate: &Gate) -> Run {
    gate.run(RunOptions::default()).await.expect("a run")
}

/// One call of the tool `guest` with this text.
async fn say(run: &Run, text: &str) -> Outcome {
    run.call("guest", json!({ "text": text })).await
}

/// The same in a run of its own, for what all runs share.
async fn alone(gate: &Gate, text: &str) -> Outcome {
    say(&open(gate).await, text).await
}

/// How many calls have completed.
fn ran(test: &TestGate) -> usize {
    test.all_calls().iter().filter(|call| call.state == CallState::Completed).count()
}

/// Asserts that a guard refused, and which.
#[track_caller]
fn assert_guard(outcome: &Outcome, reason: &str, guard: &str) {
    assert_word(outcome, reason);
    assert_eq!(outcome.rule, Some(format!("guard.{guard}")), "{outcome:#?}");
}

/// Whether the agent was told something beside the result.
fn noticed(outcome: &Outcome, part: &str) -> bool {
    outcome.notices.iter().any(|notice| notice.contains(part))
}

/// The short outcome of an answer over MCP.
fn short(answer: &Value) -> &Value {
    &answer["result"]["_meta"]["toolgate/outcome"]
}

/// A clock that stands until a test lets time pass; gates that share it live in one time.
struct Clock(Arc<AtomicU64>);

impl Clock {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(START_MS)))
    }

    fn pass(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// Somebody sets it right, who finds that it was ahead.
    fn set_back(&self, ms: u64) {
        self.0.fetch_sub(ms, Ordering::SeqCst);
    }

    /// How to open a gate that lives by this clock.
    fn options(&self) -> GateOptions {
        let now = Arc::clone(&self.0);
        let seams = Seams::new(move || Duration::from_millis(now.load(Ordering::SeqCst)), entropy);
        GateOptions { seams, ..GateOptions::default() }
    }
}

/// Ids must differ between gates that share a ledger, so this is the system's.
fn entropy(bytes: &mut [u8]) {
    for part in bytes.chunks_mut(8) {
        let random = Seams::system().random_u64().to_be_bytes();
        part.copy_from_slice(&random[..part.len()]);
    }
}
