//! The breaker: the known bugs, each excluded by name.
//!
//! Not here: random sequences (`breaker_model.rs`).

use super::super::breaker::{BreakerState, Gate};
use super::*;

const SETTINGS: Breaker = Breaker { failures: 3, percent: 0, window_ms: 10_000, cooldown_ms: 5_000 };
const OPEN: fn(u64) -> Gate = |retry_after_ms| Gate::Wait { retry_after_ms, probing: false };

fn id(n: u64) -> CallId {
    CallId::new(n, [0; 10])
}

/// A breaker, with calls by number that may run for 1000 ms.
#[derive(Default)]
struct Bench(BreakerState);

impl Bench {
    fn start(&mut self, call: u64, at_ms: u64) {
        self.0.admitted(id(call), at_ms + 1_000, at_ms);
    }

    fn end(&mut self, call: u64, blame: Blame, at_ms: u64) {
        self.0.ended(id(call), blame, at_ms);
    }

    fn fail(&mut self, call: u64, at_ms: u64) {
        self.start(call, at_ms);
        self.end(call, Blame::Fails(Some(SETTINGS)), at_ms);
    }

    fn gate(&self, at_ms: u64) -> Gate {
        self.0.gate(&SETTINGS, at_ms)
    }

    /// Opened at `at_ms` by the calls 1 to 3.
    fn opened(at_ms: u64) -> Self {
        let mut bench = Self::default();
        (1..=3).for_each(|call| bench.fail(call, at_ms));
        bench
    }
}

#[test]
fn enough_failures_in_the_window_open_it() {
    let mut bench = Bench::default();
    bench.fail(1, 0);
    bench.fail(2, 10_100);
    bench.fail(3, 10_200);
    assert_eq!(bench.gate(10_200), Gate::Pass, "the first is out of the window");
    bench.fail(4, 10_300);
    assert_eq!(bench.gate(10_300), OPEN(5_000));
}

#[test]
fn misuse_and_calls_cut_off_are_no_failures_and_successes_lower_the_share() {
    let half = Breaker { percent: 50, ..SETTINGS };
    let mut bench = Bench::default();
    for (call, blame) in
        [Blame::Misused, Blame::Nothing, Blame::Works, Blame::Works, Blame::Works].into_iter().enumerate()
    {
        bench.start(call as u64, 0);
        bench.end(call as u64, blame, 0);
    }
    for call in 10..14 {
        assert_eq!(bench.gate(0), Gate::Pass, "3 failures, but of 7");
        bench.start(call, 0);
        bench.end(call, Blame::Fails(Some(half)), 0);
    }
    assert_eq!(bench.gate(0), OPEN(5_000), "4 of 8");
}

#[test]
fn it_is_not_stuck_open() {
    let bench = Bench::opened(100);
    assert_eq!(bench.gate(5_099), OPEN(1));
    assert_eq!(bench.gate(5_100), Gate::Probe);
    assert_eq!(bench.gate(u64::MAX), Gate::Probe);
}

#[test]
fn a_clock_that_was_set_back_makes_nobody_wait_longer_than_the_cooldown() {
    assert_eq!(Bench::opened(1_000_000_000).gate(0), OPEN(5_000));
}

#[test]
fn late_failures_do_not_stamp_the_cooldown_anew() {
    let mut bench = Bench::default();
    (10..14).for_each(|call| bench.start(call, 0));
    (1..=3).for_each(|call| bench.fail(call, 0));
    for (call, at_ms) in [(10, 1_000), (11, 4_999)] {
        bench.end(call, Blame::Fails(Some(SETTINGS)), at_ms);
    }
    assert_eq!(bench.gate(5_000), Gate::Probe);
    bench.start(20, 5_000);
    bench.end(12, Blame::Fails(Some(SETTINGS)), 5_100);
    bench.end(20, Blame::Works, 5_200);
    bench.end(13, Blame::Fails(Some(SETTINGS)), 5_300);
    bench.fail(21, 5_400);
    bench.fail(22, 5_400);
    assert_eq!(bench.gate(5_400), Gate::Pass, "only two failures since it closed");
}

#[test]
fn late_successes_do_not_close_it() {
    let mut bench = Bench::default();
    bench.start(10, 0);
    (1..=3).for_each(|call| bench.fail(call, 0));
    bench.end(10, Blame::Works, 100);
    assert_eq!(bench.gate(100), OPEN(4_900));
}

