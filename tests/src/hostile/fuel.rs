//! Fuel is a property of the call, not of the machine or the moment.

use super::bare::Bare;
use super::room::alone;
use super::wat;
use crate::support::guest::Guest;
use std::time::Duration;

/// The guests: one that works for many ticks, one that calls the host all along, some that wait, print and fail.
fn guests() -> Vec<(&'static str, Vec<u8>)> {
    let work = "(local $n i32) (loop $again
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $n) (i32.const 20000000))))";
    let mut working = Guest::new("");
    let (start, len) = working.data(b"{}");
    let working = working.body(&format!("{work} (call $ok (i32.const {start}) (i32.const {len}))")).build();
    let mut sleeping = Guest::new("").with_sleep();
    let (start, len) = sleeping.data(b"{}");
    let nap = "(call $sleep (i64.const 30000000))".repeat(4);
    let sleeping = sleeping.body(&format!("{nap} (call $ok (i32.const {start}) (i32.const {len}))")).build();
    let of_folder = |name: &'static str| (name, wat::component(name));
    vec![
        ("works", working),
        ("sleeps", sleeping),
        of_folder("log_flood"),
        of_folder("stdout_flood"),
        of_folder("nothing_granted"),
        of_folder("handle_flood"),
        of_folder("recursion"),
        of_folder("spin"),
        of_folder("host_call_loop"),
    ]
}

#[test]
fn the_same_call_takes_the_same_fuel_at_any_tick() {
    alone(async {
        let ticks = [1, 10, 1].map(Duration::from_millis).map(Bare::open);
        for (name, component) in guests() {
            let mut seen = Vec::new();
            for bare in &ticks {
                let ran = bare.run(&component, "guest", |_| {}).await;
                seen.push((
                    ran.measured.fuel,
                    ran.measured.host_calls,
                    ran.measured.memory_bytes,
                    format!("{:?}", ran.ended),
                ));
            }
            assert!(seen[0].0 > 0, "{name}: {seen:?}");
            assert!(seen.iter().all(|one| *one == seen[0]), "{name}: {seen:?}");
        }
    });
}

/// A call that waits costs what its host calls cost, however long it waits.
#[test]
fn waiting_costs_no_fuel() {
    alone(async {
        let bare = Bare::open(Duration::from_millis(1));
        let mut fuel = Vec::new();
        for nanoseconds in [1_000_u64, 100_000_000] {
            let mut guest = Guest::new("").with_sleep();
            let (start, len) = guest.data(b"{}");
            let body = format!(
                "(call $sleep (i64.const {nanoseconds})) (call $ok (i32.const {start}) (i32.const {len}))"
            );
            let ran = bare.run(&guest.body(&body).build(), "guest", |_| {}).await;
            assert_eq!(ran.ended, Ok("{}".to_owned()));
            fuel.push(ran.measured.fuel);
        }
        assert_eq!(fuel[0], fuel[1]);
    });
}
