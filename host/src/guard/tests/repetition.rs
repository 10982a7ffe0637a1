//! Repetition: notice, refuse, halt.

use super::super::Why;
use super::*;

#[track_caller]
fn repeated(answer: Result<Admission, Refusal>) -> (Pattern, bool) {
    match answer {
        Err(Refusal { code: Denial::Repetition, why: Why::Repeated(pattern), halts, .. }) => (pattern, halts),
        other => panic!("{other:?}"),
    }
}

const SAME: u64 = 700;

#[test]
fn the_same_call_twice_in_a_row_is_noticed_then_refused_then_halts_the_run() {
    let mut world = World::new();
    assert_eq!(noticed(&world.call(1, SAME).unwrap()), None);
    assert_eq!(noticed(&world.call(1, SAME).unwrap()), Some(Pattern::Same { times: 2, near: false }));
    let pattern = Pattern::Same { times: 3, near: false };
    assert_eq!(repeated(world.call(1, SAME)), (pattern, false));
    assert_eq!(repeated(world.call(1, SAME)), (pattern, false));
    assert_eq!(repeated(world.call(1, SAME)), (pattern, true));
}

#[test]
fn something_else_between_ends_the_row() {
    let mut world = World::new();
    world.call(1, SAME).unwrap();
    world.call(1, 100).unwrap();
    assert_eq!(noticed(&world.call(1, SAME).unwrap()), None);
}

#[test]
fn nearly_the_same_counts_and_is_named_so() {
    let mut world = World::new();
    world.call(1, SAME).unwrap();
    assert_eq!(noticed(&world.call(1, SAME + 1).unwrap()), Some(Pattern::Same { times: 2, near: true }));
    assert_eq!(repeated(world.call(1, SAME + 2)), (Pattern::Same { times: 3, near: true }, false));
}

#[test]
fn failed_calls_count_too() {
    let mut world = World::new();
    world.fail(1, SAME).unwrap();
    assert!(noticed(&world.fail(1, SAME).unwrap()).is_some());
    repeated(world.fail(1, SAME));
}

#[test]
fn calls_in_flight_count_by_what_they_ask() {
    let mut world = World::new();
    let answers: Vec<_> = (0..10).map(|_| world.start(1, SAME).is_ok()).collect();
    assert_eq!(answers.iter().filter(|ok| **ok).count(), 2);
}

#[test]
fn a_cycle_of_up_to_four_is_noticed_when_it_closes_again_and_then_refused() {
    for period in 2..=4 {
        let mut world = World::new();
        let mut at = (0..period).cycle().map(|n| n * 100 + 5);
        for n in 1..=2 * period {
            let admission = world.call(1, at.next().unwrap()).unwrap();
            let expected = (n == 2 * period).then_some(Pattern::Cycle { period, near: false });
            assert_eq!(noticed(&admission), expected, "{n} of period {period}");
        }
        assert_eq!(repeated(world.call(1, 5)).0, Pattern::Cycle { period, near: false });
    }
}

#[test]
fn a_cycle_of_five_is_none() {
    let mut world = World::new();
    for n in (0..5).cycle().take(15) {
        assert_eq!(noticed(&world.call(1, n * 100).unwrap()), None);
    }
}

/// Calls `SAME` for the given result, with other calls of irregular number between.
fn interleaved(world: &mut World, n: u64, result: u64) -> Result<Admission, Refusal> {
    for other in 0..=n % 3 {
        world.call(1, 10_000 + n * 1_000 + other * 100)?;
    }
    world.call_for(1, SAME, Blame::Works, Some(result))
}

#[test]
fn the_same_result_three_times_is_noticed_then_refused_whatever_lies_between() {
    let mut world = World::new();
    world.guards.budgets.steps = 100;
    for n in 0..3 {
        assert_eq!(noticed(&interleaved(&mut world, n, 9).unwrap()), None);
    }
    let pattern = |times| Pattern::SameResult { times, near: false };
    assert_eq!(noticed(&interleaved(&mut world, 3, 9).unwrap()), Some(pattern(3)));
    for halts in [false, false, true] {
        world.call(1, 90_000 + world.calls * 100).unwrap();
        assert_eq!(repeated(world.call(1, SAME)), (pattern(4), halts), "the third refusal halts");
    }
}

#[test]
fn a_result_that_changes_is_no_repetition() {
    let mut world = World::new();
    world.guards.budgets.steps = 100;
    for n in 0..8 {
        assert_eq!(noticed(&interleaved(&mut world, n, n / 2).unwrap()), None, "{n}");
    }
}

