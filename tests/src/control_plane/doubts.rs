//! Doubts through the real gate and the real program: calls that may have had their effect, and what a person who has
//! looked makes of them.
//!
//! Not here: which endings leave a doubt (`stages/idempotency`, `crash`). Invariant of the tests: a repeat has the same
//! arguments and the same key.

use super::{SLEEPS, choosing, noticed};
use crate::support::binary::{Ran, toolgate};
use crate::support::gate::call_with_key;
use crate::support::mcp::Served;
use crate::support::{Guest, TestGate, assert_word, call, until};
use serde_json::{Value, json};
use toolgate::call::Outcome;
use toolgate::ledger::{CallState, Resolution};
use toolgate::{Gate, RunOptions};

const ARGUMENTS: &str = r#"{"text":"trap"}"#;

const ONCE: &str = "effect = \"once\"\nlimits.deadline = \"1h\"\nlimits.call_deadline = \"1h\"";

/// What the tool gives.
const OUTPUT: &str = r#"{"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}"#;

/// A tool that gives its arguments back, but for those texts that begin with such a letter.
fn guest(cases: &[(char, &str)]) -> Guest {
    choosing(cases).with_sleep().define(|definition| definition.output = OUTPUT.to_owned())
}

/// A tool of which no call is repeated; it traps at `t…` and sleeps at `s…`.
fn host(policy: &str) -> TestGate {
    let guest = guest(&[('t', "(unreachable)"), ('s', SLEEPS)]);
    TestGate::new().guest(&guest, &format!("{ONCE}\n{policy}"))
}

/// The same of a tool that honors keys.
fn keyed_host() -> TestGate {
    let guest = guest(&[('t', "(unreachable)"), ('s', SLEEPS)]);
    TestGate::new().guest(&guest, &ONCE.replace("once", "keyed"))
}

/// A server that is killed while its one call sleeps.
async fn killed_asleep(test: &TestGate, meta: Value) {
    let mut served = Served::start(&test.policy());
    let params = json!({"name": "guest", "arguments": {"text": "sleep"}, "_meta": meta});
    served.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}));
    until("the call has started", || {
        test.ledger().exists() && test.all_calls().iter().any(|call| call.state == CallState::Started)
    })
    .await;
    served.kill();
}

/// The same, with what its component says of its tools where it can be read without running it.
fn built(policy: &str) -> TestGate {
    let test = host(policy);
    toolgate(&test.path(""), ["build", "guest.wasm"]).code(0);
    test
}

async fn repeat(gate: &Gate) -> Outcome {
    call_with_key(gate, "guest", ARGUMENTS, "k").await
}

/// A call that trapped: nobody knows what it has done. Gives its id.
async fn in_doubt(test: &TestGate) -> String {
    let gate = test.open().await;
    let outcome = repeat(&gate).await;
    assert_word(&outcome, "trap");
    assert_word(&repeat(&gate).await, "in_doubt");
    gate.close().await.unwrap();
    outcome.call.to_string()
}

/// `toolgate doubts …`.
fn doubts<'a>(test: &TestGate, args: impl IntoIterator<Item = &'a str>) -> Ran {
    toolgate(&test.path(""), ["doubts"].into_iter().chain(args))
}

/// The calls in doubt, as the program lists them.
fn listed(test: &TestGate) -> Vec<String> {
    let listed = doubts(test, ["--json"]).code(0).json();
    let rows = listed.as_array().expect("a list");
    rows.iter().map(|row| row["call"].as_str().expect("a call").to_owned()).collect()
}

