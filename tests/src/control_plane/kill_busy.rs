//! The kill switch while the ledger is busy: a writer that does not let go of it keeps no guest running.
//!
//! Not here: the switch itself (`kill`), and a busy control database (`host/src/control/tests`). Invariant: the ledger
//! is busy from before the switch is thrown until after it was acknowledged.

use super::kill::{host, kill, running};
use super::open;
use crate::support::assert_word;
use rusqlite::Connection;
use serde_json::json;

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

    busy.execute_batch("ROLLBACK").unwrap();
    assert_word(&call.outcome().await, "killed");
    test.verified();
}