#[test]
fn five_errors_in_a_row_over_any_arguments_are_noticed_then_refused_then_halt() {
    let mut world = World::new();
    world.tool.breaker = None;
    for n in 0..5 {
        assert_eq!(noticed(&world.fail(1, n * 100).unwrap()), None);
    }
    assert_eq!(noticed(&world.fail(1, 600).unwrap()), Some(Pattern::Errors { times: 5 }));
    for (n, halts) in [(0, false), (1, false), (2, true)] {
        assert_eq!(repeated(world.fail(1, 1_000 + n * 100)), (Pattern::Errors { times: 6 }, halts));
    }
}

#[test]
fn after_errors_in_a_row_another_tool_may_be_tried() {
    let mut world = World::new();
    world.tool.breaker = None;
    (0..6).for_each(|n| drop(world.fail(1, n * 100).unwrap()));
    let ask = world.ask(1, "other", 5_000);
    let (call, admission) = world.start_ask(1, &ask).unwrap();
    assert_eq!(noticed(&admission), Some(Pattern::Errors { times: 6 }));
    world.end(1, call, Blame::Works, None, Some(1));
    assert_eq!(noticed(&world.asked(1, 8_000).unwrap()), None);
}

#[test]
fn one_success_ends_a_row_of_errors_and_a_call_cut_off_does_not() {
    let mut world = World::new();
    world.tool.breaker = None;
    (0..4).for_each(|n| drop(world.fail(1, n * 100).unwrap()));
    world.call_for(1, 400, Blame::Nothing, None).unwrap();
    world.call_for(1, 500, Blame::Misused, None).unwrap();
    assert!(noticed(&world.asked(1, 600).unwrap()).is_some());
    world.call(1, 600).unwrap();
    assert_eq!(noticed(&world.asked(1, 700).unwrap()), None);
}

#[test]
fn recorded_answers_never_count() {
    let mut world = World::new();
    world.call(1, SAME).unwrap();
    (0..9).for_each(|_| world.refuse(1, None, Some(print(SAME))));
    assert_eq!(noticed(&world.asked(1, 100).unwrap()), None);
    assert!(noticed(&world.asked(1, SAME).unwrap()).is_some());
}

#[test]
fn a_person_who_continues_the_run_ends_all_repetition() {
    let mut world = World::new();
    (0..5).for_each(|_| drop(world.call(1, SAME)));
    world.steer(1, Steer::Halted("loop".to_owned()));
    world.steer(1, Steer::Continued);
    assert_eq!(noticed(&world.call(1, SAME).unwrap()), None);
}

#[test]
fn a_restarted_agent_meets_the_same_history() {
    let mut world = World::new();
    world.call(1, SAME).unwrap();
    world.steer(1, Steer::Refreshed);
    assert!(noticed(&world.call(1, SAME).unwrap()).is_some());
}

#[test]
fn a_poll_before_its_interval_is_told_to_wait_and_after_it_is_no_repetition() {
    let mut world = World::new();
    world.tool.poll_ms = Some(5_000);
    world.call(1, SAME).unwrap();
    world.now += 2_000;
    let refusal = world.asked(1, SAME).unwrap_err();
    assert_eq!((refusal.code, refusal.retry_after_ms), (Denial::RateLimited, Some(3_000)));
    for _ in 0..6 {
        world.now += 5_000;
        assert_eq!(noticed(&world.call(1, SAME).unwrap()), None);
    }
}

#[test]
fn an_unchanged_polled_state_doubles_the_interval_after_the_notice() {
    let mut world = World::new();
    world.tool.poll_ms = Some(5_000);
    let unchanged = |times, interval_ms| Pattern::Unchanged { times, interval_ms };
    let poll = |world: &mut World, wait_ms| {
        world.now += wait_ms;
        world.call_for(1, SAME, Blame::Works, Some(1))
    };
    (0..3).for_each(|_| assert_eq!(noticed(&poll(&mut world, 5_000).unwrap()), None));
    assert_eq!(noticed(&poll(&mut world, 5_000).unwrap()), Some(unchanged(3, 5_000)));
    let refusal = poll(&mut world, 5_000).unwrap_err();
    assert_eq!((refusal.code, refusal.retry_after_ms), (Denial::Repetition, Some(5_000)));
    assert_eq!(noticed(&poll(&mut world, 5_000).unwrap()), Some(unchanged(4, 10_000)));
    assert_eq!(noticed(&poll(&mut world, 20_000).unwrap()), Some(unchanged(5, 20_000)));
    for halts in [false, false, true] {
        assert_eq!(repeated(poll(&mut world, 5_000)), (unchanged(6, 40_000), halts));
    }
}

#[test]
fn where_repetition_is_off_nothing_is_noticed_or_refused_but_polls_keep_their_interval() {
    let mut world = World::new();
    world.guards.repetition = false;
    (0..10).for_each(|_| assert_eq!(noticed(&world.call(1, SAME).unwrap()), None));
    world.tool.poll_ms = Some(5_000);
    assert_eq!(world.asked(1, SAME).unwrap_err().code, Denial::RateLimited);
}
