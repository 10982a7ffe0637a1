//! Fuel is a property of the call, not of the machine or the moment.

use super::bare::Bare;
use super::room::alone;
use super::wat;
use crate::support::guest::Guest;
use std::time::Duration;
use toolgate::sandbox::HOST_CALL_FUEL;

/// Instructions, as the first of a function, that count to `times`.
fn work(times: u32) -> String {
    format!(
        "(local $n i32) (loop $again
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (i32.const {times}))))"
    )
}

/// A guest that calls the host eight times, and does this whenever it is to make room for what the host gives.
fn in_realloc(work: &str) -> Vec<u8> {
    let text = r#"(module
        (import "wasi:random/random@0.2.0" "get-random-bytes" (func $random (param i64 i32)))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            @work@
            (i32.const 65536))
        (func (export "call") (param i32 i32 i32 i32) (result i32)
            @calls@
            (call $number (i64.const 1))))"#;
    let calls = "(call $random (i64.const 1) (i32.const 3300))".repeat(8);
    wat::component_of("guest", &text.replace("@work@", work).replace("@calls@", &calls))
}

/// The guests: some that work for many ticks, one that calls the host all along, some that wait, print and fail.
fn guests() -> Vec<(&'static str, Vec<u8>)> {
    let mut working = Guest::new("");
    let (start, len) = working.data(b"{}");
    let work_long = work(20_000_000);
    let working =
        working.body(&format!("{work_long} (call $ok (i32.const {start}) (i32.const {len}))")).build();
    let mut sleeping = Guest::new("").with_sleep();
    let (start, len) = sleeping.data(b"{}");
    let nap = "(call $sleep (i64.const 30000000))".repeat(4);
    let sleeping = sleeping.body(&format!("{nap} (call $ok (i32.const {start}) (i32.const {len}))")).build();
    let of_folder = |name: &'static str| (name, wat::component(name));
    vec![
        ("works", working),
        ("sleeps", sleeping),
        ("works in realloc", in_realloc(&work(1_500_000))),
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

/// The runtime steps in while a host call makes the guest grow its memory, and what that call costs is not lost.
#[test]
fn a_host_call_is_paid_for_also_where_the_guest_grows_to_take_its_result() {
    alone(async {
        let bare = Bare::open(Duration::from_millis(10));
        let ran = bare.run(&in_realloc("(drop (memory.grow (i32.const 0)))"), "guest", |_| {}).await;
        assert_eq!(ran.ended, Ok("1".to_owned()));
        assert_eq!(ran.measured.host_calls, 8);
        assert!(ran.measured.fuel >= 8 * HOST_CALL_FUEL, "{:?}", ran.measured);
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
