//! The executor by script: how one attempt of a call goes, and what it does to the world outside.
//!
//! Not here: who may call it. Invariant: an attempt spends no more than its call holds.

use super::agent::WRONG;
use super::chance::Chance;
use super::scenario::{Effect, Tool};
use std::collections::HashMap;
use toolgate::call::{CallId, RunId};
use toolgate::guard::event::Hold;

/// What a call does in the world: a payment, a mail. The host keys it by run, tool and arguments.
pub(super) type Key = (RunId, &'static str, u64);

/// The world outside, which counts what really happened.
#[derive(Default)]
pub(super) struct Outside {
    effects: HashMap<Key, u64>,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    pub(super) works: bool,
    /// It may have had an effect.
    pub(super) sent: bool,
    /// The arguments were wrong, not the tool.
    pub(super) misused: bool,
    pub(super) slow_ms: Option<u64>,
}

impl Outside {
    /// One attempt, at its end. `keyed` effects are deduplicated by their key, out there.
    pub(super) fn attempt(&mut self, tool: &Tool, key: Key, at_ms: u64, chance: &mut Chance) -> Attempt {
        let wrong = key.2 % 100 == WRONG;
        let works = !wrong && !tool.down.contains(&at_ms) && !chance.percent(tool.faults);
        let sent = tool.effect != Effect::ReadOnly && !wrong && (works || chance.percent(50));
        if sent {
            let happened = self.effects.entry(key).or_default();
            *happened = if tool.effect == Effect::Keyed { 1 } else { *happened + 1 };
            assert!(*happened == 1, "the effect of {key:?} happened {happened} times");
        }
        let slow_ms = (!works && !wrong && chance.percent(5)).then(|| chance.below(20_000));
        Attempt { works, sent, misused: wrong || (!works && chance.percent(20)), slow_ms }
    }
}

/// A part of what was held, with the price of the attempts made.
pub(super) fn spent(hold: Hold, price: u64, chance: &mut Chance) -> Hold {
    let mut some = |held: u64| if chance.percent(30) { held } else { chance.below(held + 1) };
    Hold {
        cost_micro_usd: some(hold.cost_micro_usd).max(price.min(hold.cost_micro_usd)),
        tokens: some(hold.tokens),
        wall_ms: some(hold.wall_ms),
        fuel: some(hold.fuel),
        host_calls: some(hold.host_calls),
        output_bytes: some(hold.output_bytes),
    }
}

/// What a call of the tool may spend at most.
pub(super) fn worst(tool: &Tool) -> Hold {
    Hold {
        cost_micro_usd: tool.guards.cost_micro_usd * u64::from(tool.guards.retry.attempts)
            + tool.guards.charge_micro_usd_max,
        tokens: 200,
        wall_ms: super::scenario::DEADLINE_MS,
        fuel: 2_000,
        host_calls: 20,
        output_bytes: 2_000,
    }
}

/// A call that its host is executing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    pub(super) agent: usize,
    pub(super) run: RunId,
    pub(super) call: CallId,
    pub(super) tool: usize,
    pub(super) key: Key,
    pub(super) hold: Hold,
    pub(super) until_ms: u64,
    pub(super) attempts: u32,
    pub(super) wrap_up: bool,
}
