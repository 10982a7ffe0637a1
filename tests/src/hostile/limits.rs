//! Limits at their edges, and a host function that panics.

use super::bare::Bare;
use super::room::{Room, Tool, alone};
use super::wat;
use crate::support::guest::Guest;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use toolgate::call::{Fault, Reason, Suggestion};
use toolgate::sandbox::{Failed, Job, Ran, Sandbox};

fn bare() -> Bare {
    Bare::open(Duration::from_millis(10))
}

fn fault(ran: &Ran) -> Option<Fault> {
    match &ran.ended {
        Err(Failed::Fault(fault, _)) => Some(*fault),
        Ok(_) => None,
        other => panic!("{other:?}"),
    }
}

async fn echo(bare: &Bare, change: impl FnOnce(&mut Job)) -> Option<Fault> {
    fault(&bare.run(&wat::component("echo"), "echo", change).await)
}

#[test]
fn fuel_of_zero_one_and_the_maximum() {
    alone(async {
        let bare = bare();
        for (fuel, ends) in [(0, Some(Fault::OutOfFuel)), (1, Some(Fault::OutOfFuel)), (u64::MAX, None)] {
            assert_eq!(echo(&bare, |job| job.limits.fuel = fuel).await, ends, "{fuel}");
        }
        let ran = bare.run(&wat::component("echo"), "echo", |job| job.limits.fuel = u64::MAX).await;
        assert!(ran.measured.fuel < 100_000, "what was spent is known at any limit: {}", ran.measured.fuel);
    });
}

/// A host call's price is paid whole or not at all, also where more fuel is left than a signed number holds.
#[test]
fn host_calls_are_paid_at_any_limit_of_fuel() {
    alone(async {
        let bare = bare();
        let mut spent = Vec::new();
        for fuel in [1_000_000_000, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
            let ran = bare.run(&wat::component("stdout_flood"), "guest", |job| job.limits.fuel = fuel).await;
            assert_eq!(fault(&ran), None);
            spent.push(ran.measured.fuel);
        }
        assert!(spent.iter().all(|fuel| *fuel == spent[0]), "{spent:?}");
    });
}

#[test]
fn memory_of_zero_one_and_the_maximum() {
    alone(async {
        let bare = bare();
        for (bytes, ends) in [(0, Some(Fault::OutOfMemory)), (1, Some(Fault::OutOfMemory)), (u64::MAX, None)]
        {
            assert_eq!(echo(&bare, |job| job.limits.memory_bytes = bytes).await, ends, "{bytes}");
        }
    });
}

#[test]
fn a_deadline_that_has_passed_and_one_far_away() {
    alone(async {
        let bare = bare();
        let passed = Instant::now();
        assert_eq!(echo(&bare, |job| job.deadline = passed).await, Some(Fault::Deadline));
        let far = Instant::now() + Duration::from_secs(60 * 60 * 24 * 365 * 100);
        assert_eq!(echo(&bare, |job| job.deadline = far).await, None);
    });
}

/// A host is made for any number of calls that a policy may name. For more it may say that it cannot; it never aborts.
#[test]
fn concurrency_of_zero_one_and_the_maximum() {
    for concurrency in [0, 1, 1024] {
        Sandbox::open(concurrency).unwrap_or_else(|error| panic!("{concurrency}: {error}"));
    }
    assert!(Sandbox::open(4096).is_err());
}

fn reports_progress() -> Vec<u8> {
    let mut guest = Guest::new("").with_call_context();
    let (start, len) = guest.data(b"{}");
    let report = "(call $progress (f64.const 1) (i32.const 0) (f64.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";
    guest.body(&format!("{report} (call $ok (i32.const {start}) (i32.const {len}))")).build()
}

/// The one host function that runs a caller's code. Its slot comes free again: more calls panic than run at once.
#[test]
fn a_panic_in_a_host_function_ends_that_call_alone() {
    alone(async {
        let bare = bare();
        for _ in 0..6 {
            let ran = bare
                .run(&reports_progress(), "guest", |job| {
                    job.progress = Some(Arc::new(|_| panic!("on purpose")))
                })
                .await;
            assert!(
                matches!(&ran.ended, Err(Failed::Host(why)) if why.contains("panicked")),
                "{:?}",
                ran.ended
            );
        }
        assert_eq!(echo(&bare, |_| {}).await, None);
    });
}

#[test]
fn a_panic_in_a_host_function_is_a_host_error_on_the_record() {
    alone(async {
        let room = Room::open(&[Tool::of("guest", reports_progress())]).await.expect("the gate opens");
        for _ in 0..6 {
            let suggestion = Suggestion {
                run: None,
                tool: "guest".to_owned(),
                arguments: json!({}).into(),
                meta: Default::default(),
            };
            let outcome = room.gate.call(suggestion, Some(Arc::new(|_| panic!("on purpose")))).await;
            assert_eq!(outcome.reason.map(Reason::as_str), Some("internal"), "{outcome:?}");
        }
        room.good_call().await;
    });
}

/// Where a call's future is dropped while the guest runs, its slot comes free.
#[test]
fn a_dropped_call_gives_its_slot_back() {
    alone(async {
        let room = Room::open(&[Tool::guest("spin").with("limits = { fuel = \"18446744073709551615\" }")])
            .await
            .expect("the gate opens");
        for pause in [0, 1, 5, 15, 25, 40, 60, 80] {
            let call = room.run.call("spin", json!({}));
            assert!(tokio::time::timeout(Duration::from_millis(pause), call).await.is_err());
            room.good_call().await;
        }
    });
}
