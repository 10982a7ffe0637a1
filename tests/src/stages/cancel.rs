//! A call dropped at every point where it waits: no slot, no place in the queue and no unended record stays.

use crate::support::gate::{keyed, suggest};
use crate::support::{Guest, TestGate, assert_word, call, until};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use toolgate::call::{Outcome, Suggestion};
use toolgate::ledger::CallState;

/// Polls a future at most so many times, then drops it.
async fn polled<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn slow_enough(policy: &str) -> TestGate {
    let mut guest = Guest::new("").with_sleep();
    let (start, bytes) = guest.data(b"{}");
    // Longer than two ticks, so that it also moves to another thread.
    let guest = guest.body(&format!(
        "(call $sleep (i64.const 50_000_000)) (call $ok (i32.const {start}) (i32.const {bytes}))"
    ));
    TestGate::new().host("concurrency = 1\nqueue = 1").guest(&guest, policy).built("echo", "echo", "")
}

/// Drops the call after 0, 1, 2, … polls until it is ready; gives how many times it was dropped.
async fn dropped_everywhere(
    test: &TestGate,
    suggestion: impl Fn(usize) -> Suggestion,
    may_be: &[CallState],
) -> usize {
    let gate = test.open().await;
    let run = call(&gate, "echo", r#"{"text":"a"}"#).await.run.unwrap();
    for polls in 0.. {
        assert!(polls < 1_000, "it never ends");
        let ended = polled(gate.call(suggestion(polls), None), polls).await;
        until("no call is left open", || test.calls(run).iter().all(|call| call.state != CallState::Started))
            .await;
        let after = call(&gate, "echo", r#"{"text":"b"}"#).await;
        assert_word(&after, "completed");
        for call in test.calls(run).iter().filter(|call| call.tool == "guest") {
            assert!(may_be.contains(&call.state), "after {polls} polls: {call:#?}");
        }
        if let Some(outcome) = ended {
            assert_eq!(test.state(outcome.call), Some(CallState::Completed));
            gate.close().await.unwrap();
            assert_eq!(test.verified().running, 0);
            return polls;
        }
    }
    unreachable!("the range has no end")
}

fn numbered(n: usize) -> Suggestion {
    suggest("guest", &format!(r#"{{"text":"{n}"}}"#))
}

#[tokio::test]
async fn a_read_only_call_dropped_anywhere_leaves_nothing_behind() {
    let test = slow_enough("");
    let drops = dropped_everywhere(&test, numbered, &[CallState::Failed, CallState::Completed]).await;
    assert!(drops >= 2, "it waited {drops} times only");
    let cancelled: Vec<_> =
        test.all_calls().into_iter().filter(|call| call.state == CallState::Failed).collect();
    assert!(!cancelled.is_empty());
    assert!(cancelled.iter().all(|call| call.reason.as_deref() == Some("cancelled")), "{cancelled:#?}");
}

#[tokio::test]
async fn an_effect_dropped_anywhere_is_done_or_in_doubt() {
    let test = slow_enough("effect = \"once\"");
    let drops =
        dropped_everywhere(&test, numbered, &[CallState::InDoubt, CallState::Completed, CallState::Failed])
            .await;
    assert!(drops >= 3, "it waited {drops} times only");
    assert!(test.all_calls().iter().any(|call| call.state == CallState::InDoubt));
}

#[tokio::test]
async fn a_call_dropped_while_it_waits_for_the_same_call_leaves_nothing_behind() {
    let test = slow_enough("limits.deadline = \"1h\"\nlimits.call_deadline = \"1h\"");
    let gate = test.open().await;
    for polls in 0..4 {
        let key = format!("k{polls}");
        let arguments = format!(r#"{{"text":"{polls}"}}"#);
        let first = {
            let (gate, call) = (gate.clone(), keyed("guest", &arguments, &key));
            tokio::spawn(async move { gate.call(call, None).await })
        };
        test.until_started().await;
        let waiting: Option<Outcome> = polled(gate.call(keyed("guest", &arguments, &key), None), polls).await;
        if let Some(outcome) = waiting {
            assert!(outcome.recorded);
        }
        assert_word(&first.await.unwrap(), "completed");
    }
    until("no call is left open", || test.all_calls().iter().all(|call| call.state != CallState::Started))
        .await;
    assert_word(&call(&gate, "echo", r#"{"text":"b"}"#).await, "completed");
}

#[tokio::test]
async fn a_call_dropped_while_it_waits_for_a_slot_gives_its_place_back() {
    let test = slow_enough("limits.deadline = \"1h\"\nlimits.call_deadline = \"1h\"").host("");
    let gate = test.open().await;
    for polls in 0..6 {
        let first = {
            let gate = gate.clone();
            tokio::spawn(async move { gate.call(numbered(polls), None).await })
        };
        test.until_started().await;
        drop(polled(gate.call(suggest("echo", r#"{"text":"waits"}"#), None), polls).await);
        assert_word(&first.await.unwrap(), "completed");
        assert_word(&call(&gate, "echo", r#"{"text":"b"}"#).await, "completed");
    }
    until("no call is left open", || test.all_calls().iter().all(|call| call.state != CallState::Started))
        .await;
}