#[tokio::test]
async fn a_call_whose_host_was_killed_is_listed_with_what_it_was() {
    let test = host("");
    let mut served = Served::start(&test.policy());
    let meta = json!({"toolgate/idempotency-key": "k", "toolgate/thought": "the parcel must go today"});
    let params = json!({"name": "guest", "arguments": {"text": "sleep"}, "_meta": meta});
    served.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}));
    test.until_started().await;
    assert_eq!(listed(&test), [""; 0], "its host lives");
    served.kill();

    let rows = doubts(&test, ["--json"]).code(0).json();
    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
    let row = &rows[0];
    assert_eq!(
        (&row["tool"], &row["effect"], &row["state"]),
        (&json!("guest"), &json!("once"), &json!("in_doubt"))
    );
    assert_eq!(row["content"]["arguments"], json!({"text": "sleep"}));
    let (call, run) = (row["call"].as_str().expect("a call"), row["run"].as_str().expect("a run"));
    assert_eq!(test.calls(run.parse().expect("a run's id"))[0].call.to_string(), call);
    let table = doubts(&test, []).code(0);
    for part in [call, "guest", "sleep", "the parcel must go today"] {
        assert!(table.out.contains(part), "{part} is not in\n{}", table.out);
    }
    assert!(table.err.contains("--done RESULT | --retry | --abandon"), "{}", table.err);

    let gate = test.open().await;
    assert_word(&call_with_key(&gate, "guest", r#"{"text":"sleep"}"#, "k").await, "in_doubt");
    doubts(&test, [call, "--retry"]).code(0);
    assert_eq!(listed(&test), [""; 0]);
    test.write_component("guest", &guest(&[]).build());
    let gate = test.open().await;
    let again = call_with_key(&gate, "guest", r#"{"text":"sleep"}"#, "k").await;
    assert_word(&again, "completed");
    assert!(!again.recorded);
    test.verified();
}

#[tokio::test]
async fn a_killed_hosts_call_that_may_be_repeated_is_no_doubt_for_a_person() {
    for effect in ["keyed", "idempotent", "read-only"] {
        let test = TestGate::new().guest(&guest(&[('s', SLEEPS)]), &ONCE.replace("once", effect));
        killed_asleep(&test, json!({"toolgate/idempotency-key": "k"})).await;
        assert_eq!(listed(&test), [""; 0], "{effect}");
        test.verified();
    }
}

#[tokio::test]
async fn a_killed_hosts_keyed_call_without_a_key_is_a_doubt_under_every_key() {
    let test = keyed_host();
    killed_asleep(&test, json!({})).await;
    let call = listed(&test).pop().expect("nobody can repeat it under its key");
    let gate = test.open().await;
    for key in ["k", "another"] {
        assert_word(&call_with_key(&gate, "guest", r#"{"text":"sleep"}"#, key).await, "in_doubt");
    }
    doubts(&test, [call.as_str(), "--retry"]).code(0);
    test.write_component("guest", &guest(&[]).build());
    let gate = test.open().await;
    assert_word(&call_with_key(&gate, "guest", r#"{"text":"sleep"}"#, "k").await, "completed");
    test.verified();
}

#[tokio::test]
async fn a_keyed_call_that_trapped_without_a_key_is_in_doubt_and_one_with_a_key_is_not() {
    let test = keyed_host();
    let gate = test.open().await;
    for expected in ["trap", "trap"] {
        assert_word(&repeat(&gate).await, expected);
    }
    assert_eq!(listed(&test), [""; 0]);
    let trapped = call(&gate, "guest", ARGUMENTS).await;
    assert_word(&trapped, "trap");
    assert!(noticed(&trapped, "may have happened"), "{:?}", trapped.notices);
    assert_word(&call(&gate, "guest", ARGUMENTS).await, "in_doubt");
    assert_word(&repeat(&gate).await, "in_doubt");
    assert_word(&call(&gate, "guest", r#"{"text":"other"}"#).await, "completed");
    assert_eq!(listed(&test), [trapped.call.to_string()]);
    test.verified();
}

#[tokio::test]
async fn a_call_that_did_not_happen_may_run_again_under_the_same_key() {
    let test = host("");
    let call = in_doubt(&test).await;
    assert_eq!(listed(&test), [call.as_str()]);
    let said = doubts(&test, [call.as_str(), "--retry", "--json"]).code(0).json();
    assert_eq!((&said["call"], &said["resolution"]), (&json!(call), &json!("retry")));
    assert_eq!(listed(&test), [""; 0]);

    test.write_component("guest", &guest(&[]).build());
    let gate = test.open().await;
    let outcome = repeat(&gate).await;
    assert_word(&outcome, "completed");
    assert_eq!((outcome.recorded, outcome.attempts), (false, 1));
    assert!(repeat(&gate).await.recorded);
    test.verified();
}

#[tokio::test]
async fn a_doubt_is_named_by_the_beginning_of_its_calls_id() {
    let test = host("");
    let call = in_doubt(&test).await;
    let refused = doubts(&test, ["call_", "--retry"]).code(2);
    assert!(refused.err.contains("is no id"), "{}", refused.err);
    let said = doubts(&test, [&call[..30], "--retry", "--json"]).code(0).json();
    assert_eq!(said["call"], json!(call));
    assert_eq!(listed(&test), [""; 0]);
}

#[tokio::test]
async fn a_call_that_is_retried_into_a_trap_is_a_new_doubt() {
    let test = host("");
    let call = in_doubt(&test).await;
    doubts(&test, [call.as_str(), "--retry"]).code(0);
    let next = in_doubt(&test).await;
    assert_ne!(next, call);
    assert_eq!(listed(&test), [next]);
}

#[tokio::test]
async fn an_abandoned_call_is_off_the_list_and_its_repeat_stays_refused() {
    let test = host("");
    let call = in_doubt(&test).await;
    doubts(&test, [call.as_str(), "--abandon"]).code(0);
    assert_eq!(listed(&test), [""; 0]);
    let gate = test.open().await;
    let outcome = repeat(&gate).await;
    assert_word(&outcome, "in_doubt");
    assert_eq!(outcome.attempts, 0);
    for resolution in ["--retry", "--abandon", "--done={}"] {
        let refused = doubts(&test, [call.as_str(), resolution]).code(2);
        assert!(refused.err.contains("is not in doubt"), "{}", refused.err);
    }
    test.verified();
}

#[tokio::test]
async fn a_call_that_happened_gives_its_repeats_the_result_that_a_person_says() {
    let test = built("trust = \"outside\"");
    let call = in_doubt(&test).await;
    let done =
        doubts(&test, [call.as_str(), "--done", r#"{"text":"on Mon\u001b[31mday"}"#, "--json"]).code(0);
    assert!(!done.err.contains("unchecked"), "{}", done.err);
    assert_eq!(done.json()["resolution"], json!("done"));
    assert_eq!(listed(&test), [""; 0]);

    let gate = test.open().await;
    let outcome = repeat(&gate).await;
    assert_word(&outcome, "completed");
    assert_eq!((outcome.recorded, outcome.attempts), (true, 0));
    assert_eq!(outcome.output, Some(json!({"text": "on Monday"})));
    assert_eq!(outcome.text, r#"{"text":"on Monday"}"#, "a person's word stands in no envelope");
    assert!(noticed(&outcome, "A person has looked"), "{:?}", outcome.notices);
    let resolved = test.all_calls().into_iter().find(|one| one.call.to_string() == call);
    assert_eq!(resolved.and_then(|call| call.resolved), Some(Resolution::Done));
    test.verified();
}

#[tokio::test]
async fn who_resolved_a_doubt_and_when_shows_in_the_trace() {
    let test = host("");
    let call = in_doubt(&test).await;
    let resolved =
        || test.all_calls().into_iter().find(|one| one.call.to_string() == call).expect("the call");
    assert_eq!((resolved().resolved_by, resolved().resolved_ms), (None, None));
    doubts(&test, [call.as_str(), "--abandon"]).code(0);
    let by = resolved().resolved_by.expect("somebody");
    assert!(by.contains("(uid ") && resolved().resolved_ms >= Some(resolved().at_ms), "{:#?}", resolved());
    let run = test.reader().runs().unwrap().into_iter().find(|run| run.unended > 0).expect("a run").run;
    let trace = || toolgate(&test.path(""), ["trace", &run.to_string()]).code(0).out;
    assert!(trace().contains(&format!("resolved   by {}, ", by.trim())), "{}", trace());
    test.verified();

    // As the first ledgers of this version had it.
    let connection = rusqlite::Connection::open(test.ledger()).unwrap();
    let forget = "UPDATE events SET facts = json_remove(facts, '$.by') WHERE kind = 11";
    assert_eq!(connection.execute(forget, []).unwrap(), 1);
    assert_eq!((resolved().resolved, resolved().resolved_by), (Some(Resolution::Abandon), None));
    assert!(trace().contains("in doubt, given up") && !trace().contains("resolved   by"), "{}", trace());
}

#[tokio::test]
async fn a_result_that_the_tool_could_not_give_is_refused_with_what_is_wrong() {
    let test = built("");
    let call = in_doubt(&test).await;
    for (result, says) in [
        ("{}", "must have the property"),
        (r#"{"text":7}"#, "/text: must be a string"),
        (r#"["text"]"#, "at the top: must be an object"),
        ("text", "invalid value"),
    ] {
        let refused = doubts(&test, [call.as_str(), "--done", result]).code(2);
        assert!(refused.err.contains(says) && refused.out.is_empty(), "{refused:#?}");
    }
    for usage in [&[call.as_str()][..], &["--retry"], &[call.as_str(), "--retry", "--abandon"]] {
        doubts(&test, usage.iter().copied()).code(2);
    }
    assert_eq!(listed(&test), [call.as_str()], "nothing is resolved");

    // A component that is not the one the policy names says nothing about the tool.
    let pinned = format!("{}sha256 = \"{}\"\n", test.policy_text(), "0".repeat(64));
    std::fs::write(test.path("toolgate.toml"), pinned).unwrap();
    let refused = doubts(&test, [call.as_str(), "--done", r#"{"text":"a"}"#]).code(2);
    assert!(refused.err.contains("is not the one that the policy names"), "{}", refused.err);
    assert_eq!(listed(&test), [call]);
}

#[tokio::test]
async fn where_no_schema_is_known_the_result_is_taken_and_that_is_said() {
    let without_a_section = host("");
    let without_the_tool = built("");
    for (test, why, gone) in [
        (without_a_section, "`toolgate build` embeds one", false),
        (without_the_tool, "the policy no longer has this tool", true),
    ] {
        let call = in_doubt(&test).await;
        let policy = if gone { TestGate::new().policy_text() } else { test.policy_text() };
        std::fs::write(test.path("toolgate.toml"), policy).unwrap();
        let done = doubts(&test, [call.as_str(), "--done", r#"{"parcel":7}"#]).code(0);
        assert!(done.err.contains("unchecked") && done.err.contains(why), "{}", done.err);
        let gate = test.open().await;
        assert_eq!(repeat(&gate).await.output, Some(json!({"parcel": 7})));
    }
}

#[tokio::test]
async fn a_call_without_a_key_is_in_doubt_whatever_key_comes_after_it() {
    let test = host("key = \"client\"");
    let gate = test.open().await;
    assert_word(&call(&gate, "guest", ARGUMENTS).await, "trap");
    assert_word(&call(&gate, "guest", ARGUMENTS).await, "in_doubt");
    assert_word(&repeat(&gate).await, "in_doubt");
    assert_word(&call(&gate, "guest", r#"{"text":"another"}"#).await, "completed");
    assert_eq!(listed(&test).len(), 1);
    test.verified();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_given_up_before_it_could_run_is_no_doubt_and_costs_nothing() {
    let named =
        |name: &str| guest(&[('s', SLEEPS)]).define(|definition| definition.name = name.to_owned()).build();
    let test = TestGate::new()
        .host("concurrency = 2")
        .tool("slow_a", &named("slow_a"), ONCE)
        .tool("slow_b", &named("slow_b"), ONCE)
        .guest(&guest(&[]), &format!("{ONCE}\ncost = \"0.05\"\ncharge = \"0\""));
    let gate = test.open().await;
    let run = gate.run(RunOptions::default()).await.expect("a run");
    let started = |count: usize| {
        test.all_calls().iter().filter(|call| call.state == CallState::Started).count() == count
    };
    let mut flights = Vec::new();
    for (count, tool) in [(1, "slow_a"), (2, "slow_b"), (3, "guest")] {
        let run = run.clone();
        flights.push(tokio::spawn(async move { run.call(tool, json!({"text": "sleep"})).await }));
        until("it has started", || started(count)).await;
    }
    let waiting = flights.pop().expect("the last one");
    waiting.abort();
    assert!(waiting.await.is_err_and(|error| error.is_cancelled()));
    until("it has ended", || started(2)).await;
    assert_eq!(listed(&test), [""; 0]);
    assert_eq!(run.status().await.expect("a standing").usage.cost_usd, 0.0);
    flights.iter().for_each(tokio::task::JoinHandle::abort);
}
