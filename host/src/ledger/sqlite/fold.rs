//! Folding: `runs` and `running` say how things stood after record F (`folded`); what came later is in the events.
//!
//! A page more in a commit costs as much as the record itself, so the two tables are written every
//! [`FOLD_EVENTS`] records, and whoever reads them takes the events after F into account. Invariant: after every
//! transaction, the tables are exactly what the events up to F say.

use super::row::{facts, int, kind, uint};
use super::standing::Standing;
use crate::ledger::chain::Hash;
use crate::ledger::record::{End, Kind};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, HashMap};

/// Records between two folds: what a reader has to go through at most, but for the rest of a batch. Few in the
/// unit tests, so that their short histories fold too.
pub(super) const FOLD_EVENTS: u64 = if cfg!(test) { 8 } else { 256 };

/// A record after F, without its content.
pub(super) struct Late {
    pub(super) seq: u64,
    pub(super) run: i64,
    kind: Kind,
    call: Option<[u8; 16]>,
    at_ms: u64,
    hash: Hash,
    end: Option<End>,
    host: Option<u64>,
}

impl Late {
    /// Takes it into its run's standing.
    pub(super) fn fold_into(&self, standing: &mut Standing) {
        standing.take(self.seq, self.at_ms, self.hash, self.kind, self.end);
    }
}

/// F.
pub(super) fn folded(connection: &Connection) -> rusqlite::Result<u64> {
    connection.prepare_cached("SELECT seq FROM folded")?.query_row([], |row| uint(row, 0))
}

/// The records after F, in order.
pub(super) fn late(connection: &Connection) -> rusqlite::Result<Vec<Late>> {
    let text = "SELECT seq, run, kind, call, at_ms, hash, facts FROM events \
                WHERE seq > (SELECT seq FROM folded) ORDER BY seq";
    let mut select = connection.prepare_cached(text)?;
    let late = select.query_map([], |row| {
        let facts = facts(row, 6)?;
        Ok(Late {
            seq: uint(row, 0)?,
            run: row.get(1)?,
            kind: kind(row, 2)?,
            call: row.get(3)?,
            at_ms: uint(row, 4)?,
            hash: row.get(5)?,
            end: facts.end,
            host: facts.host,
        })
    })?;
    late.collect()
}

/// The running calls by the number of their intent, with the host that runs them.
pub(super) fn running(connection: &Connection) -> rusqlite::Result<BTreeMap<u64, u64>> {
    let text =
        "SELECT running.seq, running.host, events.call FROM running JOIN events ON events.seq = running.seq";
    let mut select = connection.prepare_cached(text)?;
    let rows =
        select.query_map([], |row| Ok((row.get::<_, [u8; 16]>(2)?, (uint(row, 0)?, uint(row, 1)?))))?;
    let mut calls: HashMap<[u8; 16], (u64, u64)> = rows.collect::<rusqlite::Result<_>>()?;
    for late in late(connection)? {
        match (late.kind, late.call, late.host) {
            (Kind::Intent, Some(call), Some(host)) => {
                calls.insert(call, (late.seq, host));
            }
            (Kind::Ending | Kind::Mark, Some(call), _) => {
                calls.remove(&call);
            }
            _ => {}
        }
    }
    Ok(calls.into_values().collect())
}

/// Whether the call of an intent has no ending yet.
pub(super) fn is_running(connection: &Connection, intent: u64) -> rusqlite::Result<bool> {
    let text = "SELECT (?1 > folded.seq OR EXISTS (SELECT 1 FROM running WHERE seq = ?1)) \
                AND NOT EXISTS (SELECT 1 FROM events AS late WHERE late.seq > folded.seq AND late.call = events.call \
                AND late.kind IN (?2, ?3)) FROM events, folded WHERE events.seq = ?1";
    let mut select = connection.prepare_cached(text)?;
    let running =
        select.query_row(params![int(intent), Kind::Ending as u8, Kind::Mark as u8], |row| row.get(0));
    running.optional().map(|running| running.unwrap_or(false))
}

/// What changed since F, where the writer saw all of it.
#[derive(Default)]
pub(super) struct Changes {
    /// Runs by their row.
    pub(super) runs: BTreeMap<i64, Standing>,
    /// Intents of calls that started, with their host.
    pub(super) started: BTreeMap<u64, u64>,
    /// Intents of calls that ended and may stand in `running`.
    pub(super) ended: Vec<u64>,
}

/// Writes what changed, and the new F.
pub(super) fn write(connection: &Connection, changes: &Changes, to: u64) -> rusqlite::Result<()> {
    let mut update = connection.prepare_cached(UPDATE_RUN)?;
    for (row, standing) in &changes.runs {
        let [running, completed, failed, refused, unended] = standing.counters.columns();
        let (last_ms, last_seq, hash) = (int(standing.last_ms), int(standing.last_seq), standing.hash);
        update
            .execute(params![row, last_ms, last_seq, hash, running, completed, failed, refused, unended])?;
    }
    let mut delete = connection.prepare_cached("DELETE FROM running WHERE seq = ?1")?;
    for intent in &changes.ended {
        delete.execute([int(*intent)])?;
    }
    let mut insert =
        connection.prepare_cached("INSERT OR REPLACE INTO running (seq, host) VALUES (?1, ?2)")?;
    for (intent, host) in &changes.started {
        insert.execute([int(*intent), int(*host)])?;
    }
    connection.prepare_cached("UPDATE folded SET seq = ?1")?.execute([int(to)]).map(|_| ())
}

/// What changed since F, from the events: where another host wrote some of them.
pub(super) fn changes(connection: &Connection) -> rusqlite::Result<Changes> {
    let mut changes = Changes { started: running(connection)?, ..Changes::default() };
    let text = format!("SELECT {} FROM runs WHERE id = ?1", Standing::COLUMNS);
    let mut select = connection.prepare_cached(&text)?;
    for late in late(connection)? {
        let standing = match changes.runs.entry(late.run) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(select.query_row([late.run], |row| Standing::read(row, 0))?)
            }
        };
        late.fold_into(standing);
    }
    let mut rows = connection.prepare_cached("SELECT seq FROM running")?;
    let table = rows.query_map([], |row| uint(row, 0))?.collect::<rusqlite::Result<Vec<u64>>>()?;
    changes.ended = table.into_iter().filter(|intent| !changes.started.contains_key(intent)).collect();
    Ok(changes)
}

const UPDATE_RUN: &str = "UPDATE runs SET last_ms = ?2, last_seq = ?3, hash = ?4, running = ?5, completed = ?6, \
     failed = ?7, refused = ?8, unended = ?9 WHERE id = ?1";
