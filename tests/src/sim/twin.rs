//! The same life on a real ledger, in SQLite: whatever the world in memory decides, the ledger must decide too.
//!
//! Each host has the ledger's file open for itself, as a process would; a crash lets go of it, and the next one to
//! open it marks what was left. A proposal is put to the ledger as the pipeline does: key, guards and intent in one
//! transaction. Not here: the disk's promises (`power_loss`), real processes (`crash_harness`); nothing is synced.
//! Invariant: it decides nothing by itself and tells exactly what the ledger said.

use super::executor::{Key, Running};
use super::host::Answer;
use super::scenario::{Effect, PRINCIPAL, Scenario, Tool};
use crate::support::{entries, folder_in_memory};
use serde_json::json;
use std::fs::File;
use std::io;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use toolgate::call::{CallId, Outcome, Reason, RunId, Status, Usage};
use toolgate::guard::event::{Blame, Ended, Event, Kind, Opened, Refused, Steer};
use toolgate::guard::{Ask, Reading, Standing};
use toolgate::ledger::{
    self, Asked, Attempt, Disk, Durability, Ending, Intent, Ledger, LedgerOptions, NewRun, Refusal, Start,
    Steering, Sync, Told,
};

/// The hosts' ledgers. The folder is dropped last.
pub(super) struct Twin {
    hosts: Vec<Option<Ledger>>,
    runtime: Runtime,
    folder: TempDir,
}

/// No power is lost here, so no sync is waited for.
struct Unsynced;

impl Disk for Unsynced {
    fn vfs(&self) -> Option<&str> {
        None
    }

    fn before_commit(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self, _what: Sync, _file: &File) -> io::Result<()> {
        Ok(())
    }
}

impl Twin {
    /// A new ledger, opened by so many hosts.
    pub(super) fn new(hosts: usize, now_ms: u64) -> Self {
        let folder = folder_in_memory();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut twin = Self { hosts: (0..hosts).map(|_| None).collect(), runtime, folder };
        (0..hosts).for_each(|host| twin.start_host(host, now_ms));
        twin
    }

    /// The host opens the ledger, and marks what dead hosts left.
    pub(super) fn start_host(&mut self, host: usize, now_ms: u64) {
        let path = self.folder.path().join("ledger.db");
        let opened = Ledger::open(LedgerOptions { path, disk: Arc::new(Unsynced) }, now_ms);
        self.hosts[host] = Some(opened.unwrap());
    }

    /// The host goes, with a word (`closes`) or without. Either way its calls are for the next one to mark.
    pub(super) fn crash(&mut self, host: usize, closes: bool) {
        let ledger = self.hosts[host].take().unwrap();
        if closes {
            self.runtime.block_on(ledger.close()).unwrap();
        }
    }

    pub(super) fn open_run(&self, host: usize, run: RunId, opened: &Opened, at_ms: u64) {
        let new = NewRun {
            id: run,
            principal: opened.principal.clone(),
            name: None,
            policy_digest: [0; 32],
            goal: opened.goal.then(|| "the goal".to_owned()),
            context: None,
            parent: opened.parent,
            at_ms,
        };
        assert_eq!(self.runtime.block_on(self.ledger(host).open_run(new)).unwrap(), run);
    }

    /// What the ledger answers to a proposal, whose intent it has written if it may start.
    pub(super) fn propose(&self, host: usize, ask: &Ask, tool: &Tool, key: Key) -> (Answer, Vec<Reading>) {
        let asked = self.ledger(host).start(intent(ask, tool, key), Durability::Committed);
        let Asked { start, readings } = self.runtime.block_on(asked).unwrap();
        let answer = match start {
            Start::Fresh(started) => Answer::Start(started.admission.expect("the guards were asked")),
            Start::Refused(refusal) => Answer::Refused(*refusal),
            Start::Recorded(_) => Answer::Recorded,
            Start::InFlight(_) => Answer::Conflict,
            Start::InDoubt { .. } => Answer::InDoubt,
            other @ (Start::Unapproved(_) | Start::KeyMismatch { .. }) => panic!("{other:?}"),
        };
        (answer, readings)
    }

    /// Whether the ledger lets the call be tried once more; then that is written.
    pub(super) fn try_again(
        &self,
        host: usize,
        running: &Running,
        tool: &Tool,
        slow_ms: Option<u64>,
        at_ms: u64,
    ) -> bool {
        let attempt = Attempt {
            call: running.call,
            tool: tool.name.to_owned(),
            attempt: running.attempts + 1,
            after: "a fault".to_owned(),
            slow_ms,
            budget: tool.guards.retry,
            at_ms,
        };
        let tried = self.ledger(host).attempt(attempt, Durability::Committed);
        self.runtime.block_on(tried).unwrap().is_some()
    }

