//! The ledger in memory, and a host that follows it with its board as the real one does.
//!
//! Not here: the pipeline. Invariant: a host's board has seen every record before it answers; what a crash leaves
//! are the ledger, the store of snapshots and the table of keys.

use super::executor::Key;
use std::collections::HashMap;
use toolgate::call::{CallId, RunId};
use toolgate::guard::event::{Event, Kind};
use toolgate::guard::{Admission, Board, Refusal, Scope};

/// How a call that bears a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    Running(CallId),
    Done,
    InDoubt,
}

/// What a proposal is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Start(Admission),
    /// A guard says no.
    Refused(Refusal),
    /// Such a call is done: its outcome is given again.
    Recorded,
    /// Such a call runs.
    Conflict,
    /// Nobody knows whether such a call had its effect.
    InDoubt,
}

/// What is durable.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) events: Vec<Event>,
    pub(super) keys: HashMap<Key, Bound>,
    snapshots: HashMap<Scope, (u64, String)>,
    /// Up to this record, the snapshots are whole.
    saved: usize,
}

impl Ledger {
    pub(super) fn append(&mut self, run: RunId, at_ms: u64, kind: Kind) -> Event {
        let event = Event { seq: self.events.len() as u64 + 1, run, at_ms, kind };
        self.events.push(event.clone());
        event
    }
}

/// One process.
pub(super) struct Host {
    pub(super) board: Board,
    at: usize,
    pub(super) alive: bool,
    /// Times it was started; a call of an earlier life is a dead host's call.
    pub(super) life: u64,
    /// Calls that it executes; of a dead host, those that nobody has marked yet.
    pub(super) running: Vec<(RunId, CallId, Key)>,
}

impl Host {
    pub(super) fn new() -> Self {
        Self { board: Board::new(), at: 0, alive: true, life: 0, running: Vec::new() }
    }

    /// Sees every record, and loads what the run and the tool need.
    pub(super) fn follow(&mut self, ledger: &Ledger, run: RunId, tool: Option<&str>) {
        self.catch_up(ledger);
        while let Some(scope) = self.board.missing(run, tool) {
            insert(&mut self.board, ledger, scope);
        }
    }

    /// Writes its snapshots, and now and then drops what it does not need.
    pub(super) fn save(&mut self, ledger: &mut Ledger, forget: bool) {
        for (scope, seq, text) in self.board.take_changed().unwrap() {
            let stored = ledger.snapshots.entry(scope).or_default();
            if stored.0 < seq {
                *stored = (seq, text);
            }
        }
        ledger.saved = ledger.saved.max(self.at);
        if forget {
            self.board.forget();
        }
    }

    /// The process is gone; the calls that it executed are left behind.
    pub(super) fn crash(&mut self) {
        (self.alive, self.board) = (false, Board::new());
        self.life += 1;
    }

    pub(super) fn start(&mut self, ledger: &Ledger) {
        (self.alive, self.at) = (true, ledger.saved);
        self.catch_up(ledger);
    }

    fn catch_up(&mut self, ledger: &Ledger) {
        for event in ledger.events.iter().skip(self.at) {
            while let Some(scope) = self.board.missing_for(event) {
                insert(&mut self.board, ledger, scope);
            }
            self.board.apply(event);
        }
        self.at = ledger.events.len();
    }
}

fn insert(board: &mut Board, ledger: &Ledger, scope: Scope) {
    let snapshot = ledger.snapshots.get(&scope).map(|(seq, text)| (*seq, text.as_str()));
    board.insert(scope, snapshot).unwrap();
}
