//! `ledger_unavailable`: what cannot be recorded is not run, and what cannot be promised is not answered.

use crate::support::disk::FailingDisk;
use crate::support::gate::call_with_key;
use crate::support::{Guest, PATIENCE, TestGate, assert_word, call, suggest, until};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
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
    assert_unavailable(&outcome, "none");
    assert!(!outcome.text.contains("do not repeat"), "{}", outcome.text);
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

/// What the first host to open a ledger has open there: its file, SQLite's beside it, and the lock that says that it lives.
const FILES: [&str; 4] = ["", "-wal", "-shm", "-host-1"];

fn file_of_ledger(test: &TestGate, suffix: &str) -> PathBuf {
    let mut name = test.ledger().into_os_string();
    name.push(suffix);
    name.into()
}

fn remove(path: &Path) {
    std::fs::remove_file(path).expect("it was there");
}

fn move_aside(path: &Path) {
    std::fs::rename(path, format!("{}.aside", path.display())).expect("it was there");
}

#[track_caller]
fn assert_taken_away(outcome: &Outcome, test: &TestGate) {
    assert_unavailable(outcome, "none");
    let operator = outcome.operator.as_deref().unwrap_or_default();
    assert!(operator.contains("was removed, moved or replaced"), "{operator}");
    assert!(operator.contains(&test.ledger().display().to_string()), "{operator}");
}

#[tokio::test]
async fn a_ledger_that_is_taken_away_stops_the_host_before_the_next_effect() {
    for take in [remove, move_aside] {
        for suffix in FILES {
            let test = writer();
            let gate = test.open().await;
            assert_word(&call(&gate, "guest", "{}").await, "completed");
            take(&file_of_ledger(&test, suffix));
            let outcome = call(&gate, "guest", "{}").await;
            assert_taken_away(&outcome, &test);
            assert_eq!((outcome.attempts, outcome.usage.fuel), (0, 0), "without {suffix}");
            assert_taken_away(&call(&gate, "echo", r#"{"text":"a"}"#).await, &test);
            gate.close().await.expect_err("what it wrote last is not on the ledger");
        }
    }
}

#[tokio::test]
async fn a_host_that_only_reads_notices_too_that_its_ledger_was_taken_away() {
    for take in [remove, move_aside] {
        let test = writer();
        let gate = test.open().await;
        FILES.iter().for_each(|suffix| take(&file_of_ledger(&test, suffix)));
        let taken = Instant::now();
        let last = loop {
            let outcome = call(&gate, "echo", r#"{"text":"a"}"#).await;
            if outcome.status != Status::Completed {
                break outcome;
            }
            assert!(taken.elapsed() < PATIENCE, "it never notices");
        };
        assert_taken_away(&last, &test);
    }
}

#[tokio::test]
async fn of_a_ledger_moved_aside_and_the_one_made_in_its_place_only_the_new_one_runs_a_key() {
    let test = writer();
    let first = test.open().await;
    assert_word(&call(&first, "guest", "{}").await, "completed");
    FILES.iter().for_each(|suffix| move_aside(&file_of_ledger(&test, suffix)));
    let second = test.open().await;
    assert_word(&call_with_key(&second, "guest", "{}", "k").await, "completed");
    assert_taken_away(&call_with_key(&first, "guest", "{}", "k").await, &test);
    // The lock that lies there now has the same name as its own had.
    drop(first);
    assert!(file_of_ledger(&test, "-host-1").exists());
    assert_word(&call_with_key(&second, "guest", "{}", "l").await, "completed");
    test.verified();
}
