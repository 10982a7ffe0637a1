//! What is watched of one tool, over all runs: its rate, its breaker, its upstream's waits, its retries.
//!
//! Not here: whose calls they are. Invariant: every time is exact; where the guard counts in slots, which may count
//! too much by one slot and never too little, the check leaves room for one.

use super::scenario::{DEADLINE_MS, Tool};
use toolgate::call::CallId;
use toolgate::guard::event::Ended;
use toolgate::guard::settings::Rate;
use toolgate::guard::{Refusal, Why};

/// A retry budget looks back this far.
const RETRIES_MS: u64 = 600_000;
/// A slot of it.
const SLOT_MS: u64 = 10_000;
/// Retries that are always allowed, where any are.
const RETRIES_MIN: usize = 10;

#[derive(Default)]
pub(super) struct Watch {
    admitted: Vec<u64>,
    retried: Vec<u64>,
    /// The newest call, as long as it runs; while half-open that is the probe.
    newest: Option<CallId>,
    seen_open: Option<u64>,
    /// Its upstream wants to be left alone until then.
    slow_until_ms: u64,
}

impl Watch {
    pub(super) fn admitted(&mut self, tool: &Tool, call: CallId, at_ms: u64) {
        assert!(at_ms >= self.slow_until_ms, "{} was to be left alone", tool.name);
        (self.newest, self.seen_open) = (Some(call), None);
        self.admitted.push(at_ms);
        within_rate(&self.admitted, tool.guards.rate, at_ms);
    }

    pub(super) fn ended(&mut self, ended: &Ended, at_ms: u64) {
        if self.newest == Some(ended.call) {
            self.newest = None;
        }
        self.slowed(ended.slow_ms, at_ms);
    }

    pub(super) fn retried(&mut self, tool: &Tool, slow_ms: Option<u64>, at_ms: u64) {
        self.slowed(slow_ms, at_ms);
        self.retried.push(at_ms);
        let room = retry_budget(tool, since(&self.admitted, at_ms, RETRIES_MS + SLOT_MS));
        let retries = since(&self.retried, at_ms, RETRIES_MS);
        assert!(retries <= room, "{retries} retries of {}, {room} allowed", tool.name);
    }

    pub(super) fn not_retried(&self, tool: &Tool, at_ms: u64) {
        let room = retry_budget(tool, since(&self.admitted, at_ms, RETRIES_MS));
        let retries = since(&self.retried, at_ms, RETRIES_MS + SLOT_MS);
        assert!(retries >= room, "{} had room for a retry: {retries} of {room}", tool.name);
    }

    /// A guard refused a call of the tool.
    pub(super) fn agree(&mut self, tool: &Tool, refusal: &Refusal, at_ms: u64) {
        match refusal.why {
            Why::BreakerOpen { probing: true } => self.probes(tool, at_ms),
            Why::BreakerOpen { probing: false } => self.is_open(tool, at_ms),
            Why::Slowed => {
                assert_eq!(refusal.retry_after_ms, self.slow_until_ms.checked_sub(at_ms), "{}", tool.name);
            }
            _ => {}
        }
    }

    fn slowed(&mut self, slow_ms: Option<u64>, at_ms: u64) {
        self.slow_until_ms = self.slow_until_ms.max(at_ms + slow_ms.unwrap_or(0));
    }

    fn probes(&self, tool: &Tool, at_ms: u64) {
        assert!(self.newest.is_some(), "the probe of {} has ended, and its slot is taken", tool.name);
        let until_ms = self.last_ms() + DEADLINE_MS;
        assert!(at_ms < until_ms, "the probe of {} is over since {}", tool.name, at_ms - until_ms);
    }

    fn is_open(&mut self, tool: &Tool, at_ms: u64) {
        let since_ms = *self.seen_open.get_or_insert(at_ms);
        let cooldown_ms = tool.guards.breaker.unwrap().cooldown_ms;
        assert!(at_ms < since_ms + cooldown_ms, "{} is open for {}", tool.name, at_ms - since_ms);
        assert!(at_ms < self.last_ms() + DEADLINE_MS + cooldown_ms, "{} is stuck open", tool.name);
    }

    /// When its newest call started.
    pub(super) fn last_ms(&self) -> u64 {
        self.admitted.last().copied().unwrap_or(0)
    }
}

fn retry_budget(tool: &Tool, calls: usize) -> usize {
    match tool.guards.retry.budget_percent as usize {
        0 => 0,
        percent => RETRIES_MIN.max(calls * percent / 100),
    }
}

/// How many in the window that ends now.
pub(super) fn since(times: &[u64], at_ms: u64, window_ms: u64) -> usize {
    times.iter().rev().take_while(|time| **time + window_ms > at_ms).count()
}

/// No more in the window that ends now than the rate allows.
pub(super) fn within_rate(times: &[u64], rate: Option<Rate>, at_ms: u64) {
    if let Some(Rate { calls, per_ms }) = rate {
        let seen = since(times, at_ms, per_ms);
        assert!(seen as u64 <= calls, "{seen} calls in {per_ms} ms, {calls} allowed");
    }
}
