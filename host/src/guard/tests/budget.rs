//! Budgets: no run spends more than it has, nor do its ancestors.

use super::super::settings::Budgets;
use super::super::{Budget, GuardName, Notice, Why};
use super::*;

fn exhausted(refusal: &Refusal) -> (Denial, Budget) {
    match refusal.why {
        Why::Budget { budget, .. } => (refusal.code, budget),
        ref why => panic!("{why:?}"),
    }
}

#[test]
fn the_last_step_runs_and_one_more_does_not() {
    let mut world = World::new();
    for n in 0..20 {
        assert!(world.call(1, n * 100).is_ok(), "{n}");
    }
    let refusal = world.call(1, 9_900).unwrap_err();
    assert_eq!(exhausted(&refusal), (Denial::BudgetExhausted, Budget::Steps));
    assert_eq!((refusal.halts, refusal.retry_after_ms), (false, None));
}

#[test]
fn a_call_that_runs_has_its_step_already() {
    let mut world = World::new();
    world.guards.budgets.steps = 1;
    world.start(1, 100).unwrap();
    assert_eq!(exhausted(&world.start(1, 200).unwrap_err()).1, Budget::Steps);
}

#[test]
fn from_four_fifths_of_the_steps_on_every_call_is_told_to_wrap_up() {
    let mut world = World::new();
    for n in 1..=20 {
        let admission = world.call(1, n * 100).unwrap();
        let told = admission.notices.contains(&Notice::WrapUp { used: n, limit: 20, inherited: false });
        assert_eq!(told, n >= 16, "{n}");
    }
}

#[test]
fn the_fifty_first_proposal_halts_the_run() {
    let mut world = World::new();
    for n in 0..50 {
        world.refuse(1, Some(Denial::RateLimited), None);
        assert_eq!(world.board.overrun(run(1), &world.guards), None, "{n}");
    }
    let refusal = world.start(1, 100).unwrap_err();
    assert_eq!((exhausted(&refusal).1, refusal.halts), (Budget::Proposals, true));
    let (halted, why) = world.board.overrun(run(1), &world.guards).unwrap();
    assert_eq!((halted, why.guard()), (run(1), GuardName::Proposals));
    assert_eq!(why.sentence(), "The run has used 51 of 50 suggested calls.");
}

#[test]
fn a_call_that_runs_is_a_proposal_too() {
    let mut world = World::new();
    world.guards.budgets.proposals = 3;
    (0..3).for_each(|n| drop(world.call(1, n * 100).unwrap()));
    assert_eq!(exhausted(&world.asked(1, 900).unwrap_err()).1, Budget::Proposals);
}

#[test]
fn a_recorded_answer_is_a_proposal_and_nothing_else() {
    let mut world = World::new();
    (0..50).for_each(|_| world.refuse(1, None, Some(print(1))));
    assert_eq!(exhausted(&world.asked(1, 1).unwrap_err()).1, Budget::Proposals);
    world.guards.budgets.proposals = 100;
    assert!(world.asked(1, 1).unwrap().notices.is_empty());
}

#[test]
fn money_is_held_from_start_to_end_and_then_only_what_was_spent() {
    let mut world = World::new();
    world.worst = money(300_000);
    let (call, _) = world.start(1, 100).unwrap();
    let refusal = world.asked(1, 200).unwrap_err();
    assert_eq!(exhausted(&refusal), (Denial::RateLimited, Budget::Cost));
    assert_eq!(refusal.retry_after_ms, Some(1_000), "only held: it may be free soon");
    world.end(1, call, Blame::Works, Some(money(200_000)), None);
    assert_eq!(world.asked(1, 200).unwrap().allowed, money(300_000));
    world.worst = money(300_001);
    assert_eq!(exhausted(&world.asked(1, 200).unwrap_err()), (Denial::BudgetExhausted, Budget::Cost));
}

#[test]
fn a_free_call_runs_when_the_money_is_spent() {
    let mut world = World::new();
    world.worst = money(500_000);
    world.call(1, 100).unwrap();
    world.worst = money(0);
    assert!(world.asked(1, 200).is_ok());
}

#[test]
fn an_ending_that_does_not_know_leaves_all_spent() {
    let mut world = World::new();
    world.worst = money(500_000);
    let (call, _) = world.start(1, 100).unwrap();
    world.end(1, call, Blame::Nothing, None, None);
    assert_eq!(exhausted(&world.asked(1, 200).unwrap_err()), (Denial::BudgetExhausted, Budget::Cost));
}

#[test]
fn a_hold_does_not_lapse_by_time() {
    let mut world = World::new();
    world.worst = money(500_000);
    world.start(1, 100).unwrap();
    world.now += 3_000_000;
    assert_eq!(exhausted(&world.asked(1, 200).unwrap_err()).0, Denial::RateLimited);
}

#[test]
fn only_the_first_ending_of_a_call_counts() {
    let mut world = World::new();
    world.worst = money(200_000);
    let (call, _) = world.start(1, 100).unwrap();
    world.end(1, call, Blame::Nothing, None, None);
    world.end(1, call, Blame::Works, Some(money(200_000)), None);
    world.worst = money(300_000);
    assert!(world.asked(1, 200).is_ok());
}

