//! A clock that was ahead and is set back: nothing is forgotten, and nobody waits longer than a window.
//!
//! Not here: one tally by itself (`tally.rs`).

use super::super::settings::Rate;
use super::super::{GuardName, Why};
use super::random::Chance;
use super::*;
use proptest::prelude::*;

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const YEAR_MS: u64 = 365 * 24 * HOUR_MS;

/// A world whose run has neither an old segment nor too little of anything.
fn roomy() -> World {
    let mut world = World::new();
    world.guards.segment_ms = u64::MAX;
    world.guards.refusals_in_a_row = u64::MAX;
    world.guards.repetition = false;
    let budgets = &mut world.guards.budgets;
    (budgets.steps, budgets.proposals, budgets.cost_micro_usd) = (u64::MAX, u64::MAX, u64::MAX);
    world
}

#[test]
fn a_rate_holds_for_one_window() {
    let rate = Some(Rate { calls: 1, per_ms: MINUTE_MS });
    for guard in [GuardName::ToolRate, GuardName::RunRate, GuardName::PrincipalRate] {
        let mut world = roomy();
        match guard {
            GuardName::ToolRate => world.tool.rate = rate,
            GuardName::RunRate => world.guards.rate = rate,
            _ => world.spend.rate = rate,
        }
        world.now += YEAR_MS;
        world.call(1, 100).unwrap();
        world.now -= YEAR_MS;
        let refusal = world.start(1, 200).unwrap_err();
        assert_eq!((refusal.why.guard(), refusal.retry_after_ms), (guard, Some(MINUTE_MS + 100)));
        world.now += MINUTE_MS + 100;
        assert!(world.start(1, 200).is_ok(), "{guard:?}");
    }
}

#[test]
fn money_spent_before_and_while_it_was_ahead_is_spent_in_this_hour() {
    let mut world = roomy();
    world.worst = money(3_000_000);
    world.call(1, 100).unwrap();
    world.now += YEAR_MS;
    world.worst = money(1_000_000);
    world.call(1, 200).unwrap();
    world.now -= YEAR_MS - MINUTE_MS;
    world.open(2, None);
    world.worst = money(1_500_000);
    let refusal = world.start(2, 100).unwrap_err();
    assert!(matches!(refusal.why, Why::Spend { used: 4_000_000, .. }), "{refusal:?}");
    world.now += refusal.retry_after_ms.unwrap();
    assert!(world.start(2, 100).is_ok(), "as told");
}

#[test]
fn an_upstreams_wait_is_as_long_as_it_was() {
    let mut world = roomy();
    world.now += YEAR_MS;
    let (call, _) = world.start(1, 100).unwrap();
    let slow_ms = Some(7_000);
    world.happen(1, Kind::Ended(Ended { call, blame: Blame::Works, spent: None, result: None, slow_ms }));
    world.now -= YEAR_MS;
    let refusal = world.start(1, 200).unwrap_err();
    assert_eq!((refusal.why, refusal.retry_after_ms), (Why::Slowed, Some(7_000)));
    world.now += 7_000;
    assert!(world.start(1, 200).is_ok());
}

#[test]
fn a_poll_waits_for_its_interval() {
    let mut world = roomy();
    world.tool.poll_ms = Some(30_000);
    world.now += YEAR_MS;
    world.call(1, 100).unwrap();
    world.now -= YEAR_MS;
    assert_eq!(world.start(1, 100).unwrap_err().retry_after_ms, Some(30_000));
    world.now += 30_000;
    assert!(world.start(1, 100).is_ok());
}

#[test]
fn an_open_breaker_and_a_probe_that_died_wait_as_long_as_they_would_have() {
    let mut world = roomy();
    world.tool.breaker = Some(Breaker { failures: 1, ..Breaker::default() });
    world.now += YEAR_MS;
    world.fail(1, 100).unwrap();
    world.now -= YEAR_MS;
    assert_eq!(world.start(1, 200).unwrap_err().code, Denial::BreakerOpen);
    world.now += YEAR_MS;
    world.start(1, 300).unwrap();
    world.now -= YEAR_MS;
    assert_eq!(world.start(1, 400).unwrap_err().why, Why::BreakerOpen { probing: true });
    world.now += 30_000;
    assert!(world.start(1, 400).is_ok(), "the probe's time is over");

    let mut world = roomy();
    world.tool.breaker = Some(Breaker { failures: 1, ..Breaker::default() });
    world.now += YEAR_MS;
    world.fail(1, 100).unwrap();
    world.now -= YEAR_MS;
    world.start(1, 200).unwrap_err();
    world.now += MINUTE_MS;
    assert!(world.start(1, 200).is_ok(), "the cooldown is over");
}