#[test]
fn one_call_probes_and_the_others_wait() {
    let mut bench = Bench::opened(0);
    bench.start(10, 5_000);
    assert_eq!(bench.gate(5_200), Gate::Wait { retry_after_ms: 800, probing: true });
    bench.end(10, Blame::Works, 5_300);
    assert_eq!(bench.gate(5_300), Gate::Pass);
}

#[test]
fn a_probe_that_is_cancelled_killed_or_misused_leaves_its_slot() {
    for blame in [Blame::Nothing, Blame::Misused] {
        let mut bench = Bench::opened(0);
        bench.start(10, 5_000);
        bench.end(10, blame, 5_001);
        assert_eq!(bench.gate(5_001), Gate::Probe, "{blame:?}");
    }
}

#[test]
fn a_probe_that_dies_leaves_its_slot_when_its_time_is_over() {
    let mut bench = Bench::opened(0);
    bench.start(10, 5_000);
    assert_eq!(bench.gate(6_000), Gate::Probe);
    bench.start(11, 6_000);
    bench.end(10, Blame::Works, 6_100);
    assert_eq!(bench.gate(6_100), Gate::Wait { retry_after_ms: 900, probing: true }, "11 is the probe now");
    bench.end(11, Blame::Works, 6_200);
    assert_eq!(bench.gate(6_200), Gate::Pass);
}

#[test]
fn a_failure_in_half_open_is_not_lost() {
    let mut bench = Bench::opened(0);
    bench.fail(10, 5_000);
    assert_eq!(bench.gate(5_000), OPEN(5_000));
    bench.start(11, 10_000);
    bench.end(11, Blame::Fails(None), 10_001);
    assert_eq!(bench.gate(10_001), OPEN(5_000), "also when the host that saw it has no breaker");
}

#[test]
fn the_probe_is_the_call_that_asks_and_not_one_that_was_refused() {
    let mut bench = Bench::opened(0);
    assert!(matches!(bench.gate(1_000), Gate::Wait { .. }), "the refused call leaves no trace");
    bench.start(77, 5_000);
    bench.end(10, Blame::Works, 5_001);
    assert!(matches!(bench.gate(5_001), Gate::Wait { .. }));
    bench.end(77, Blame::Works, 5_002);
    assert_eq!(bench.gate(5_002), Gate::Pass);
}

#[test]
fn after_closing_it_counts_from_nothing() {
    let mut bench = Bench::opened(0);
    bench.start(10, 5_000);
    bench.end(10, Blame::Works, 5_000);
    bench.fail(11, 5_001);
    bench.fail(12, 5_002);
    assert_eq!(bench.gate(5_003), Gate::Pass);
}

#[test]
fn a_refused_call_is_told_when_and_takes_no_slot() {
    let mut world = World::new();
    world.tool.breaker = Some(SETTINGS);
    (0..3).for_each(|n| drop(world.fail(1, n * 100).unwrap()));
    world.now += 1_000;
    let refusal = world.start(1, 400).unwrap_err();
    assert_eq!((refusal.code, refusal.retry_after_ms), (Denial::BreakerOpen, Some(4_000)));
    world.open(2, None);
    world.now += 4_000;
    let (call, _) = world.start(2, 400).unwrap();
    assert_eq!(world.asked(1, 500).unwrap_err().code, Denial::BreakerOpen);
    world.end(2, call, Blame::Works, None, None);
    assert!(world.asked(1, 500).is_ok());
}

#[test]
fn a_probe_is_taken_only_by_a_call_that_all_others_allow() {
    let mut world = World::new();
    world.tool.breaker = Some(SETTINGS);
    (0..3).for_each(|n| drop(world.fail(1, n * 100).unwrap()));
    world.now += 5_000;
    world.open(2, None);
    world.steer(2, Steer::Paused(String::new()));
    world.start(2, 500).unwrap_err();
    assert!(world.asked(1, 500).is_ok(), "the refused call holds no slot");
}

#[test]
fn a_tool_without_a_breaker_is_never_left_alone() {
    let mut world = World::new();
    world.tool.breaker = None;
    world.guards.budgets.steps = 100;
    for n in 0..30 {
        let ask = world.ask(1, "t", n * 100);
        assert!(!matches!(world.decide(&ask), Err(Refusal { code: Denial::BreakerOpen, .. })));
        drop(world.fail(1, n * 100));
    }
}
