//! Opening after whatever happened: the last batch is checked, this host gets a number and a lock, and the
//! calls of dead hosts get their one ending, a mark.
//!
//! Invariant: a host whose lock is held lives and is left alone; a call is never guessed to have done nothing:
//! only a read-only one is abandoned, every other is in doubt.

use super::Place;
use super::batch::{Batch, Tip};
use super::dead;
use super::files::HostLock;
use super::fold;
use super::key;
use super::row::{Call, EVENT_COLUMNS, Event, Run, facts, int, json, uint, unreadable};
use super::writer::Failure;
use crate::call::{CallId, RunId};
use crate::ledger::chain::{self, Hash, Head, ZERO};
use crate::ledger::entry::Effect;
use crate::ledger::error::LedgerError;
use crate::ledger::record::{End, Record};
use crate::ledger::report::CallContent;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, params};
use std::borrow::Cow;

/// The last event and its head.
pub(super) fn read_tip(connection: &Connection) -> rusqlite::Result<Tip> {
    let mut select = connection.prepare_cached("SELECT seq, head FROM events ORDER BY seq DESC LIMIT 1")?;
    let tip = select.query_row([], |row| Ok(Tip { seq: uint(row, 0)?, head: row.get(1)? })).optional()?;
    Ok(tip.unwrap_or(Tip { seq: 0, head: ZERO }))
}

/// Checks the last batch against its head, so that nothing is chained to damage. All of it is read in one
/// snapshot: another host may be writing.
pub(super) fn check_tail(connection: &Connection, place: &Place) -> Result<Tip, LedgerError> {
    let snapshot = connection.unchecked_transaction().map_err(|error| place.classify(&error))?;
    let tip = read_tip(&snapshot).map_err(|error| place.classify(&error))?;
    let sound = last_batch_is_sound(&snapshot, tip).map_err(|error| place.classify(&error))?;
    if sound {
        Ok(tip)
    } else {
        Err(place.damaged(&format!("the batch that ends with record {} does not fit its head", tip.seq)))
    }
}

fn last_batch_is_sound(connection: &Connection, tip: Tip) -> rusqlite::Result<bool> {
    let before = "SELECT seq, head FROM events WHERE head IS NOT NULL AND seq < ?1 ORDER BY seq DESC LIMIT 1";
    let before =
        connection.query_row(before, [int(tip.seq)], |row| Ok((uint(row, 0)?, row.get::<_, Hash>(1)?)));
    let (before_seq, before_head) = before.optional()?.unwrap_or((0, ZERO));
    let text = format!("SELECT {EVENT_COLUMNS} FROM events WHERE seq > ?1 ORDER BY seq");
    let mut select = connection.prepare(&text)?;
    let mut rows = select.query([int(before_seq)])?;
    let mut head = Head::after(&before_head);
    let mut next = before_seq;
    while let Some(row) = rows.next()? {
        let event = Event::read(row)?;
        next += 1;
        let run: Option<[u8; 16]> = connection
            .query_row("SELECT run FROM runs WHERE id = ?1", [event.run], |row| row.get(0))
            .optional()?;
        let prev: Option<Hash> = connection
            .query_row("SELECT hash FROM events WHERE seq = ?1", [int(event.prev)], |row| row.get(0))
            .optional()?;
        let chained = run.is_some_and(|run| event.check(&run, &prev.unwrap_or(ZERO)).is_ok());
        if !chained || event.seq != next {
            return Ok(false);
        }
        head.extend(&event.hash);
    }
    Ok(next == tip.seq && (tip.seq == 0 || head.finish() == tip.head))
}

/// Gives this host a number and a lock, and marks what dead hosts left running.
pub(super) fn register(
    batch: &mut Batch<'_>,
    place: &Place,
    now_ms: u64,
) -> Result<(u64, HostLock), Failure> {
    dead::strike_out_all(batch, place, NOBODY, now_ms)?;
    let pid = std::process::id();
    let insert = "INSERT INTO hosts (pid, started_ms) VALUES (?1, ?2)";
    batch.connection.execute(insert, params![pid, int(now_ms)])?;
    let host = batch.connection.last_insert_rowid().cast_unsigned();
    let lock = HostLock::take(place, host)?;
    batch.append_own(Cow::Owned(Record::host_opened(host, pid, now_ms)?))?;
    Ok((host, lock))
}

/// The number of no host: they are counted from 1.
const NOBODY: u64 = 0;

/// Gives every running call of a dead host its ending. Whether there were any.
pub(super) fn mark_calls_of(batch: &mut Batch<'_>, host: u64, now_ms: u64) -> Result<bool, Failure> {
    let mut running = fold::running(batch.connection)?;
    running.retain(|_, runs_on| *runs_on == host);
    for intent in running.keys().copied() {
        let Unended { call, run, effect, scope } = read_unended(batch.connection, intent)?;
        let end = if effect == Effect::ReadOnly { End::Abandoned } else { End::InDoubt };
        let record = Record::mark(call, end, host, now_ms)?;
        let seq = batch.append(run.as_bytes(), Cow::Owned(record))?;
        batch.ended(intent);
        if let Some(scope) = scope {
            key::settle(batch, &scope, call, Some(end), seq, now_ms)?;
        }
    }
    Ok(!running.is_empty())
}

/// What a mark needs to know of the intent. Contents of running calls are never erased.
struct Unended {
    call: CallId,
    run: RunId,
    effect: Effect,
    scope: Option<Hash>,
}

fn read_unended(connection: &Connection, intent: u64) -> rusqlite::Result<Unended> {
    let text = "SELECT events.call, runs.run, runs.principal, facts, content FROM events \
                JOIN runs ON runs.id = events.run WHERE seq = ?1";
    let mut select = connection.prepare_cached(text)?;
    select.query_row([int(intent)], |row| {
        let (facts, content): (_, CallContent) = (facts(row, 3)?, json(row, 4, "content")?);
        let effective = facts.tool.zip(facts.effect);
        let (tool, effect) = effective.ok_or_else(|| unreadable(3, "facts", Type::Text))?;
        let principal: String = row.get(2)?;
        let scope = content.key.map(|key| chain::scope(&principal, &tool, &key));
        Ok(Unended { call: row.get::<_, Call>(0)?.0, run: row.get::<_, Run>(1)?.0, effect, scope })
    })
}
