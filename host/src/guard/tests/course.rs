//! The course of a run: paused, halted, finished, nested, refreshed, reviewed, and the order of the guards.

use super::super::{GuardName, Why};
use super::*;

#[test]
fn an_unknown_run_is_refused() {
    let mut world = World::new();
    let refusal = world.asked(9, 100).unwrap_err();
    assert_eq!((refusal.code, refusal.why), (Denial::UnknownRun, Why::UnknownRun));
}

#[test]
fn a_state_that_was_not_loaded_refuses() {
    let mut world = World::new();
    let ask = world.ask(1, "t", 100);
    assert_eq!(world.board.admit(&ask).answer.unwrap_err().code, Denial::UnknownRun);
}

#[test]
fn a_paused_run_goes_on_when_it_is_continued() {
    let mut world = World::new();
    world.steer(1, Steer::Paused("look".to_owned()));
    assert_eq!(world.asked(1, 100).unwrap_err().code, Denial::RunPaused);
    world.steer(1, Steer::Continued);
    assert!(world.asked(1, 100).is_ok());
}

#[test]
fn a_halted_run_stays_halted_until_a_person_continues_it() {
    let mut world = World::new();
    world.steer(1, Steer::Halted("loop".to_owned()));
    let finished = Steer::Finished { reached: true };
    for steer in [Steer::Paused("x".to_owned()), Steer::Reported, Steer::Refreshed, finished] {
        world.steer(1, steer);
        assert_eq!(world.asked(1, 100).unwrap_err().why, Why::Halted("loop".to_owned()));
    }
    world.steer(1, Steer::Continued);
    assert!(world.asked(1, 100).is_ok());
}

#[test]
fn a_finished_run_stays_finished() {
    let mut world = World::new();
    world.steer(1, Steer::Finished { reached: true });
    for steer in [Steer::Continued, Steer::Paused(String::new()), Steer::Halted(String::new())] {
        world.steer(1, steer);
        let refusal = world.asked(1, 100).unwrap_err();
        assert_eq!((refusal.code, refusal.why), (Denial::RunHalted, Why::Finished));
    }
}

#[test]
fn what_stops_a_run_stops_its_descendants() {
    let mut world = World::new();
    world.open(2, Some(1));
    world.open(3, Some(2));
    world.steer(1, Steer::Paused("look".to_owned()));
    let refusal = world.asked(3, 100).unwrap_err();
    assert_eq!((refusal.code, refusal.run, refusal.inherited), (Denial::RunPaused, run(1), true));
}

#[test]
fn a_run_stands_while_it_or_one_above_it_is_paused_halted_or_finished() {
    for steer in [
        Steer::Paused("look".to_owned()),
        Steer::Halted("loop".to_owned()),
        Steer::Finished { reached: true },
    ] {
        let mut world = World::new();
        world.open(2, Some(1));
        world.open(3, None);
        assert_eq!([1, 2, 3].map(|n| world.board.stands(run(n))), [false; 3]);
        world.steer(1, steer);
        assert_eq!([1, 2, 3].map(|n| world.board.stands(run(n))), [true, true, false]);
        assert!(world.board.stands(run(9)), "not in memory");
    }
}

#[test]
fn the_fifth_nested_run_works_and_the_sixth_does_not() {
    let mut world = World::new();
    (2..=6).for_each(|n| world.open(n, Some(n - 1)));
    assert!(world.asked(5, 100).is_ok());
    let refusal = world.asked(6, 100).unwrap_err();
    assert_eq!(refusal.why, Why::Depth { depth: 6, limit: 5 });
}

#[test]
fn the_fifth_refusal_in_a_row_halts() {
    let mut world = World::new();
    for n in 1..=5 {
        world.refuse(1, Some(Denial::InvalidArguments), None);
        assert_eq!(world.board.overrun(run(1), &world.guards).is_some(), n == 5, "{n}");
    }
    let refusal = world.asked(1, 100).unwrap_err();
    assert_eq!((refusal.code, refusal.why.guard()), (Denial::RunHalted, GuardName::Refusals));
    assert!(refusal.halts, "though the host died before it wrote the halt");
    world.steer(1, Steer::Halted("x".to_owned()));
    assert_eq!(world.board.overrun(run(1), &world.guards), None, "it is halted already");
}

