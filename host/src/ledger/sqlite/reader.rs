//! Reading a ledger, also while hosts write to it.
//!
//! Invariant: a reader opens read-only, so it can neither write nor empty the log; each method reads one
//! consistent state.

use super::batch::{Counters, read_counters};
use super::row::{Run, int, uint};
use super::{Place, connect, files, recover, schema};
use crate::call::RunId;
use crate::ledger::chain;
use crate::ledger::entry::{InFlight, RunRow};
use crate::ledger::error::LedgerError;
use crate::ledger::report::RunSummary;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use std::path::Path;

/// A ledger opened for reading only. Its methods block on the disk: call them off the async workers.
pub struct LedgerReader {
    pub(super) connection: Connection,
    pub(super) place: Place,
}

impl LedgerReader {
    /// Opens an existing ledger.
    pub(in crate::ledger) fn open(path: &Path, vfs: Option<&str>) -> Result<Self, LedgerError> {
        let mut place = Place { ledger: path.to_owned() };
        place.ledger = std::fs::canonicalize(path).map_err(|error| place.open_error(&error))?;
        if !place.ledger.is_file() {
            return Err(place.open_error(&"it is not a regular file"));
        }
        let connection = connect(&place, OpenFlags::SQLITE_OPEN_READ_ONLY, vfs)?;
        match schema::inspect(&connection, &place)? {
            schema::Found::Ledger => Ok(Self { connection, place }),
            schema::Found::Empty => Err(place.not_a_ledger("it is empty")),
        }
    }

    /// Every run, the latest first.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] or [`LedgerError::Open`] when the file cannot be read.
    pub fn runs(&self) -> Result<Vec<RunSummary>, LedgerError> {
        let read = || {
            let text = format!("SELECT {SUMMARY_COLUMNS} FROM runs WHERE id > 0 ORDER BY opened_ms DESC, id DESC");
            let mut select = self.connection.prepare_cached(&text)?;
            let runs = select.query_map([], summary)?;
            runs.collect()
        };
        self.classified(read())
    }

    /// The head of the chain, 64 hex digits. Kept elsewhere, it proves everything up to here.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] or [`LedgerError::Open`] when the file cannot be read.
    pub fn head(&self) -> Result<String, LedgerError> {
        self.classified(recover::read_tip(&self.connection).map(|tip| chain::hex(&tip.head)))
    }

    /// One run's row.
    pub(in crate::ledger) fn find_run(&self, id: RunId) -> Result<Option<RunRow>, LedgerError> {
        let read = || {
            let text = "SELECT principal, name, opened_ms FROM runs WHERE run = ?1";
            let mut select = self.connection.prepare_cached(text)?;
            let row = |row: &Row<'_>| {
                Ok(RunRow { id, principal: row.get(0)?, name: row.get(1)?, opened_ms: uint(row, 2)? })
            };
            select.query_row([id.as_bytes()], row).optional()
        };
        self.classified(read())
    }

    /// Whether the call still runs on a host that is not known to have died.
    pub(in crate::ledger) fn is_running(&self, flight: InFlight) -> Result<bool, LedgerError> {
        let read = || {
            let mut select = self.connection.prepare_cached("SELECT 1 FROM running WHERE seq = ?1")?;
            select.exists([int(flight.intent)])
        };
        Ok(self.classified(read())? && !files::is_dead(&self.place, flight.host))
    }

    pub(super) fn classified<T>(&self, result: rusqlite::Result<T>) -> Result<T, LedgerError> {
        result.map_err(|error| self.place.classify(&error))
    }
}

/// The columns that [`summary`] wants.
pub(super) const SUMMARY_COLUMNS: &str =
    "run, principal, name, opened_ms, last_ms, running, completed, failed, refused, unended";

/// Reads a row of [`SUMMARY_COLUMNS`].
pub(super) fn summary(row: &Row<'_>) -> rusqlite::Result<RunSummary> {
    let Counters { running, completed, failed, refused, unended } = read_counters(row, 5)?;
    Ok(RunSummary {
        run: row.get::<_, Run>(0)?.0,
        principal: row.get(1)?,
        name: row.get(2)?,
        opened_ms: uint(row, 3)?,
        last_ms: uint(row, 4)?,
        running,
        completed,
        failed,
        refused,
        unended,
    })
}
