//! Spend, rates and waits that are shared by runs.

use super::super::settings::Rate;
use super::super::{GuardName, Why};
use super::*;

const HOUR_MS: u64 = 3_600_000;

/// A world whose runs may spend more than their principal.
fn rich() -> World {
    let mut world = World::new();
    world.guards.budgets.cost_micro_usd = u64::MAX;
    world.guards.segment_ms = u64::MAX;
    world.guards.budgets.steps = 1_000;
    world.guards.budgets.proposals = 1_000;
    world
}

#[test]
fn the_hour_belongs_to_the_principal_and_holds_across_runs() {
    let mut world = rich();
    world.worst = money(3_000_000);
    world.call(1, 100).unwrap();
    world.open(2, None);
    let refusal = world.asked(2, 100).unwrap_err();
    assert_eq!((refusal.code, refusal.why.guard()), (Denial::BudgetExhausted, GuardName::HourCost));
    world.now += refusal.retry_after_ms.unwrap();
    assert!(world.asked(2, 100).is_ok(), "as told");
    world.now -= 1;
    assert!(world.asked(2, 100).is_err(), "not sooner");
    world.open_as(3, None, "other", false);
    assert!(world.asked(3, 100).is_ok(), "another principal");
}

#[test]
fn the_day_bounds_what_the_hours_allow() {
    let mut world = rich();
    world.spend.day_micro_usd = 8_000_000;
    world.worst = money(4_000_000);
    for _ in 0..2 {
        world.now += 2 * HOUR_MS;
        world.call(1, world.now).unwrap();
    }
    world.now += 2 * HOUR_MS;
    assert_eq!(world.asked(1, 100).unwrap_err().why.guard(), GuardName::DayCost);
    world.now += 22 * HOUR_MS;
    assert!(world.asked(1, 100).is_ok());
}

#[test]
fn money_of_calls_that_run_is_held_across_runs() {
    let mut world = rich();
    world.worst = money(3_000_000);
    world.open(2, None);
    let (call, _) = world.start(1, 100).unwrap();
    let refusal = world.asked(2, 100).unwrap_err();
    assert_eq!((refusal.code, refusal.why.guard()), (Denial::RateLimited, GuardName::HourCost));
    world.end(1, call, Blame::Works, Some(money(10)), None);
    assert!(world.asked(2, 100).is_ok());
}

#[test]
fn an_ending_that_does_not_know_leaves_all_spent_for_the_principal() {
    let mut world = rich();
    world.worst = money(3_000_000);
    world.open(2, None);
    let (call, _) = world.start(1, 100).unwrap();
    world.end(1, call, Blame::Nothing, None, None);
    let refusal = world.asked(2, 100).unwrap_err();
    assert_eq!((refusal.code, refusal.why.guard()), (Denial::BudgetExhausted, GuardName::HourCost));
}

#[test]
fn a_run_has_the_rate_of_its_ancestors_too() {
    let mut world = rich();
    world.guards.rate = Some(Rate { calls: 2, per_ms: 10_000 });
    world.open(2, Some(1));
    world.open(3, None);
    world.call(1, 100).unwrap();
    world.call(2, 100).unwrap();
    let refusal = world.asked(2, 200).unwrap_err();
    assert_eq!((refusal.why.guard(), refusal.run, refusal.inherited), (GuardName::RunRate, run(1), true));
    assert!(world.asked(3, 200).is_ok(), "another family");
}

#[test]
fn calls_of_all_runs_in_an_hour_may_be_limited() {
    let mut world = rich();
    world.spend.hour_steps = Some(2);
    world.open(2, None);
    world.call(1, 100).unwrap();
    world.call(2, 100).unwrap();
    let refusal = world.asked(2, 200).unwrap_err();
    assert_eq!(refusal.why.guard(), GuardName::HourSteps);
    world.now += refusal.retry_after_ms.unwrap();
    assert!(world.asked(2, 200).is_ok());
}

#[test]
fn a_run_that_spends_too_fast_is_halted_after_its_first_minute() {
    let mut world = rich();
    world.worst = money(100_000);
    world.call(1, 100).unwrap();
    world.now += 59_999;
    assert!(world.asked(1, 200).is_ok(), "too young to tell");
    world.now += 1;
    let refusal = world.asked(1, 200).unwrap_err();
    assert_eq!(refusal.why, Why::BurnRate { hourly: 6_000_000, limit: 5_000_000 });
    assert!(refusal.halts);
    world.now += 12_000;
    assert!(world.asked(1, 200).is_ok(), "0.10 in 72 seconds are 5.00 an hour");
}

#[test]
fn a_run_whose_ancestor_spends_too_fast_is_refused_and_the_ancestor_halted() {
    let mut world = rich();
    world.worst = money(100_000);
    world.call(1, 100).unwrap();
    world.now += 60_000;
    world.open(2, Some(1));
    let refusal = world.asked(2, 200).unwrap_err();
    assert_eq!((refusal.why.guard(), refusal.run, refusal.halts), (GuardName::BurnRate, run(1), true));
}

#[test]
fn each_rate_refuses_with_the_time_at_which_there_is_room() {
    let rate = Some(Rate { calls: 2, per_ms: 10_000 });
    for guard in [GuardName::ToolRate, GuardName::RunRate, GuardName::PrincipalRate] {
        let mut world = rich();
        match guard {
            GuardName::ToolRate => world.tool.rate = rate,
            GuardName::RunRate => world.guards.rate = rate,
            _ => world.spend.rate = rate,
        }
        world.call(1, 100).unwrap();
        world.now += 4_000;
        world.call(1, 200).unwrap();
        let refusal = world.asked(1, 300).unwrap_err();
        assert_eq!((refusal.code, refusal.why.guard()), (Denial::RateLimited, guard));
        world.now += refusal.retry_after_ms.unwrap();
        assert!(world.asked(1, 300).is_ok());
        assert_eq!(world.now, 1_000_000 + 10_100, "a slot of 100 ms later than the first call's window");
    }
}

#[test]
fn what_one_run_is_told_by_upstream_slows_all_runs_of_the_tool() {
    let mut world = rich();
    world.open_as(2, None, "other", false);
    let (call, _) = world.start(1, 100).unwrap();
    let ended = Ended { call, blame: Blame::Fails(None), spent: None, result: None, slow_ms: Some(7_000) };
    world.happen(1, Kind::Ended(ended));
    world.now += 2_000;
    let refusal = world.asked(2, 100).unwrap_err();
    assert_eq!((refusal.why, refusal.retry_after_ms), (Why::Slowed, Some(5_000)));
    world.now += 5_000;
    assert!(world.asked(2, 100).is_ok());
}

#[test]
fn the_longest_wait_that_upstream_wants_counts_whoever_hears_of_it_last() {
    let mut world = rich();
    let (call, _) = world.start(1, 100).unwrap();
    for slow_ms in [Some(7_000), Some(1_000), None] {
        world.happen(1, Kind::Retried { call, slow_ms });
        assert_eq!(world.asked(1, 200).unwrap_err().retry_after_ms, Some(7_000));
    }
}

#[test]
fn no_upstream_can_stop_a_tool_for_ever() {
    let mut world = rich();
    let (call, _) = world.start(1, 100).unwrap();
    let slow_ms = Some(u64::MAX);
    world.happen(1, Kind::Ended(Ended { call, blame: Blame::Works, spent: None, result: None, slow_ms }));
    world.now += HOUR_MS;
    assert!(world.asked(1, 200).is_ok());
}
