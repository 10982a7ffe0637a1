//! Guests that do not end: fuel ends those that work, the deadline those that wait or do little per unit of fuel.

use super::hostile;
use super::room::{LITTLE_FUEL, Room, Tool, alone, ends_with, measured, refused};
use crate::support::guest::Guest;
use serde_json::json;
use std::time::Duration;
use toolgate::call::Reason;

/// Much more than any call could spend.
const UNLIMITED_FUEL: &str = "limits = { fuel = \"18446744073709551615\", deadline = \"300ms\" }";
const SHORT: &str = "limits = { deadline = \"300ms\" }";
/// The deadline of [`SHORT`] and [`UNLIMITED_FUEL`].
const DEADLINE: Duration = Duration::from_millis(300);
/// How often the sandbox looks whether a guest is past its deadline.
const TICK: Duration = Duration::from_millis(10);
/// Runs of which the best counts: the others say how busy the machine was.
const RUNS: usize = 8;

hostile! {
    spin => ends_with("out_of_fuel").policy(LITTLE_FUEL);
    spin_in_start => ends_with("out_of_fuel").policy(LITTLE_FUEL);
    spin_at_load => refused("cannot say what tools it has");
    spin_in_realloc => ends_with("out_of_fuel").policy(LITTLE_FUEL);
    spin_in_post_return => ends_with("out_of_fuel").policy(LITTLE_FUEL);
    fill_for_ever => ends_with("deadline").policy(UNLIMITED_FUEL).within(Duration::from_secs(3));
    sleep_for_ever => ends_with("deadline").policy(SHORT).within(Duration::from_secs(3));
    sleep_until_an_instant => ends_with("deadline").policy(SHORT).within(Duration::from_secs(3));
    host_call_loop => ends_with("out_of_fuel").policy(LITTLE_FUEL);
    random_gib_in_steps => ends_with("deadline").policy(UNLIMITED_FUEL).within(Duration::from_secs(3));
}

#[test]
fn spin_with_unlimited_fuel_ends_at_the_deadline() {
    ends_with("deadline").policy(UNLIMITED_FUEL).within(Duration::from_secs(3)).run("spin");
    assert!(overshoot("spin", UNLIMITED_FUEL) <= 2 * TICK);
}

#[test]
fn a_sleeper_ends_at_the_deadline() {
    assert!(overshoot("sleep_for_ever", SHORT) <= 2 * TICK);
}

/// By how much a whole call is longer than its deadline, at best.
fn overshoot(guest: &'static str, policy: &'static str) -> Duration {
    let mut best = Duration::MAX;
    alone(async {
        let room = Room::open(&[Tool::guest(guest).with(policy)]).await.expect("the gate opens");
        for _ in 0..RUNS {
            let (outcome, cost) = measured(room.run.call(guest, json!({}))).await;
            assert_eq!(outcome.reason.map(Reason::as_str), Some("deadline"));
            best = best.min(cost.wall.saturating_sub(DEADLINE));
        }
    });
    println!("{guest}: {best:?} over its deadline, the best of {RUNS} runs");
    best
}

#[test]
fn spin_in_start_with_unlimited_fuel_ends_at_the_deadline() {
    ends_with("deadline").policy(UNLIMITED_FUEL).within(Duration::from_secs(3)).run("spin_in_start");
}

#[test]
fn fuel_of_one_is_spent_at_once() {
    ends_with("out_of_fuel").policy("limits = { fuel = 1 }").run("keeps_state");
}

#[test]
fn a_deadline_of_one_millisecond_ends_a_spinner() {
    ends_with("deadline")
        .policy("limits = { deadline = \"1ms\", fuel = \"18446744073709551615\" }")
        .run("spin");
}

/// The overshoot of one instruction over all memory: 9 to 17 ms at 64 MiB on a quiet machine.
#[test]
fn one_instruction_over_all_memory_overshoots_the_deadline_by_little() {
    alone(async {
        let room =
            Room::open(&[Tool::guest("fill_for_ever").with(UNLIMITED_FUEL)]).await.expect("the gate opens");
        let (outcome, cost) = measured(room.run.call("fill_for_ever", json!({}))).await;
        assert_eq!(outcome.reason.map(Reason::as_str), Some("deadline"));
        let over = cost.wall.saturating_sub(DEADLINE);
        println!("overshoot over a deadline of 300 ms: {} ms", over.as_millis());
        assert!(over < Duration::from_millis(500), "{over:?}");
    });
}

/// A destructor is guest code too. The resource is the component's own, so this one is made here.
#[test]
fn spin_in_a_destructor_runs_out_of_fuel() {
    let resource = "(core module $D (func (export \"dtor\") (param i32) (loop $again (br $again))))
        (core instance $d (instantiate $D))
        (alias core export $d \"dtor\" (core func $dtor))
        (type $r (resource (rep i32) (dtor (core func $dtor))))
        (core func $make_lowered (canon resource.new $r))
        (core func $end_lowered (canon resource.drop $r))";
    let guest = Guest::new("(call $end (call $make (i32.const 1))) (unreachable)")
        .component_item(resource)
        .host_function("make", "(param i32) (result i32)")
        .host_function("end", "(param i32)");
    ends_with("out_of_fuel").policy(LITTLE_FUEL).run_tool(Tool::of("guest", guest.build()));
}