#[test]
fn a_run_is_as_old_as_it_was_for_its_segment_and_its_burn_rate() {
    let mut world = World::new();
    world.now += YEAR_MS;
    world.open(2, None);
    world.worst = money(300_000);
    world.call(2, 100).unwrap();
    world.now += 50 * MINUTE_MS;
    world.worst = money(0);
    world.call(2, 200).unwrap();
    world.now -= YEAR_MS;
    world.call(2, 300).unwrap();
    world.now += 10 * MINUTE_MS - 1;
    world.call(2, 400).unwrap();
    world.now += 1;
    assert_eq!(world.start(2, 500).unwrap_err().code, Denial::CheckpointAndRefresh);
}

#[test]
fn retries_of_a_clock_that_was_ahead_are_used_up_for_ten_minutes() {
    let mut world = roomy();
    let retry = world.tool.retry;
    world.now += YEAR_MS;
    let (call, _) = world.start(1, 100).unwrap();
    (0..10).for_each(|_| world.happen(1, Kind::Retried { call, slow_ms: None }));
    world.now -= YEAR_MS;
    assert!(!world.board.may_retry("t", &retry, world.now));
    world.call(1, 200).unwrap();
    world.now += 10 * MINUTE_MS + 10_000;
    assert!(world.board.may_retry("t", &retry, world.now));
}

#[test]
fn a_clock_that_is_wrong_for_a_moment_gives_no_money_back_and_makes_no_run_old() {
    let mut world = roomy();
    world.now += YEAR_MS;
    world.open(2, None);
    world.guards.segment_ms = HOUR_MS;
    world.spend.hour_micro_usd = 1_100_000;
    world.worst = money(1_000_000);
    world.call(2, 100).unwrap();
    world.worst = money(200_000);
    for back_ms in [2 * HOUR_MS, 48 * HOUR_MS, 2 * MINUTE_MS] {
        world.now += 10_000;
        let right = world.now;
        world.now = right - back_ms;
        assert_eq!(world.start(2, 200).unwrap_err().code, Denial::BudgetExhausted, "while it is wrong");
        world.now = right;
        let refusal = world.start(2, 300).unwrap_err();
        assert!(matches!(refusal.why, Why::Spend { used: 1_000_000, .. }), "{refusal:?}");
    }
    world.now += HOUR_MS - MINUTE_MS;
    world.worst = money(0);
    let answer = world.start(2, 400);
    assert!(answer.is_ok(), "its segment is not an hour old: {answer:?}");
    world.now += MINUTE_MS;
    assert_eq!(world.start(2, 500).unwrap_err().code, Denial::CheckpointAndRefresh, "and now it is");
}

/// Every window is limited, and so small that the life meets its limits.
fn narrow() -> World {
    let mut world = roomy();
    world.tool.rate = Some(Rate { calls: 2, per_ms: MINUTE_MS });
    world.tool.breaker =
        Some(Breaker { failures: 2, percent: 0, window_ms: MINUTE_MS, cooldown_ms: MINUTE_MS });
    world.spend.rate = Some(Rate { calls: 3, per_ms: 10 * MINUTE_MS });
    world.spend.hour_steps = Some(9);
    (world.spend.hour_micro_usd, world.spend.day_micro_usd) = (1_000, 2_000);
    world.now += 100 * YEAR_MS;
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_clock_does_money_stays_spent_for_an_hour_and_a_day_later_a_call_runs(seed: u64) {
        let (mut chance, mut world) = (Chance(seed), narrow());
        let mut spent: Vec<(u64, u64)> = Vec::new();
        for step in 0..60 {
            let passed = match chance.below(5) {
                0 => chance.below(YEAR_MS),
                1 | 2 => chance.below(15 * MINUTE_MS),
                3 => chance.below(2_000),
                _ => 0,
            };
            world.now += passed;
            spent.iter_mut().for_each(|(age_ms, _)| *age_ms += passed);
            match chance.below(4) {
                0 => world.now -= chance.below(YEAR_MS),
                1 => world.now -= chance.below(2_000),
                _ => {}
            }
            world.worst = money(chance.below(400));
            if let Ok((call, admission)) = world.start(1, step * 100) {
                let blame = [Blame::Works, Blame::Fails(world.tool.breaker)][chance.below(2) as usize];
                world.end(1, call, blame, None, None);
                spent.push((0, admission.allowed.cost_micro_usd));
            }
            let standing = world.board.standing(run(1), &world.guards, &world.spend, world.now).unwrap();
            let counted = (standing.usage.hour_cost_usd * 1e6).round() as u64;
            let truly: u64 = spent.iter().filter(|(age_ms, _)| *age_ms < HOUR_MS).map(|(_, n)| n).sum();
            prop_assert!(counted >= truly, "step {}: {} of {}", step, counted, truly);
            prop_assert!(truly <= world.spend.hour_micro_usd);
        }
        world.open(2, None);
        world.worst = money(1);
        drop(world.start(2, 100));
        world.now += 24 * HOUR_MS + 5 * MINUTE_MS;
        prop_assert!(world.asked(2, 200).is_ok(), "{:?}", world.asked(2, 200));
    }
}