    pub(super) fn end(&self, host: usize, running: &Running, ended: &Ended, in_doubt: bool, at_ms: u64) {
        let spent = ended.spent.expect("a host that lives knows what was spent");
        let status = if ended.blame == Blame::Works { Status::Completed } else { Status::Failed };
        let usage = Usage {
            fuel: spent.fuel,
            wall_us: spent.wall_ms * 1_000,
            output_bytes: spent.output_bytes,
            host_calls: spent.host_calls,
            ..Usage::default()
        };
        let told = Told {
            blame: ended.blame,
            result: ended.result,
            slow_ms: ended.slow_ms,
            tokens: spent.tokens,
            cost_micro_usd: spent.cost_micro_usd,
            ..Told::NOTHING
        };
        let ending = Ending {
            call: running.call,
            outcome: Outcome {
                attempts: running.attempts,
                usage,
                ..outcome(running.run, running.call, status, None)
            },
            logs: Vec::new(),
            guards: Vec::new(),
            met: None,
            in_doubt,
            told,
            good: None,
            at_ms,
        };
        self.runtime.block_on(self.ledger(host).end(ending, Durability::Committed)).unwrap();
    }

    /// Writes a refusal with what its guard steers, in one step; gives the run that the ledger halted for it.
    pub(super) fn refuse(
        &self,
        host: usize,
        scenario: &Scenario,
        call: CallId,
        event: &Event,
        steer: Option<(RunId, Steer)>,
    ) -> Option<(RunId, String)> {
        let Event { run, at_ms, kind: Kind::Refused(Refused { code, fingerprint, .. }), .. } = event else {
            panic!("{event:?}");
        };
        let status = if code.is_some() { Status::Refused } else { Status::Completed };
        let refusal = Refusal {
            met: None,
            call,
            run: *run,
            tool: "a tool".to_owned(),
            arguments: None,
            policy_digest: [0; 32],
            rules: Vec::new(),
            thought: None,
            expected: None,
            context: None,
            traceparent: None,
            outcome: Outcome {
                recorded: code.is_none(),
                ..outcome(*run, call, status, code.map(Reason::Denial))
            },
            logs: Vec::new(),
            readings: Vec::new(),
            fingerprint: *fingerprint,
            guards: Some(Arc::clone(&scenario.run)),
            steer: steer.map(|(run, steer)| steering(run, steer, *at_ms)),
            approval: None,
            at_ms: *at_ms,
        };
        self.runtime.block_on(self.ledger(host).refuse(refusal)).unwrap().overrun
    }

    pub(super) fn steer(&self, host: usize, run: RunId, steer: Steer, at_ms: u64) {
        self.runtime.block_on(self.ledger(host).steer(steering(run, steer, at_ms))).unwrap();
    }

    /// Where the run stands, as the host says.
    pub(super) fn standing(
        &self,
        host: usize,
        scenario: &Scenario,
        run: RunId,
        at_ms: u64,
    ) -> Option<Standing> {
        let (guards, spend) = (Arc::clone(&scenario.run), Arc::clone(&scenario.spend));
        self.runtime.block_on(self.ledger(host).standing(run, guards, spend, at_ms)).unwrap()
    }

    /// Where the run stands, as another process reads it.
    pub(super) fn standing_read(
        &self,
        host: usize,
        scenario: &Scenario,
        run: RunId,
        at_ms: u64,
    ) -> Option<Standing> {
        let reader = self.ledger(host).reader().unwrap();
        reader.standing(run, &scenario.run, &scenario.spend, at_ms).unwrap()
    }

    /// The chain holds, from the first record to the last.
    pub(super) fn verify(&self, host: usize) {
        let report = self.ledger(host).reader().unwrap().verify(None).unwrap();
        assert!(report.ok, "{report:?}");
    }

    fn ledger(&self, host: usize) -> &Ledger {
        self.hosts[host].as_ref().expect("a host that lives")
    }
}

fn intent(ask: &Ask, tool: &Tool, key: Key) -> Intent {
    let (run, _, arguments) = key;
    let effect = match tool.effect {
        Effect::ReadOnly => ledger::Effect::ReadOnly,
        Effect::Keyed => ledger::Effect::Keyed,
        Effect::Once => ledger::Effect::Once,
    };
    Intent {
        arguments: json!({ "number": arguments }),
        arguments_digest: digest(arguments),
        key: (tool.effect != Effect::ReadOnly).then(|| format!("{run} {arguments}")),
        ask: Some(ask.clone()),
        at_ms: ask.at_ms,
        ..entries::intent(ask.run, ask.call, PRINCIPAL, &ask.tool, effect)
    }
}

/// Equal for equal arguments only.
fn digest(arguments: u64) -> [u8; 32] {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&arguments.to_be_bytes());
    digest
}

fn steering(run: RunId, steer: Steer, at_ms: u64) -> Steering {
    Steering { run, steer, by: "simulator".to_owned(), note: None, at_ms }
}

fn outcome(run: RunId, call: CallId, status: Status, reason: Option<Reason>) -> Outcome {
    Outcome { reason, ..entries::outcome(run, call, "a tool", status) }
}
