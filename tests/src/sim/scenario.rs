//! What a seed decides before anything happens: settings, tools, how rough the world is.
//!
//! Not here: what happens. Invariant: settings are small enough that every guard is reached within a seed.

use super::chance::Chance;
use std::sync::Arc;
use toolgate::guard::settings::{Breaker, Budgets, Rate, Retry, RunGuards, SpendGuards, ToolGuards};

/// What a repeat of a call may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    ReadOnly,
    /// Deduplicated by its key.
    Keyed,
    Once,
}

pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) effect: Effect,
    pub(super) guards: Arc<ToolGuards>,
    /// Of its attempts, in percent.
    pub(super) faults: u64,
    /// When all attempts fail.
    pub(super) down: std::ops::Range<u64>,
    pub(super) latency_ms: u64,
    /// How many different results it gives.
    pub(super) results: u64,
}

pub(super) struct Scenario {
    pub(super) run: Arc<RunGuards>,
    pub(super) spend: Arc<SpendGuards>,
    pub(super) tools: Vec<Tool>,
    pub(super) hosts: usize,
    pub(super) agents: u64,
    /// Of all steps of the world, in a thousand.
    pub(super) crashes: u64,
}

/// The longest that a call with all its attempts may take.
pub(super) const DEADLINE_MS: u64 = 10_000;
/// On whose account everything is.
pub(super) const PRINCIPAL: &str = "p";
/// The tool that gives one thing the same answer for ever, among the tools.
pub(super) const READ: u64 = 0;
/// The one that is for polling.
pub(super) const POLL: u64 = 2;
/// One whose effect is never repeated.
pub(super) const PAY: u64 = 3;
/// When every seed begins.
pub(super) const START_MS: u64 = 1_000_000_000;

impl Scenario {
    pub(super) fn new(chance: &mut Chance) -> Self {
        Self {
            run: Arc::new(run_guards(chance)),
            spend: Arc::new(SpendGuards {
                hour_micro_usd: 2_000 + chance.below(60_000),
                day_micro_usd: 10_000 + chance.below(100_000),
                hour_steps: chance.percent(20).then(|| 20 + chance.below(100)),
                rate: chance.percent(20).then_some(Rate { calls: 20, per_ms: 10_000 }),
            }),
            tools: [
                ("read", Effect::ReadOnly),
                ("flaky", Effect::ReadOnly),
                ("poll", Effect::ReadOnly),
                ("pay", Effect::Once),
                ("send", Effect::Keyed),
            ]
            .map(|(name, effect)| tool(name, effect, chance))
            .into(),
            hosts: 1 + chance.below(3) as usize,
            agents: 8 + chance.below(25),
            crashes: chance.pick(&[0, 5, 20]),
        }
    }
}

fn run_guards(chance: &mut Chance) -> RunGuards {
    RunGuards {
        budgets: Budgets {
            steps: 3 + chance.below(18),
            proposals: 15 + chance.below(36),
            cost_micro_usd: 1_000 + chance.below(10_000),
            tokens: chance.percent(50).then(|| 100 + chance.below(2_000)),
            wall_ms: chance.percent(30).then(|| 5_000 + chance.below(60_000)),
            fuel: Some(1_000 + chance.below(20_000)),
            host_calls: chance.percent(50).then(|| 10 + chance.below(200)),
            output_bytes: chance.percent(50).then(|| 1_000 + chance.below(20_000)),
        },
        refusals_in_a_row: 3 + chance.below(4),
        depth: 2 + chance.below(4) as u32,
        segment_ms: 600_000 + chance.below(3_600_000),
        review: chance.percent(50),
        repetition: chance.percent(85),
        rate: chance.percent(30).then_some(Rate { calls: 4, per_ms: 5_000 }),
    }
}

fn tool(name: &'static str, effect: Effect, chance: &mut Chance) -> Tool {
    let from = START_MS + chance.below(60_000);
    let guards = ToolGuards {
        cost_micro_usd: chance.below(100),
        charge_micro_usd_max: if effect == Effect::ReadOnly { 0 } else { 800 },
        poll_ms: (name == "poll").then_some(2_000),
        rate: chance.percent(20).then_some(Rate { calls: 6, per_ms: 4_000 }),
        breaker: Some(Breaker {
            failures: 2 + chance.below(4) as u32,
            percent: chance.pick(&[0, 0, 30]),
            window_ms: 5_000 + chance.below(60_000),
            cooldown_ms: 1_000 + chance.below(30_000),
        }),
        retry: Retry {
            attempts: 1 + chance.below(3) as u32,
            budget_percent: chance.pick(&[0, 10, 10, 40]),
            ..Retry::default()
        },
    };
    Tool {
        name,
        effect,
        guards: Arc::new(guards),
        faults: if name == "flaky" { 60 } else { 8 },
        down: from..from + chance.below(60_000),
        latency_ms: 20 + chance.below(2_000),
        results: match name {
            "read" => 1,
            "poll" => 2,
            _ => 4,
        },
    }
}
