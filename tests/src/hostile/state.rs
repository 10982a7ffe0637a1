//! What is left of a call when it is over: nothing. What a call sees without grants: nothing.

use super::bare::Bare;
use super::hostile;
use super::room::{Room, Tool, alone};
use super::wat;
use serde_json::{Value, json};
use std::time::Duration;
use toolgate::call::{CallId, Outcome};

hostile! {
    keeps_state => |name| alone(every_call_is_the_first(name));
    nothing_granted => |name| alone(nothing_is_there(name));
}

async fn every_call_is_the_first(name: &str) {
    let room = Room::open(&[Tool::guest(name)]).await.expect("the gate opens");
    for _ in 0..20 {
        let outcome = room.run.call(name, json!({})).await;
        assert_eq!(outcome.output, Some(json!(4)), "one call, one write, a table of two: {outcome:?}");
    }
}

/// Preopens, environment, arguments, clock steps, and the clocks' distance are zero; name lookup and sockets refuse;
/// random is there and differs from call to call.
async fn nothing_is_there(name: &str) {
    let room = Room::open(&[Tool::guest(name)]).await.expect("the gate opens");
    let seen = |outcome: Outcome| match outcome.output {
        Some(Value::Array(seen)) => seen,
        _ => panic!("it completes: {outcome:?}"),
    };
    let first = seen(room.run.call(name, json!({})).await);
    let second = seen(room.run.call(name, json!({})).await);
    assert_eq!(first[..7], json!([0, 0, 0, 0, 0, 1, 1]).as_array().expect("an array")[..]);
    assert_eq!(first[..7], second[..7]);
    assert_ne!(first[7], second[7], "each call has its own id");
}

#[test]
fn without_the_grant_random_is_a_function_of_the_call_id() {
    alone(async {
        let (bare, guest) = (Bare::open(Duration::from_millis(10)), wat::component("nothing_granted"));
        let one = bare.run(&guest, "nothing_granted", |_| {}).await.ended;
        let again = bare.run(&guest, "nothing_granted", |_| {}).await.ended;
        let other = bare.run(&guest, "nothing_granted", |job| job.call = CallId::new(1, [3; 10])).await.ended;
        assert!(one.is_ok(), "{one:?}");
        assert_eq!(one, again);
        assert_ne!(one, other);
    });
}
