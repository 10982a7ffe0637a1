//! A ledger that cannot be closed in order: what is recorded stands, and is said all the same.
//!
//! Not here: a ledger that refuses to write (`stages/ledger_failure`). Invariant: opening and writing go well; only
//! what closing writes is refused.

use super::host;
use crate::support::TestGate;
use crate::support::binary::{Ran, toolgate};
use crate::support::guest::Guest;
use rusqlite::Connection;

/// What is said beside each answer.
const UNCLOSED: &str = "warning: the ledger did not close in order";

/// From here on no host closes this ledger in order: only closing brings the tables up to the last of so few records.
fn keep_open(test: &TestGate) {
    let ledger = Connection::open(test.ledger()).expect("a ledger");
    let stuck =
        "CREATE TRIGGER stuck BEFORE UPDATE ON folded BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    ledger.execute_batch(stuck).expect("a trigger");
}

fn run(test: &TestGate, args: &[&str]) -> Ran {
    toolgate(&test.path(""), args.iter().copied())
}

#[test]
fn the_answer_of_a_call_is_printed_when_the_ledger_does_not_close() {
    let test = host();
    test.policy();
    run(&test, &["call", "echo", r#"{"text":"a"}"#]).code(0);
    keep_open(&test);
    let ran = run(&test, &["call", "echo", r#"{"text":"b"}"#]).code(0);
    assert_eq!(ran.out, "{\"text\":\"b\"}\n");
    assert!(ran.err.contains(UNCLOSED) && ran.err.contains("the disk is full"), "{}", ran.err);
    assert!(!ran.err.contains("cannot open"), "it was open: {}", ran.err);
    for (tool, code, status) in [("crash", 4, "failed"), ("denied", 3, "refused")] {
        let ran = run(&test, &["call", tool, "{}", "--json"]).code(code);
        assert_eq!(ran.json()["status"], status);
        assert!(ran.err.contains(UNCLOSED), "{}", ran.err);
    }
    test.verified();
}

#[test]
fn what_a_person_decides_is_said_to_be_done_when_the_ledger_does_not_close() {
    let crash = Guest::new("(unreachable)").define(|definition| definition.name = "crash".to_owned()).build();
    let test =
        TestGate::new().built("echo", "echo", "verdict = \"ask\"").tool("crash", &crash, "effect = \"once\"");
    test.policy();
    let asked = run(&test, &["call", "echo", r#"{"text":"a"}"#, "--json"]).code(3).json();
    let doubted = run(&test, &["call", "crash", "{}", "--json"]).code(4).json();
    let word = |of: &serde_json::Value| of.as_str().expect("a word").to_owned();
    let (approval, in_run, call) = (word(&asked["approval"]), word(&asked["run"]), word(&doubted["call"]));
    keep_open(&test);
    let cases: [(&[&str], &str); 5] = [
        (&["approve", &approval], "is approved"),
        (&["doubts", &call, "--abandon"], "is abandoned"),
        (&["run", "start"], "run_"),
        (&["run", "pause", &in_run], "is paused"),
        (&["prune", "--before", "2026-01-01"], "erased the content of"),
    ];
    for (args, says) in cases {
        let ran = run(&test, args).code(0);
        assert!(ran.out.contains(says) && ran.err.contains(UNCLOSED), "{args:?}: {ran:#?}");
    }
    test.verified();
}
