//! A batch in the making: events are numbered and chained in memory, and written when the last is known,
//! because the last carries the new head.
//!
//! Invariant: nothing of it counts until its transaction commits; after an error the caches it changed are
//! wrong, and the writer is never used again.

use super::row::{int, uint};
use super::schema::SYSTEM_RUN;
use crate::ledger::chain::{Hash, Head, Link};
use crate::ledger::record::{End, Record};
use rusqlite::{Connection, OptionalExtension, params};
use std::borrow::Cow;
use std::collections::HashMap;

/// The last event and the head after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tip {
    pub(super) seq: u64,
    pub(super) head: Hash,
}

/// A run as the writer remembers it.
pub(super) struct RunState {
    pub(super) row: i64,
    pub(super) principal: String,
    last_ms: u64,
    last_seq: u64,
    hash: Hash,
    counters: Counters,
    dirty: bool,
}

/// How many calls of a run stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) running: u64,
    pub(super) completed: u64,
    pub(super) failed: u64,
    pub(super) refused: u64,
    pub(super) unended: u64,
}

impl Counters {
    /// Counts a call that started.
    pub(super) fn start(&mut self) {
        self.running += 1;
    }

    /// Counts how a call ended, or that it never started.
    pub(super) fn end(&mut self, end: End) {
        match end {
            End::Refused | End::Recorded => {
                self.refused += 1;
                return;
            }
            End::Completed => self.completed += 1,
            End::Failed => self.failed += 1,
            End::InDoubt | End::Abandoned => self.unended += 1,
        }
        self.running = self.running.saturating_sub(1);
    }
}

/// Runs by id, as far as they were needed.
pub(super) type Runs = HashMap<[u8; 16], RunState>;

/// The batch.
pub(super) struct Batch<'a> {
    pub(super) connection: &'a Connection,
    pub(super) runs: &'a mut Runs,
    tip: Tip,
    pending: Vec<Pending<'a>>,
    dirty: Vec<[u8; 16]>,
}