#[test]
fn what_can_be_divided_is_narrowed_to_what_is_left() {
    let mut world = World::new();
    world.guards.budgets.fuel = Some(1_000);
    world.guards.budgets.tokens = Some(50);
    world.worst = Hold { fuel: 700, tokens: 30, wall_ms: 9, ..Hold::default() };
    assert_eq!(world.call(1, 100).unwrap().allowed, world.worst);
    let narrowed = Hold { fuel: 300, tokens: 20, wall_ms: 9, ..Hold::default() };
    assert_eq!(world.call(1, 200).unwrap().allowed, narrowed);
    assert_eq!(exhausted(&world.call(1, 300).unwrap_err()), (Denial::BudgetExhausted, Budget::Tokens));
}

#[test]
fn each_amount_is_held_while_a_call_runs_then_counted_and_the_next_narrowed_to_what_is_left() {
    type Limit = fn(&mut Budgets) -> &mut Option<u64>;
    type Amount = fn(&mut Hold) -> &mut u64;
    let each: [(Budget, Limit, Amount); 5] = [
        (Budget::Tokens, |budgets| &mut budgets.tokens, |hold| &mut hold.tokens),
        (Budget::WallTime, |budgets| &mut budgets.wall_ms, |hold| &mut hold.wall_ms),
        (Budget::Fuel, |budgets| &mut budgets.fuel, |hold| &mut hold.fuel),
        (Budget::HostCalls, |budgets| &mut budgets.host_calls, |hold| &mut hold.host_calls),
        (Budget::OutputBytes, |budgets| &mut budgets.output_bytes, |hold| &mut hold.output_bytes),
    ];
    for (budget, limit, amount) in each {
        let of = |n| {
            let mut hold = Hold::default();
            *amount(&mut hold) = n;
            hold
        };
        let mut world = World::new();
        *limit(&mut world.guards.budgets) = Some(10);
        world.worst = of(7);
        let (first, admission) = world.start(1, 100).unwrap();
        assert_eq!(admission.allowed, of(7), "{budget:?}");
        let (second, admission) = world.start(1, 200).unwrap();
        assert_eq!(admission.allowed, of(3), "{budget:?}: the first call holds 7 of 10");
        assert_eq!(exhausted(&world.asked(1, 300).unwrap_err()), (Denial::RateLimited, budget));
        world.end(1, first, Blame::Works, Some(of(4)), None);
        assert_eq!(world.asked(1, 300).unwrap().allowed, of(3), "{budget:?}: 4 are spent, 3 held");
        world.end(1, second, Blame::Works, Some(of(3)), None);
        assert_eq!(world.call(1, 400).unwrap().allowed, of(3), "{budget:?}: 7 are spent");
        assert_eq!(exhausted(&world.asked(1, 500).unwrap_err()), (Denial::BudgetExhausted, budget));
    }
}

#[test]
fn tokens_that_the_agent_tells_count_where_they_are_more() {
    let mut world = World::new();
    world.guards.budgets.tokens = Some(100);
    world.steer(1, Steer::Tokens(99));
    world.steer(1, Steer::Tokens(5));
    world.worst = Hold { tokens: 40, ..Hold::default() };
    assert_eq!(world.call(1, 100).unwrap().allowed.tokens, 1);
    world.steer(1, Steer::Tokens(100));
    assert_eq!(exhausted(&world.call(1, 200).unwrap_err()).1, Budget::Tokens);
}

#[test]
fn a_childs_calls_count_for_every_ancestor() {
    let mut world = World::new();
    world.open(2, Some(1));
    world.open(3, Some(2));
    world.guards.budgets.steps = 3;
    for (n, arguments) in [(1, 100), (2, 200), (3, 300)] {
        world.call(n, arguments).unwrap();
    }
    let refusal = world.asked(3, 400).unwrap_err();
    assert_eq!((exhausted(&refusal).1, refusal.run, refusal.inherited), (Budget::Steps, run(1), true));
    world.open(4, None);
    assert!(world.asked(4, 400).is_ok(), "another family");
}

#[test]
fn a_childs_refused_proposals_halt_the_ancestor_whose_budget_they_use_up() {
    let mut world = World::new();
    world.open(2, Some(1));
    (0..51).for_each(|_| world.refuse(2, Some(Denial::Conflict), None));
    world.steer(2, Steer::Halted("x".to_owned()));
    world.open(3, Some(1));
    assert_eq!(world.board.overrun(run(3), &world.guards).map(|(run, _)| run), Some(run(1)));
}

#[test]
fn money_of_a_run_is_that_of_the_run_above_it_that_has_spent_most() {
    let mut world = World::new();
    world.open(2, Some(1));
    world.open(3, Some(1));
    world.worst = money(50_000);
    world.call(2, 100).unwrap();
    let (call, _) = world.start(1, 200).unwrap();
    let cost = |world: &World| [1, 2, 3, 9].map(|n| world.board.cost_micro_usd(run(n)));
    assert_eq!(cost(&world), [100_000, 100_000, 100_000, 0]);
    world.end(1, call, Blame::Works, Some(money(0)), None);
    assert_eq!(cost(&world), [50_000, 50_000, 50_000, 0]);
}

#[test]
fn a_child_shares_what_its_parent_has_left() {
    let mut world = World::new();
    world.open(2, Some(1));
    world.guards.budgets.host_calls = Some(10);
    world.worst = Hold { host_calls: 8, ..Hold::default() };
    world.call(1, 100).unwrap();
    assert_eq!(world.asked(2, 200).unwrap().allowed.host_calls, 2);
}
