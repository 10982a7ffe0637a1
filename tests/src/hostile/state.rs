//! What is left of a call when it is over: nothing. What a call sees without grants: nothing; with them, those alone.
//! Folders are in `files`.

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
    grants_seen => |name| alone(each_grant_shows_itself_and_nothing_else(name));
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

/// What the guest `grants_seen` gives: its environment, two random numbers, how far the steady and the wall clock moved.
type Seen = (String, u64, u64, u64, u64);

/// From the words in the policy to the guest, one grant at a time and all of them.
async fn each_grant_shows_itself_and_nothing_else(name: &str) {
    let cases = [
        ("", ("", false, false)),
        ("env = { A = \"1\" }", ("A=1;", false, false)),
        ("random = true", ("", true, false)),
        ("clock = true", ("", false, true)),
        ("env = { A = \"1\" }, random = true, clock = true", ("A=1;", true, true)),
    ];
    for (granted, (pairs, is_entropy, moves)) in cases {
        let ((environment, first, second, steady, wall), (_, seeded_first, seeded_second, ..)) =
            seen_with_and_without(name, granted).await;
        assert_eq!(environment, pairs, "{granted}");
        assert_ne!(first, second, "{granted}: no number comes twice");
        // Without the grant both are made from the call's id, so the same id gives the same.
        let drawn = [first != seeded_first, second != seeded_second];
        assert_eq!(drawn, [is_entropy; 2], "{granted}: {first}, {second}");
        assert_eq!([steady > 0, wall > 0], [moves; 2], "{granted}: {steady} ns, {wall} ns");
    }
}

/// What a call sees with these grants; and what one of the same id sees without any.
async fn seen_with_and_without(name: &str, granted: &str) -> (Seen, Seen) {
    let tool = Tool::guest(name).with(&format!("grants = {{ {granted} }}"));
    let room = Room::open(&[tool]).await.expect("the gate opens");
    let outcome = room.run.call(name, json!({})).await;
    let output = outcome.output.clone().unwrap_or_else(|| panic!("it completes: {outcome:?}"));
    let bare = Bare::open(Duration::from_millis(10));
    let ran = bare.run(&wat::component(name), name, |job| job.call = outcome.call).await;
    let without = ran.ended.expect("it completes");
    let seen = serde_json::from_value(output).expect("what the guest gives");
    (seen, serde_json::from_str(&without).expect("what the guest gives"))
}
