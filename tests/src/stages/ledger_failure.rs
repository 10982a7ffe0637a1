//! `ledger_unavailable`: what cannot be recorded is not run, and what cannot be promised is not answered.

use crate::support::disk::FailingDisk;
use crate::support::{Guest, PATIENCE, TestGate, assert_word, call, suggest, until};
use std::sync::Arc;
use toolgate::call::{Outcome, Status, Suggestion};
use toolgate::ledger::CallState;
use toolgate::{Gate, GateOptions, RunOptions};

async fn on(disk: &Arc<FailingDisk>, test: &TestGate) -> Gate {
    test.open_with(GateOptions { disk: Arc::clone(disk) as _, ..GateOptions::default() }).await
}

fn writer() -> TestGate {
    TestGate::new()
        .guest(&Guest::answering(r#"{"sent":true}"#), "effect = \"once\"")
        .built("echo", "echo", "")
}

fn assert_unavailable(outcome: &Outcome, effect: &str) {
    assert_word(outcome, "ledger_unavailable");
    assert_eq!((outcome.status, &outcome.output), (Status::Failed, &None));
    assert!(outcome.text.contains(&format!("effect: {effect}")), "{}", outcome.text);
}

#[tokio::test]
async fn without_an_intent_nothing_runs_and_no_call_runs_until_the_ledger_is_opened_again() {
    let test = writer();
    let disk = Arc::new(FailingDisk::new());
    let gate = on(&disk, &test).await;
    assert_word(&call(&gate, "echo", r#"{"text":"a"}"#).await, "completed");
    disk.fail_commits();
    let outcome = call(&gate, "guest", "{}").await;
    assert_unavailable(&outcome, "none");
    assert_eq!((outcome.attempts, outcome.usage.fuel), (0, 0));
    for (tool, arguments) in [("echo", r#"{"text":"b"}"#), ("nobody", "{}"), ("guest", "not json")] {
        assert_unavailable(&call(&gate, tool, arguments).await, "none");
    }
    drop(gate);
    let gate = test.open().await;
    assert_word(&call(&gate, "guest", "{}").await, "completed");
    assert_eq!(test.verified().running, 0);
}

#[tokio::test]
async fn an_effect_whose_intent_is_not_synced_does_not_start() {
    let test = writer();
    let disk = Arc::new(FailingDisk::new());
    let gate = on(&disk, &test).await;
    disk.fail_syncs();
    let outcome = call(&gate, "guest", "{}").await;
    assert_unavailable(&outcome, "none");
    assert_eq!(outcome.usage.fuel, 0);
}

#[tokio::test]
async fn a_read_only_call_waits_for_no_sync() {
    let test = writer();
    let disk = Arc::new(FailingDisk::new());
    let gate = on(&disk, &test).await;
    disk.fail_syncs();
    assert_word(&call(&gate, "echo", r#"{"text":"a"}"#).await, "completed");
}

#[tokio::test]
async fn read_only_records_never_queue_behind_a_sync() {
    let test = writer();
    let disk = Arc::new(FailingDisk::new());
    let gate = on(&disk, &test).await;
    let held = disk.hold_syncs();
    let writing = tokio::spawn({
        let gate = gate.clone();
        async move { call(&gate, "guest", "{}").await }
    });
    until("an intent waits for its sync", || held.waiting() > 0).await;
    for text in ["a", "b", "c"] {
        let arguments = format!(r#"{{"text":"{text}"}}"#);
        let reading = tokio::time::timeout(PATIENCE, call(&gate, "echo", &arguments)).await;
        let reading = reading.expect("it waits for no sync");
        assert_word(&reading, "completed");
        assert_eq!(test.state(reading.call), Some(CallState::Completed), "its ending is written");
    }
    assert!(held.waiting() > 0 && !writing.is_finished());
    drop(held);
    assert_word(&writing.await.unwrap(), "completed");
}

#[tokio::test]
async fn an_effect_whose_ending_cannot_be_written_is_withheld_and_in_doubt_afterwards() {
    let test = writer();
    let disk = Arc::new(FailingDisk::new());
    let gate = on(&disk, &test).await;
    let run = gate.run(RunOptions::default()).await.unwrap();
    // The intent is one more commit; the ending would be the next.
    disk.fail_after_commits(1);
    let outcome = run.call("guest", "{}").await;
    assert_unavailable(&outcome, "may_have_happened");
    let id = run.id();
    drop((run, gate));

    let gate = test.open().await;
    assert_eq!(test.state(outcome.call), Some(CallState::InDoubt));
    let again = gate.call(Suggestion { run: Some(id.to_string()), ..suggest("guest", "{}") }, None).await;
    assert_word(&again, "in_doubt");
    test.verified();
}

#[tokio::test]
async fn a_read_only_call_whose_ending_cannot_be_written_is_abandoned_and_free_to_repeat() {
    let test = writer();
    let disk = Arc::new(FailingDisk::new());
    let gate = on(&disk, &test).await;
    let run = gate.run(RunOptions::default()).await.unwrap();
    disk.fail_after_commits(1);
    let outcome = run.call("echo", r#"{"text":"a"}"#).await;
    assert_word(&outcome, "ledger_unavailable");
    drop((run, gate));
    let gate = test.open().await;
    assert_eq!(test.state(outcome.call), Some(CallState::Abandoned));
    assert_word(&call(&gate, "echo", r#"{"text":"a"}"#).await, "completed");
}

#[tokio::test]
async fn every_commit_may_be_the_first_to_fail() {
    for commits in 0..8 {
        let test = writer();
        let disk = Arc::new(FailingDisk::new());
        let gate = on(&disk, &test).await;
        disk.fail_after_commits(commits);
        let mut answered = Vec::new();
        for n in 0..4 {
            answered.push(call(&gate, "guest", &format!(r#"{{"text":"{n}"}}"#)).await);
        }
        let broken =
            answered.iter().position(|outcome| outcome.status != Status::Completed).expect("one fails");
        assert!(answered[broken..].iter().all(|outcome| outcome.status == Status::Failed), "after {commits}");
        drop(gate);
        let gate = test.open().await;
        for outcome in &answered[..broken] {
            assert_eq!(test.state(outcome.call), Some(CallState::Completed), "what was answered is there");
        }
        assert_eq!(test.verified().running, 0, "after {commits}");
        drop(gate);
    }
}
