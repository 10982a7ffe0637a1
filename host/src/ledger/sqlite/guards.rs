//! The guards' state in the ledger: snapshots in the table `guards`, and the records since.
//!
//! The writer keeps a [`Board`] that has taken every record up to its tip; a fold writes the scopes that changed. Not
//! here: what the guards count (`guard/`). Invariant: a scope that is not in memory is, as of the tip, exactly what its
//! snapshot says, because nothing is dropped from memory before it is written.

use super::fold;
use super::reader::LedgerReader;
use super::row::{Call, Run, facts, int, kind, uint, unreadable};
use crate::call::RunId;
use crate::guard::event::Event;
use crate::guard::settings::{RunGuards, SpendGuards};
use crate::guard::{Board, Scope, Standing};
use crate::ledger::error::LedgerError;
use crate::ledger::guarded;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, params};

/// Scopes kept in memory; beyond, those that are as in their snapshots are dropped after a fold.
const SCOPES_MAX: usize = 4_096;

impl LedgerReader {
    /// Where a run stands under these guards; `None` when there is no such run.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] or [`LedgerError::Open`] when the file cannot be read.
    pub fn standing(
        &self,
        run: RunId,
        guards: &RunGuards,
        spend: &SpendGuards,
        at_ms: u64,
    ) -> Result<Option<Standing>, LedgerError> {
        let read = || {
            let snapshot = self.connection.unchecked_transaction()?;
            let mut board = Board::new();
            catch_up(&snapshot, &mut board, fold::folded(&snapshot)?)?;
            load(&snapshot, &mut board, run, None)?;
            Ok(board.standing(run, guards, spend, at_ms))
        };
        self.classified(read())
    }
}

/// Loads what an ask of this run on this tool needs.
pub(super) fn load(
    connection: &Connection,
    board: &mut Board,
    run: RunId,
    tool: Option<&str>,
) -> rusqlite::Result<()> {
    while let Some(scope) = board.missing(run, tool) {
        insert(connection, board, scope)?;
    }
    Ok(())
}

/// Applies one record.
pub(super) fn apply(connection: &Connection, board: &mut Board, event: &Event) -> rusqlite::Result<()> {
    while let Some(scope) = board.missing_for(event) {
        insert(connection, board, scope)?;
    }
    board.apply(event);
    Ok(())
}

/// Applies the records after `from`, which other hosts wrote or which no snapshot holds yet.
pub(super) fn catch_up(connection: &Connection, board: &mut Board, from: u64) -> rusqlite::Result<()> {
    let text = "SELECT seq, runs.run, kind, call, at_ms, facts FROM events JOIN runs ON runs.id = events.run \
                WHERE seq > ?1 ORDER BY seq";
    let mut select = connection.prepare_cached(text)?;
    let mut rows = select.query([int(from)])?;
    while let Some(row) = rows.next()? {
        let call = row.get::<_, Option<Call>>(3)?.map(|call| call.0);
        if let Some(kind) = guarded::event(kind(row, 2)?, call, &facts(row, 5)?) {
            let event =
                Event { seq: uint(row, 0)?, run: row.get::<_, Run>(1)?.0, at_ms: uint(row, 4)?, kind };
            apply(connection, board, &event)?;
        }
    }
    Ok(())
}

/// Writes the scopes that changed since the last time.
pub(super) fn save(connection: &Connection, board: &mut Board) -> rusqlite::Result<()> {
    let encode = |error: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    let mut replace = connection
        .prepare_cached("INSERT OR REPLACE INTO guards (scope, as_of, state) VALUES (?1, ?2, ?3)")?;
    for (scope, as_of, state) in board.take_changed().map_err(encode)? {
        replace.execute(params![scope.key(), int(as_of), state])?;
    }
    if board.len() > SCOPES_MAX {
        board.forget();
    }
    Ok(())
}

fn insert(connection: &Connection, board: &mut Board, scope: Scope) -> rusqlite::Result<()> {
    let mut select = connection.prepare_cached("SELECT as_of, state FROM guards WHERE scope = ?1")?;
    let read = |row: &rusqlite::Row<'_>| Ok((uint(row, 0)?, row.get::<_, String>(1)?));
    let found = select.query_row([scope.key()], read).optional()?;
    let snapshot = found.as_ref().map(|(as_of, state)| (*as_of, state.as_str()));
    board.insert(scope, snapshot).map_err(|_| unreadable(1, "state", Type::Text))
}
