//! What is left of a call when it is over: nothing. What a call sees without grants: nothing.

use super::hostile;
use super::room::{Room, Tool, alone};
use serde_json::{Value, json};
use toolgate::call::Outcome;

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
