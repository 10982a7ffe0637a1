//! The ledger's tests, through its public face; `sqlite/tests.rs` has those that look into the file.

mod disk;
mod hosts;
mod model;
mod rules;

use super::*;
use crate::call::{CallId, Outcome, Status, Usage};
use serde_json::json;
use tempfile::TempDir;

/// An opened ledger with one run, in a folder of its own.
pub(super) struct Fixture {
    pub(super) dir: TempDir,
    pub(super) ledger: Ledger,
    pub(super) run: RunId,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ledger = open(&dir);
        let run = ledger.open_run(new_run(1, None)).await.unwrap();
        Self { dir, ledger, run }
    }

    /// Drops the host as a crash would and opens a new one.
    pub(super) fn crash(self) -> Self {
        let Self { dir, ledger, run } = self;
        drop(ledger);
        Self { ledger: open(&dir), dir, run }
    }

    pub(super) async fn start(&self, intent: Intent) -> Start {
        self.ledger.start(intent, Durability::Committed).await.unwrap().start
    }

    pub(super) async fn end(&self, ending: Ending) -> Receipt {
        self.ledger.end(ending, Durability::Committed).await.unwrap()
    }

    pub(super) fn states(&self) -> Vec<(CallId, CallState)> {
        let trace = self.ledger.reader().unwrap().trace(self.run).unwrap().unwrap();
        trace.calls.into_iter().map(|call| (call.call, call.state)).collect()
    }

    pub(super) fn assert_sound(&self) {
        let report = self.ledger.reader().unwrap().verify(None).unwrap();
        assert!(report.ok, "{:?}", report.broken);
    }
}

pub(super) fn path(dir: &TempDir) -> PathBuf {
    dir.path().join("ledger.db")
}

pub(super) fn open(dir: &TempDir) -> Ledger {
    Ledger::open(LedgerOptions::new(path(dir)), 1_000).unwrap()
}

pub(super) fn call(n: u64) -> CallId {
    let [a, b, c, d, e, f, g, h] = n.to_be_bytes();
    CallId::new(1_000, [0, 0, a, b, c, d, e, f, g, h])
}

pub(super) fn new_run(n: u8, name: Option<&str>) -> NewRun {
    NewRun {
        id: RunId::new(1_000, [n; 10]),
        principal: "default".to_owned(),
        name: name.map(str::to_owned),
        policy_digest: [2; 32],
        goal: Some("answer the tickets".to_owned()),
        context: None,
        parent: None,
        at_ms: 1_000,
    }
}

pub(super) fn intent(run: RunId, n: u64) -> Intent {
    Intent {
        call: call(n),
        run,
        principal: "default".to_owned(),
        tool: "echo".to_owned(),
        arguments: json!({ "text": "hello" }),
        arguments_digest: [1; 32],
        key: None,
        effect: Effect::Once,
        attempt: 1,
        policy_digest: [2; 32],
        component_digest: [3; 32],
        rules: vec!["echo".to_owned()],
        thought: Some("to see it".to_owned()),
        expected: None,
        context: Some(json!({ "project_id": 7 })),
        traceparent: None,
        approval: None,
        ask: None,
        at_ms: 1_001,
    }
}

pub(super) fn keyed(run: RunId, n: u64, key: &str) -> Intent {
    // What another key is for has other arguments.
    let first = key.bytes().next().unwrap_or_default();
    Intent { key: Some(key.to_owned()), arguments_digest: [first; 32], ..intent(run, n) }
}

pub(super) fn outcome(run: RunId, n: u64, status: Status) -> Outcome {
    Outcome {
        run: Some(run),
        call: call(n),
        tool: "echo".to_owned(),
        status,
        reason: None,
        rule: Some("echo".to_owned()),
        hint: None,
        retry_after_ms: None,
        approval: None,
        output: Some(json!({ "text": format!("answer {n}") })),
        text: "hello".to_owned(),
        findings: Vec::new(),
        taint: Vec::new(),
        notices: Vec::new(),
        degraded: None,
        recorded: false,
        attempts: 1,
        usage: Usage { fuel: 42, ..Usage::default() },
        operator: None,
    }
}

pub(super) fn ending(run: RunId, n: u64, status: Status) -> Ending {
    let logs = vec![LogLine { level: "info".to_owned(), text: "here".to_owned() }];
    Ending {
        call: call(n),
        outcome: outcome(run, n, status),
        logs,
        in_doubt: false,
        told: Told::NOTHING,
        good: None,
        guards: Vec::new(),
        met: None,
        at_ms: 1_002,
    }
}

pub(super) fn refusal(run: RunId, n: u64) -> Refusal {
    Refusal {
        met: None,
        call: call(n),
        run,
        tool: "nope".to_owned(),
        arguments: None,
        policy_digest: [2; 32],
        rules: Vec::new(),
        thought: None,
        expected: None,
        context: None,
        traceparent: None,
        outcome: outcome(run, n, Status::Refused),
        logs: vec![],
        readings: Vec::new(),
        fingerprint: None,
        guards: None,
        steer: None,
        approval: None,
        at_ms: 1_001,
    }
}
