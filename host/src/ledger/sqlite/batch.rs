//! A batch in the making: events are numbered and chained in memory, and written when the last is known,
//! because the last carries the new head.
//!
//! Invariant: nothing of it counts until its transaction commits; after an error what the writer remembers is
//! wrong, and it is never used again.

use super::fold::{self, Changes, FOLD_EVENTS};
use super::guards;
use super::row::int;
use super::schema::SYSTEM_RUN;
use super::standing::Standing;
use crate::call::{CallId, RunId};
use crate::guard::Board;
use crate::guard::event::Event;
use crate::ledger::chain::{Hash, Head, Link};
use crate::ledger::record::Record;
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
    standing: Standing,
}

/// What the writer remembers between batches.
#[derive(Default)]
pub(super) struct Memory {
    runs: HashMap<[u8; 16], RunState>,
    /// F, as the file has it.
    folded: u64,
    /// What changed since F; `None` when another host wrote some of it.
    changes: Option<Changes>,
    /// The guards, as of the record `counted`; `None` before the first batch.
    board: Board,
    counted: Option<u64>,
}

impl Memory {
    /// Forgets everything that another host may have changed, and lets the guards catch up with `tip`.
    pub(super) fn forget(&mut self, connection: &Connection, tip: u64) -> rusqlite::Result<()> {
        self.runs.clear();
        self.changes = None;
        self.folded = fold::folded(connection)?;
        let counted = self.counted.unwrap_or(self.folded);
        guards::catch_up(connection, &mut self.board, counted)?;
        self.counted = Some(tip);
        Ok(())
    }

    /// Fails where more is folded than was ever written: what the guards count would begin after records that they
    /// have never seen.
    pub(super) fn check(&self, tip: u64) -> rusqlite::Result<()> {
        match self.folded > tip {
            true => Err(rusqlite::Error::IntegralValueOutOfRange(0, int(self.folded))),
            false => Ok(()),
        }
    }
}

/// The batch.
pub(super) struct Batch<'a> {
    pub(super) connection: &'a Connection,
    memory: &'a mut Memory,
    tip: Tip,
    pending: Vec<Pending<'a>>,
}

