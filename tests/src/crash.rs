//! `kill -9` of a real server during a hundred concurrent calls: what was answered is there, what was cut off is
//! marked, and the chain holds.
//!
//! Nothing here waits for time to pass: the process dies right after its k-th answer was read.

use crate::support::mcp::Served;
use crate::support::{Guest, TestGate, assert_word};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use toolgate::call::{CallId, Suggestion};
use toolgate::ledger::CallState;
use toolgate::{Gate, GateOptions};

const CALLS: u64 = 100;
/// Of those, calls that would go on for ever; sent first.
const ENDLESS: u64 = 8;

fn host() -> TestGate {
    let endless = Guest::new("(call $sleep (i64.const 3_600_000_000_000)) (unreachable)").with_sleep();
    let named =
        |guest: Guest, name: &str| guest.define(|definition| definition.name = name.to_owned()).build();
    let patient = "limits.deadline = \"1h\"\nlimits.call_deadline = \"1h\"";
    TestGate::new()
        .host("concurrency = 64\nqueue = 256")
        .section("[run]\nfrom = \"name\"\nname = \"crash\"")
        .built("echo", "echo", "")
        .tool("send", &named(Guest::answering(r#"{"sent":true}"#), "send"), "effect = \"once\"")
        .tool("look", &named(endless.clone(), "look"), patient)
        .tool("transfer", &named(endless, "transfer"), &format!("effect = \"once\"\n{patient}"))
}

fn send_all(served: &mut Served) {
    for id in 0..CALLS {
        let (tool, text) = match id {
            _ if id < ENDLESS => {
                (if id % 2 == 0 { "look" } else { "transfer" }, json!({"text": id.to_string()}))
            }
            _ => (if id % 2 == 0 { "echo" } else { "send" }, json!({"text": id.to_string()})),
        };
        served.call(id, tool, &text);
    }
}

fn call_id(answer: &Value) -> CallId {
    assert_ne!(answer["result"]["isError"].as_bool(), Some(true), "{answer}");
    answer["result"]["_meta"]["toolgate/call"].as_str().expect("a call id").parse().expect("a call id")
}

/// Lets the server answer `k` calls, kills it, and gives the calls it had answered.
fn killed_after(test: &TestGate, k: usize) -> BTreeSet<CallId> {
    let mut served = Served::start(&test.policy());
    send_all(&mut served);
    let mut answers: Vec<Value> = (0..k).map(|_| served.answer()).collect();
    answers.extend(served.kill());
    answers.iter().map(call_id).collect()
}

async fn reopened(test: &TestGate) -> Gate {
    test.open_with(GateOptions::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_during_a_hundred_calls_loses_no_answered_call_and_marks_the_rest() {
    let mut unended = 0;
    for k in [0, 1, 7, 40, (CALLS - ENDLESS) as usize] {
        let test = host();
        let acknowledged = killed_after(&test, k);
        assert!(acknowledged.len() >= k);
        let before = test.verified();
        let gate = reopened(&test).await;
        let after = test.verified();
        assert!(after.events >= before.events, "nothing was taken away");
        assert_eq!(after.running, 0, "every started call has its ending: {after:#?}");

        let calls = test.all_calls();
        for id in &acknowledged {
            let call = calls
                .iter()
                .find(|call| call.call == *id)
                .unwrap_or_else(|| panic!("{id} was answered and is lost"));
            assert_eq!(call.state, CallState::Completed, "{call:#?}");
        }
        for call in &calls {
            let expected: &[CallState] = match call.tool.as_str() {
                "echo" => &[CallState::Completed, CallState::Abandoned],
                "send" => &[CallState::Completed, CallState::InDoubt],
                "look" => &[CallState::Abandoned],
                _ => &[CallState::InDoubt],
            };
            assert!(expected.contains(&call.state), "killed after {k}: {call:#?}");
            unended += usize::from(matches!(call.state, CallState::Abandoned | CallState::InDoubt));
        }
        repeats_are_refused_where_they_must_be(&test, &gate).await;
    }
    assert!(unended > 0, "no kill ever met a running call: this test shows nothing");
}

/// What may have been done is not done again; what was only looked at is free.
async fn repeats_are_refused_where_they_must_be(test: &TestGate, gate: &Gate) {
    let calls = test.all_calls();
    let repeat = |tool: &str, state: CallState| {
        let call = calls.iter().find(|call| call.tool == tool && call.state == state)?;
        let arguments = call.content.as_ref()?.arguments.clone()?;
        Some(Suggestion {
            run: None,
            tool: tool.to_owned(),
            arguments: arguments.into(),
            meta: Default::default(),
        })
    };
    if let Some(suggestion) = repeat("transfer", CallState::InDoubt) {
        assert_word(&gate.call(suggestion, None).await, "in_doubt");
    }
    if let Some(suggestion) = repeat("send", CallState::Completed) {
        assert!(gate.call(suggestion, None).await.recorded);
    }
    if let Some(suggestion) = repeat("echo", CallState::Abandoned) {
        assert_word(&gate.call(suggestion, None).await, "completed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_again_and_again_keeps_one_whole_ledger() {
    let test = host();
    let mut acknowledged = BTreeSet::new();
    for k in [3, 11, 5, 23] {
        // The run is the same each time, so what was sent once is answered from the ledger.
        acknowledged.extend(killed_after_any(&test, k));
    }
    drop(reopened(&test).await);
    assert_eq!(test.verified().running, 0);
    let known: BTreeSet<CallId> = test.all_calls().iter().map(|call| call.call).collect();
    assert!(acknowledged.is_subset(&known), "{:?}", acknowledged.difference(&known));
}

/// As [`killed_after`], where answers may also be refusals of what is in doubt.
fn killed_after_any(test: &TestGate, k: usize) -> BTreeSet<CallId> {
    let mut served = Served::start(&test.policy());
    send_all(&mut served);
    let mut answers: Vec<Value> = (0..k).map(|_| served.answer()).collect();
    answers.extend(served.kill());
    let id = |answer: &Value| {
        answer["result"]["_meta"]["toolgate/call"].as_str().expect("a call id").parse().expect("a call id")
    };
    answers.iter().map(id).collect()
}

#[test]
fn a_server_whose_input_ends_answers_what_is_in_flight_and_ends_well() {
    let test = TestGate::new().built("echo", "echo", "");
    let mut served = Served::start(&test.policy());
    for id in 0..20 {
        served.call(id, "echo", &json!({"text": id.to_string()}));
    }
    let (rest, code) = served.close();
    assert_eq!((rest.len(), code), (20, Some(0)));
    assert_eq!(test.verified().running, 0);
}
