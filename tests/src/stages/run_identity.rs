//! Which run a call belongs to that names none, and which it may name.

use crate::support::{TestGate, call, suggest};
use toolgate::call::{RunId, Suggestion};
use toolgate::{Gate, GateError, GateOptions, RunOptions};

const ARGUMENTS: &str = r#"{"text":"a"}"#;

fn echo(run: &str) -> TestGate {
    TestGate::new().section(run).built("echo", "echo", "")
}

async fn run_of(gate: &Gate) -> RunId {
    call(gate, "echo", ARGUMENTS).await.run.expect("a run")
}

fn named(name: &str) -> GateOptions {
    GateOptions { run_name: Some(name.to_owned()), ..GateOptions::default() }
}

#[tokio::test]
async fn one_process_is_one_run_unless_the_policy_says_otherwise() {
    let test = echo("");
    let gate = test.open().await;
    let first = run_of(&gate).await;
    assert_eq!(run_of(&gate).await, first);
    gate.close().await.unwrap();
    assert_ne!(run_of(&test.open().await).await, first);
}

#[tokio::test]
async fn concurrent_first_calls_open_one_run() {
    let test = echo("");
    let gate = test.open().await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let gate = gate.clone();
            tokio::spawn(async move { run_of(&gate).await })
        })
        .collect();
    let mut runs = Vec::new();
    for one in calls {
        runs.push(one.await.unwrap());
    }
    runs.dedup();
    assert_eq!((runs.len(), test.reader().runs().unwrap().len()), (1, 1));
}

#[tokio::test]
async fn a_named_run_is_found_again_by_the_next_process() {
    let test = echo("[run]\nfrom = \"name\"\nname = \"nightly\"");
    let first = run_of(&test.open().await).await;
    assert_eq!(run_of(&test.open().await).await, first);
    let other = run_of(&test.open_with(named("weekly")).await).await;
    assert_ne!(other, first, "the command line's name wins");
    assert_eq!(run_of(&test.open_with(named("nightly")).await).await, first);
}

#[tokio::test]
async fn a_name_belongs_to_its_principal() {
    let test = echo("[run]\nfrom = \"name\"\nname = \"nightly\"");
    let mine = run_of(&test.open().await).await;
    let test = test.host("principal = \"somebody-else\"");
    assert_ne!(run_of(&test.open().await).await, mine);
}

#[tokio::test]
async fn a_name_that_is_asked_for_and_not_given_keeps_the_gate_shut() {
    for run in ["[run]\nfrom = \"name\"", "[run]\nfrom = \"env:TOOLGATE_TESTS_NEVER_SET_THIS\""] {
        let shut = echo(run).try_open(GateOptions::default()).await.err();
        assert!(matches!(shut, Some(GateError::RunIdentity(_)) | Some(GateError::Policy { .. })), "{shut:?}");
    }
}

#[tokio::test]
async fn a_variable_names_the_run() {
    let test = echo("[run]\nfrom = \"env:PATH\"");
    let first = run_of(&test.open().await).await;
    assert_eq!(run_of(&test.open().await).await, first);
}

#[tokio::test]
async fn a_run_that_was_opened_can_be_named_in_a_call_also_after_a_restart() {
    let test = echo("");
    let gate = test.open().await;
    let run = gate
        .run(RunOptions { goal: Some("answer the tickets".to_owned()), ..RunOptions::default() })
        .await
        .unwrap();
    let outcome = run.call("echo", ARGUMENTS).await;
    assert_eq!(outcome.run, Some(run.id()));
    let id = run.id();
    drop(run);
    gate.close().await.unwrap();
    let gate = test.open().await;
    let outcome =
        gate.call(Suggestion { run: Some(id.to_string()), ..suggest("echo", ARGUMENTS) }, None).await;
    assert_eq!(outcome.run, Some(id));
    assert_eq!(test.calls(id).len(), 2);
    assert_eq!(test.reader().trace(id).unwrap().unwrap().goal.as_deref(), Some("answer the tickets"));
}