struct Pending<'a> {
    seq: u64,
    run: i64,
    prev: u64,
    hash: Hash,
    record: Cow<'a, Record>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(connection: &'a Connection, memory: &'a mut Memory, tip: Tip) -> Self {
        Self { connection, memory, tip, pending: Vec::new() }
    }

    /// The run, read from its table and the events after F where it is not remembered.
    pub(super) fn run(&mut self, id: &[u8; 16]) -> rusqlite::Result<Option<&mut RunState>> {
        if !self.memory.runs.contains_key(id) {
            let mut select = self.connection.prepare_cached(SELECT_RUN)?;
            let read = |row: &rusqlite::Row<'_>| {
                Ok(RunState { row: row.get(0)?, principal: row.get(1)?, standing: Standing::read(row, 2)? })
            };
            let Some(mut run) = select.query_row([id], read).optional()? else { return Ok(None) };
            match &self.memory.changes {
                Some(changes) => run.standing = changes.runs.get(&run.row).copied().unwrap_or(run.standing),
                None => {
                    let late = fold::late(self.connection)?;
                    late.iter()
                        .filter(|late| late.run == run.row)
                        .for_each(|late| late.fold_into(&mut run.standing));
                }
            }
            if self.memory.runs.len() >= RUNS_MAX && self.pending.is_empty() {
                self.memory.runs.clear();
            }
            self.memory.runs.insert(*id, run);
        }
        Ok(self.memory.runs.get_mut(id))
    }

    /// The guards, with all in memory that an ask of this run on this tool needs.
    pub(super) fn board(&mut self, run: RunId, tool: Option<&str>) -> rusqlite::Result<&Board> {
        guards::load(self.connection, &mut self.memory.board, run, tool)?;
        Ok(&self.memory.board)
    }

    /// Adds a new run; its first record comes next.
    pub(super) fn add_run(&mut self, id: [u8; 16], row: i64, principal: &str) {
        let run = RunState { row, principal: principal.to_owned(), standing: Standing::default() };
        self.memory.runs.insert(id, run);
    }

    /// The number that the next record gets.
    pub(super) fn next_seq(&self) -> u64 {
        self.tip.seq + 1
    }

    /// Numbers and chains a record of a run, counts it, and gives its number.
    pub(super) fn append(&mut self, id: &[u8; 16], record: Cow<'a, Record>) -> rusqlite::Result<u64> {
        let seq = self.next_seq();
        let run = self.run(id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let prev = run.standing.last_seq;
        let link = Link {
            seq,
            run: id,
            prev,
            prev_hash: &run.standing.hash,
            kind: record.kind as u8,
            call: record.call.as_ref().map(CallId::as_bytes),
            at_ms: record.at_ms,
            facts: &record.facts,
            digest: &record.digest,
        };
        let hash = link.hash();
        run.standing.take(seq, record.at_ms, hash, record.kind, record.end);
        let (row, standing) = (run.row, run.standing);
        if let Some(changes) = &mut self.memory.changes {
            changes.runs.insert(row, standing);
        }
        self.tip.seq = seq;
        if let Some(kind) = &record.event {
            let event = Event { seq, run: RunId::from_bytes(*id), at_ms: record.at_ms, kind: kind.clone() };
            guards::apply(self.connection, &mut self.memory.board, &event)?;
        }
        self.pending.push(Pending { seq, run: row, prev, hash, record });
        Ok(seq)
    }

    /// Like [`Batch::append`], on the ledger's own chain.
    pub(super) fn append_own(&mut self, record: Cow<'a, Record>) -> rusqlite::Result<u64> {
        self.append(&SYSTEM_RUN, record)
    }

    /// Notes that the call of this intent runs, on this host.
    pub(super) fn started(&mut self, intent: u64, host: u64) {
        if let Some(changes) = &mut self.memory.changes {
            changes.started.insert(intent, host);
        }
    }

    /// Notes that the call of this intent ended.
    pub(super) fn ended(&mut self, intent: u64) {
        if let Some(changes) = &mut self.memory.changes
            && changes.started.remove(&intent).is_none()
        {
            changes.ended.push(intent);
        }
    }

    /// The content of an event, written or about to be; `None` when it was erased.
    pub(super) fn content(&self, seq: u64) -> rusqlite::Result<Option<String>> {
        if let Some(pending) = self.pending.iter().find(|pending| pending.seq == seq) {
            return Ok(Some(pending.record.content.clone()));
        }
        let mut select = self.connection.prepare_cached("SELECT content FROM events WHERE seq = ?1")?;
        select.query_row([int(seq)], |row| row.get(0)).optional().map(Option::flatten)
    }

    /// Writes the events, folds when it is time, and gives the new tip.
    pub(super) fn write(self) -> rusqlite::Result<Tip> {
        let Some(last) = self.pending.last().map(|pending| pending.seq) else { return Ok(self.tip) };
        let mut head = Head::after(&self.tip.head);
        self.pending.iter().for_each(|pending| head.extend(&pending.hash));
        let head = head.finish();
        let mut insert = self.connection.prepare_cached(INSERT_EVENT)?;
        for Pending { seq, run, prev, hash, record } in &self.pending {
            let call = record.call.as_ref().map(CallId::as_bytes);
            let own_head = (*seq == last).then_some(&head);
            let kind = record.kind as u8;
            let (facts, content) = (&record.facts, &record.content);
            let (seq, prev, at_ms) = (int(*seq), int(*prev), int(record.at_ms));
            insert.execute(params![
                seq,
                run,
                prev,
                kind,
                call,
                at_ms,
                facts,
                record.digest,
                content,
                hash,
                own_head
            ])?;
        }
        self.memory.counted = Some(last);
        if last - self.memory.folded >= FOLD_EVENTS {
            fold(self.connection, self.memory, last)?;
        }
        Ok(Tip { seq: last, head })
    }
}

/// Brings `runs` and `running` up to the last event, which is written.
pub(super) fn fold(connection: &Connection, memory: &mut Memory, last: u64) -> rusqlite::Result<()> {
    let changes = match memory.changes.take() {
        Some(changes) => changes,
        None => fold::changes(connection)?,
    };
    fold::write(connection, &changes, last)?;
    guards::save(connection, &mut memory.board)?;
    (memory.folded, memory.changes) = (last, Some(Changes::default()));
    Ok(())
}

/// Runs remembered; beyond, all are forgotten and read again.
const RUNS_MAX: usize = 4_096;

const SELECT_RUN: &str = "SELECT id, principal, last_ms, last_seq, hash, running, completed, failed, refused, unended \
     FROM runs WHERE run = ?1";
const INSERT_EVENT: &str = "INSERT INTO events (seq, run, prev, kind, call, at_ms, facts, digest, content, hash, head) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