struct Pending<'a> {
    seq: u64,
    run: i64,
    prev: u64,
    hash: Hash,
    record: Cow<'a, Record>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(connection: &'a Connection, runs: &'a mut Runs, tip: Tip) -> Self {
        Self { connection, runs, tip, pending: Vec::new(), dirty: Vec::new() }
    }

    /// The run, read from its table where it is not remembered.
    pub(super) fn run(&mut self, id: &[u8; 16]) -> rusqlite::Result<Option<&mut RunState>> {
        if !self.runs.contains_key(id) {
            let mut select = self.connection.prepare_cached(SELECT_RUN)?;
            if let Some(run) = select.query_row([id], read_run).optional()? {
                if self.runs.len() >= RUNS_MAX && self.dirty.is_empty() {
                    self.runs.clear();
                }
                self.runs.insert(*id, run);
            }
        }
        Ok(self.runs.get_mut(id))
    }

    /// Adds a new run; its first record comes next.
    pub(super) fn add_run(&mut self, id: [u8; 16], row: i64, principal: &str) {
        let (principal, counters) = (principal.to_owned(), Counters::default());
        let run = RunState { row, principal, last_ms: 0, last_seq: 0, hash: [0; 32], counters, dirty: false };
        self.runs.insert(id, run);
    }

    /// Numbers and chains a record of a run, counts it, and gives its number.
    pub(super) fn append(
        &mut self,
        id: &[u8; 16],
        record: Cow<'a, Record>,
        count: impl FnOnce(&mut Counters),
    ) -> rusqlite::Result<u64> {
        let seq = self.tip.seq + 1;
        let run = self.run(id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let link = Link {
            seq,
            run: id,
            prev: run.last_seq,
            prev_hash: &run.hash,
            kind: record.kind as u8,
            call: record.call.as_ref().map(crate::call::CallId::as_bytes),
            at_ms: record.at_ms,
            facts: &record.facts,
            digest: &record.digest,
        };
        let (hash, prev) = (link.hash(), run.last_seq);
        (run.last_seq, run.hash) = (seq, hash);
        run.last_ms = run.last_ms.max(record.at_ms);
        count(&mut run.counters);
        let (row, clean) = (run.row, !std::mem::replace(&mut run.dirty, true));
        if clean {
            self.dirty.push(*id);
        }
        self.tip.seq = seq;
        self.pending.push(Pending { seq, run: row, prev, hash, record });
        Ok(seq)
    }

    /// Like [`Batch::append`], on the ledger's own chain.
    pub(super) fn append_own(&mut self, record: Cow<'a, Record>) -> rusqlite::Result<u64> {
        self.append(&SYSTEM_RUN, record, |_| {})
    }

    /// The content of an event, written or about to be; `None` when it was erased.
    pub(super) fn content(&self, seq: u64) -> rusqlite::Result<Option<String>> {
        if let Some(pending) = self.pending.iter().find(|pending| pending.seq == seq) {
            return Ok(Some(pending.record.content.clone()));
        }
        let mut select = self.connection.prepare_cached("SELECT content FROM events WHERE seq = ?1")?;
        select.query_row([int(seq)], |row| row.get(0)).optional().map(Option::flatten)
    }

    /// Writes the events and the runs they changed; gives the new tip.
    pub(super) fn write(mut self) -> rusqlite::Result<Tip> {
        let Some(last) = self.pending.last().map(|pending| pending.seq) else { return Ok(self.tip) };
        let mut head = Head::after(&self.tip.head);
        self.pending.iter().for_each(|pending| head.extend(&pending.hash));
        let head = head.finish();
        let mut insert = self.connection.prepare_cached(INSERT_EVENT)?;
        for Pending { seq, run, prev, hash, record } in &self.pending {
            let call = record.call.as_ref().map(crate::call::CallId::as_bytes);
            let own_head = (*seq == last).then_some(&head);
            let kind = record.kind as u8;
            let (facts, content) = (&record.facts, &record.content);
            let (seq, prev, at_ms) = (int(*seq), int(*prev), int(record.at_ms));
            insert.execute(params![seq, run, prev, kind, call, at_ms, facts, record.digest, content, hash, own_head])?;
        }
        self.write_runs()?;
        Ok(Tip { seq: last, head })
    }

    fn write_runs(&mut self) -> rusqlite::Result<()> {
        let mut update = self.connection.prepare_cached(UPDATE_RUN)?;
        for id in &self.dirty {
            let Some(run) = self.runs.get_mut(id) else { continue };
            run.dirty = false;
            let Counters { running, completed, failed, refused, unended } = run.counters;
            let counters = [running, completed, failed, refused, unended].map(int);
            let [running, completed, failed, refused, unended] = counters;
            let (last_ms, last_seq) = (int(run.last_ms), int(run.last_seq));
            update.execute(params![
                run.row, last_ms, last_seq, run.hash, running, completed, failed, refused, unended
            ])?;
        }
        Ok(())
    }
}

fn read_run(row: &rusqlite::Row<'_>) -> rusqlite::Result<RunState> {
    Ok(RunState {
        row: row.get(0)?,
        principal: row.get(1)?,
        last_ms: uint(row, 2)?,
        last_seq: uint(row, 3)?,
        hash: row.get(4)?,
        counters: read_counters(row, 5)?,
        dirty: false,
    })
}

/// Reads the counters from five columns.
pub(super) fn read_counters(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Counters> {
    Ok(Counters {
        running: uint(row, first)?,
        completed: uint(row, first + 1)?,
        failed: uint(row, first + 2)?,
        refused: uint(row, first + 3)?,
        unended: uint(row, first + 4)?,
    })
}

/// Runs remembered; beyond, all are forgotten and read again.
const RUNS_MAX: usize = 4_096;

const SELECT_RUN: &str = "SELECT id, principal, last_ms, last_seq, hash, running, completed, failed, refused, unended \
     FROM runs WHERE run = ?1";
const UPDATE_RUN: &str = "UPDATE runs SET last_ms = ?2, last_seq = ?3, hash = ?4, running = ?5, completed = ?6, \
     failed = ?7, refused = ?8, unended = ?9 WHERE id = ?1";
const INSERT_EVENT: &str = "INSERT INTO events (seq, run, prev, kind, call, at_ms, facts, digest, content, hash, head) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
