//! Guests that fill the stack.

use super::hostile;
use super::room::{Room, Tool, alone, ends_with};
use serde_json::json;
use toolgate::call::{Reason, Status};

hostile! {
    recursion => ends_with("trap").because("call stack exhausted");
    recursion_mutual => ends_with("trap").because("call stack exhausted");
    recursion_through_a_table => ends_with("trap").because("call stack exhausted");
    recursion_then_host_call => |name| alone(deepest_host_call(name));
}

/// Finds the deepest call of the host that the guest's stack allows, and goes one by one past it: the host's own
/// work needs stack as well, and must find it.
async fn deepest_host_call(name: &str) {
    let room =
        Room::open(&[Tool::guest(name).with("grants = { log = true }")]).await.expect("the gate opens");
    let fits = async |depth: u64| {
        let outcome = room.run.call(name, json!({"depth": depth})).await;
        match outcome.reason.map(Reason::as_str) {
            None => assert_eq!(outcome.status, Status::Completed),
            reason => assert_eq!(reason, Some("trap"), "{outcome:?}"),
        }
        outcome.status == Status::Completed
    };
    let (mut works, mut fails) = (1, 1_000_000);
    assert!(fits(works).await && !fits(fails).await);
    while fails - works > 1 {
        let middle = works.midpoint(fails);
        if fits(middle).await { works = middle } else { fails = middle }
    }
    for depth in works.saturating_sub(20)..works + 20 {
        fits(depth).await;
    }
    assert!(works > 1_000, "the guest's own stack is not tiny: {works}");
    room.good_call().await;
}
