//! Erasing old contents: the chain keeps their digests, so it still verifies.
//!
//! The *pruned* record that allows it is written first, by the writer. Invariant: nothing of a call that still
//! runs, that a person may still approve, or whose key is in doubt, or bound and under 24 hours old, is erased; steps are
//! short, so that writers get their turn.

use super::row::{int, uint};
use super::{Place, connect, empty_log, fold, sql};
use crate::ledger::error::LedgerError;
use crate::ledger::report::PruneReport;
use rusqlite::{Connection, OpenFlags};
use std::collections::{BTreeMap, HashSet};

/// How long a key is kept at least.
const KEY_KEPT_MS: u64 = 24 * 60 * 60 * 1_000;

/// Records looked at in one transaction.
const STEP: u64 = 200;

/// Erases the content of records from before a time. A *pruned* record must cover it.
pub(in crate::ledger) fn erase(
    place: &Place,
    vfs: Option<&str>,
    before_ms: u64,
    now_ms: u64,
) -> Result<PruneReport, LedgerError> {
    let mut connection = connect(place, OpenFlags::SQLITE_OPEN_READ_WRITE, vfs)?;
    super::use_wal(&connection, place)?;
    let erased = erase_all(&connection, before_ms, now_ms).and_then(|report| {
        // What is still in the log of somebody at work goes with the next checkpoints.
        empty_log(&mut connection)?;
        Ok(report)
    });
    erased.map_err(|error| place.classify(&error))
}

fn erase_all(connection: &Connection, before_ms: u64, now_ms: u64) -> rusqlite::Result<PruneReport> {
    connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    let keys_before = before_ms.min(now_ms.saturating_sub(KEY_KEPT_MS));
    let forget = "DELETE FROM keys WHERE ending IS NOT NULL AND in_doubt = 0 AND at_ms < ?1";
    let keys = connection.execute(forget, [int(keys_before)])?;
    // In this order: a call up to `last` that runs, that waits for a person, or that holds its key, as it does from its
    // intent on, is seen.
    let last = connection.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| uint(row, 0))?;
    let (running, bound) = (fold::running(connection)?, bound_calls(connection)?);
    let kept = Kept { running, asked: asked_about(connection, now_ms)?, bound };
    let mut report = PruneReport { keys: keys as u64, ..PruneReport::default() };
    let mut from = 0;
    while from < last {
        sql(connection, "BEGIN IMMEDIATE")?;
        let stepped = step(connection, (from, last.min(from + STEP)), before_ms, &kept, &mut report);
        sql(connection, if stepped.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        stepped?;
        from += STEP;
    }
    Ok(report)
}

/// What must not be erased.
struct Kept {
    /// Intents of running calls.
    running: BTreeMap<u64, u64>,
    /// Records with the arguments that a person is asked about, or that a yes nobody has used yet is for.
    asked: HashSet<u64>,
    /// Calls whose key is bound or held.
    bound: HashSet<[u8; 16]>,
}

fn bound_calls(connection: &Connection) -> rusqlite::Result<HashSet<[u8; 16]>> {
    let mut select = connection.prepare("SELECT call FROM keys")?;
    let calls = select.query_map([], |row| row.get(0))?;
    calls.collect()
}

fn asked_about(connection: &Connection, now_ms: u64) -> rusqlite::Result<HashSet<u64>> {
    let text = "SELECT asked FROM approvals WHERE state IN ('asked', 'approved') AND expires_ms > ?1";
    let mut select = connection.prepare(text)?;
    let records = select.query_map([int(now_ms)], |row| uint(row, 0))?;
    records.collect()
}

fn step(
    connection: &Connection,
    (from, to): (u64, u64),
    before_ms: u64,
    kept: &Kept,
    report: &mut PruneReport,
) -> rusqlite::Result<()> {
    let mut select = connection.prepare_cached(SELECT_OLD)?;
    let old = select.query_map([int(from), int(to), int(before_ms)], |row| {
        Ok((uint(row, 0)?, row.get::<_, Option<[u8; 16]>>(1)?, uint(row, 2)?))
    })?;
    let old: Vec<_> = old.collect::<rusqlite::Result<_>>()?;
    let mut update = connection.prepare_cached("UPDATE events SET content = NULL WHERE seq = ?1")?;
    for (seq, call, bytes) in old {
        let needed = kept.running.contains_key(&seq) || kept.asked.contains(&seq);
        if needed || call.is_some_and(|call| kept.bound.contains(&call)) {
            report.kept += 1;
        } else {
            update.execute([int(seq)])?;
            report.erased += 1;
            report.bytes += bytes;
        }
    }
    Ok(())
}

/// Old contents, their call and size.
const SELECT_OLD: &str = "
SELECT seq, call, length(CAST(content AS BLOB))
FROM events
WHERE seq > ?1 AND seq <= ?2 AND at_ms < ?3 AND content <> ''";
