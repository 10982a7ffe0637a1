//! Erasing old contents: the chain keeps their digests, so it still verifies.
//!
//! The *pruned* record that allows it is written first, by the writer. Invariant: nothing of a call that still
//! runs, or whose key is bound and under 24 hours old, is erased; steps are short, so that writers get their turn.

use super::row::{int, uint};
use super::{Place, connect, sql};
use crate::ledger::error::LedgerError;
use crate::ledger::report::PruneReport;
use rusqlite::{Connection, OpenFlags};
use std::collections::HashSet;

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
    let connection = connect(place, OpenFlags::SQLITE_OPEN_READ_WRITE, vfs)?;
    super::use_wal(&connection, place)?;
    erase_all(&connection, before_ms, now_ms).map_err(|error| place.classify(&error))
}

fn erase_all(connection: &Connection, before_ms: u64, now_ms: u64) -> rusqlite::Result<PruneReport> {
    connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    let keys_before = before_ms.min(now_ms.saturating_sub(KEY_KEPT_MS));
    let forget = "DELETE FROM keys WHERE ending IS NOT NULL AND at_ms < ?1";
    let keys = connection.execute(forget, [int(keys_before)])?;
    // Keys are held from the intent on, so whoever binds one later than this is younger than what is erased.
    let bound = bound_calls(connection)?;
    let last = connection.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| uint(row, 0))?;
    let mut report = PruneReport { keys: keys as u64, ..PruneReport::default() };
    let mut from = 0;
    while from < last {
        sql(connection, "BEGIN IMMEDIATE")?;
        let stepped = step(connection, from, before_ms, &bound, &mut report);
        sql(connection, if stepped.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        stepped?;
        from += STEP;
    }
    // A reader or a writer at work keeps some of the log; the next checkpoint takes it.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(report)
}

fn bound_calls(connection: &Connection) -> rusqlite::Result<HashSet<[u8; 16]>> {
    let mut select = connection.prepare("SELECT call FROM keys")?;
    let calls = select.query_map([], |row| row.get(0))?;
    calls.collect()
}

fn step(
    connection: &Connection,
    from: u64,
    before_ms: u64,
    bound: &HashSet<[u8; 16]>,
    report: &mut PruneReport,
) -> rusqlite::Result<()> {
    let mut select = connection.prepare_cached(SELECT_OLD)?;
    let old = select.query_map([int(from), int(from + STEP), int(before_ms)], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Option<[u8; 16]>>(1)?, uint(row, 2)?, row.get::<_, bool>(3)?))
    })?;
    let old: Vec<_> = old.collect::<rusqlite::Result<_>>()?;
    let mut update = connection.prepare_cached("UPDATE events SET content = NULL WHERE seq = ?1")?;
    for (seq, call, bytes, running) in old {
        if running || call.is_some_and(|call| bound.contains(&call)) {
            report.kept += 1;
        } else {
            update.execute([seq])?;
            report.erased += 1;
            report.bytes += bytes;
        }
    }
    Ok(())
}

/// Old contents, their call and size, and whether the call still runs.
const SELECT_OLD: &str = "
SELECT seq, call, length(CAST(content AS BLOB)), EXISTS (SELECT 1 FROM running WHERE running.seq = events.seq)
FROM events
WHERE seq > ?1 AND seq <= ?2 AND at_ms < ?3 AND content <> ''";