#[test]
fn a_call_that_runs_ends_the_row_of_refusals_and_waiting_as_told_is_none() {
    let mut world = World::new();
    (0..4).for_each(|_| world.refuse(1, Some(Denial::DeniedByPolicy), None));
    let obeyed = [
        Denial::NeedsApproval,
        Denial::RateLimited,
        Denial::BreakerOpen,
        Denial::Conflict,
        Denial::CheckpointAndRefresh,
        Denial::Killed,
        Denial::ComponentChanged,
        Denial::RunPaused,
        Denial::RunHalted,
    ];
    obeyed.into_iter().for_each(|code| world.refuse(1, Some(code), None));
    assert_eq!(world.board.overrun(run(1), &world.guards), None);
    world.call(1, 100).unwrap();
    (0..4).for_each(|_| world.refuse(1, Some(Denial::Malformed), None));
    assert_eq!(world.board.overrun(run(1), &world.guards), None);
}

#[test]
fn an_old_segment_is_refreshed_and_the_budgets_stay() {
    let mut world = World::new();
    world.call(1, 100).unwrap();
    world.now += 3_600_000;
    let refusal = world.asked(1, 200).unwrap_err();
    assert_eq!(refusal.code, Denial::CheckpointAndRefresh);
    world.steer(1, Steer::Refreshed);
    let steps = world.readings(1, 200);
    assert!(steps.iter().any(|reading| reading.guard == GuardName::Steps && reading.used == 1));
}

#[test]
fn a_run_with_a_goal_is_paused_at_half_of_any_budget_once() {
    let mut world = World::new();
    world.open_as(2, None, "p", true);
    (0..10).for_each(|n| drop(world.call(2, n * 100).unwrap()));
    let refusal = world.asked(2, 9_000).unwrap_err();
    assert_eq!(
        (refusal.code, refusal.why.guard(), refusal.pauses),
        (Denial::RunPaused, GuardName::Review, true)
    );
    world.steer(2, Steer::Paused("review".to_owned()));
    world.steer(2, Steer::Continued);
    (0..10).for_each(|n| drop(world.call(2, 9_000 + n * 100).unwrap()));
}

#[test]
fn no_review_is_due_without_a_goal_after_a_report_or_where_it_is_off() {
    let mut world = World::new();
    world.open_as(2, None, "p", true);
    world.open_as(3, None, "p", true);
    world.steer(2, Steer::Reported);
    for n in [1, 2, 3] {
        (0..10).for_each(|i| drop(world.call(n, i * 100).unwrap()));
        assert_eq!(world.asked(n, 5_000).is_ok(), n != 3);
    }
    world.guards.review = false;
    assert!(world.asked(3, 5_000).is_ok());
}

#[test]
fn a_child_waits_for_its_parents_review() {
    let mut world = World::new();
    world.open_as(2, None, "p", true);
    world.open(3, Some(2));
    (0..10).for_each(|n| drop(world.call(3, n * 100).unwrap()));
    let refusal = world.asked(3, 5_000).unwrap_err();
    assert_eq!((refusal.run, refusal.pauses, refusal.inherited), (run(2), true, true));
}

#[test]
fn the_readings_are_the_guards_consulted_and_the_last_one_refuses() {
    let mut world = World::new();
    world.tool.breaker = Some(Breaker { failures: 1, ..Breaker::default() });
    let readings = world.readings(1, 100);
    assert_eq!(serde_json::to_value(readings[0]).unwrap()["guard"], "depth");
    assert!(readings.iter().any(|r| r.guard == GuardName::Cost && r.limit == 500_000));
    world.fail(1, 100).unwrap();
    let last = *world.readings(1, 200).last().unwrap();
    assert_eq!((last.guard, last.used, last.limit), (GuardName::Breaker, 1, 1));
}
