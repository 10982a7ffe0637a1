//! The kill switch while the ledger is busy: a writer that does not let go of it keeps no guest running.
//!
//! Not here: the switch itself (`kill`), and a busy control database (`host/src/control/tests`). Invariant: the ledger
//! is busy from before the switch is thrown until after it was acknowledged.

use super::kill::{host, kill, running};
use super::open;
use crate::support::assert_word;
use crate::support::binary::toolgate;
use rusqlite::Connection;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_ledger_does_not_delay_the_kill_switch() {
    let test = host("");
    let gate = test.open().await;
    let run = open(&gate).await;
    let call = running(&gate, run.id(), "loops").await;
    let busy = Connection::open(test.ledger()).unwrap();
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();

    let report = kill(&test, &["--all"]);
    assert_eq!(report["stopped"], json!(1), "{report}");
    assert_eq!(report["hosts"][0]["answer"], json!({"state": "acknowledged", "stopped": 1}), "{report}");
    assert!(!call.has_ended(), "its ending cannot be on the ledger yet");
    let id = run.id().to_string();
    assert_eq!(kill(&test, &[id.as_str()])["run_on_ledger"], json!(true), "who reads waits for no writer");

    busy.execute_batch("ROLLBACK").unwrap();
    assert_word(&call.outcome().await, "killed");
    test.verified();
}

#[test]
fn a_run_on_a_ledger_that_cannot_be_read_now_is_killed_and_not_said_to_be_unknown() {
    let test = host("");
    test.policy();
    let folder = test.path("");
    let started = toolgate(&folder, ["run", "start", "--json"]).code(0).json();
    let run = started["run"].as_str().expect("an id");
    let busy = Connection::open(test.ledger()).unwrap();
    busy.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();

    let report = toolgate(&folder, ["kill", run, "--wait", "100ms", "--json"]).code(0).json();
    assert_eq!((&report["run_on_ledger"], &report["all_stopped"]), (&Value::Null, &json!(true)), "{report}");
    let on = toolgate(&folder, ["switches", "--json"]).code(0).json();
    assert_eq!(on["switches"][0]["target"], json!({"kind": "run", "name": run}));
    busy.execute_batch("ROLLBACK").unwrap();
}
