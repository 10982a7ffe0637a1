//! Reading a ledger, also while hosts write to it.
//!
//! Invariant: a reader opens read-only, so it can neither write nor empty the log; each method reads one
//! consistent state.

use super::row::{Run, uint};
use super::standing::{Counters, Standing};
use super::{Place, connect, files, fold, recover, schema};
use crate::call::RunId;
use crate::ledger::chain;
use crate::ledger::entry::{InFlight, RunRow};
use crate::ledger::error::LedgerError;
use crate::ledger::report::RunSummary;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use std::collections::HashMap;
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
            let snapshot = self.connection.unchecked_transaction()?;
            let text = format!(
                "SELECT {} FROM runs WHERE id > 0 ORDER BY opened_ms DESC, id DESC",
                StoredRun::COLUMNS
            );
            let mut select = snapshot.prepare_cached(&text)?;
            let mut runs = select.query_map([], StoredRun::read)?.collect::<rusqlite::Result<Vec<_>>>()?;
            let places: HashMap<i64, usize> =
                runs.iter().enumerate().map(|(at, run)| (run.row, at)).collect();
            for late in fold::late(&snapshot)? {
                if let Some(run) = places.get(&late.run).and_then(|at| runs.get_mut(*at)) {
                    late.fold_into(&mut run.standing);
                }
            }
            Ok(runs.into_iter().map(StoredRun::summary).collect())
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
            let text = "SELECT principal, name, opened_ms FROM runs WHERE run = ?1 AND id > 0";
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
        let running = self.classified(fold::is_running(&self.connection, flight.intent))?;
        Ok(running && !files::is_dead(&self.place, flight.host))
    }

    pub(super) fn classified<T>(&self, result: rusqlite::Result<T>) -> Result<T, LedgerError> {
        result.map_err(|error| self.place.classify(&error))
    }
}

/// A row of `runs`.
pub(super) struct StoredRun {
    pub(super) row: i64,
    pub(super) run: [u8; 16],
    pub(super) id: RunId,
    pub(super) principal: String,
    pub(super) name: Option<String>,
    pub(super) opened_ms: u64,
    pub(super) standing: Standing,
}

impl StoredRun {
    /// The columns that [`StoredRun::read`] wants.
    pub(super) const COLUMNS: &str = "id, run, principal, name, opened_ms, last_ms, last_seq, hash, running, \
         completed, failed, refused, unended";

    /// Reads a row of [`StoredRun::COLUMNS`].
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            row: row.get(0)?,
            run: row.get(1)?,
            id: row.get::<_, Run>(1)?.0,
            principal: row.get(2)?,
            name: row.get(3)?,
            opened_ms: uint(row, 4)?,
            standing: Standing::read(row, 5)?,
        })
    }

    /// What a reader gets of it.
    pub(super) fn summary(self) -> RunSummary {
        let Counters { running, completed, failed, refused, unended } = self.standing.counters;
        RunSummary {
            run: self.id,
            principal: self.principal,
            name: self.name,
            opened_ms: self.opened_ms,
            last_ms: self.standing.last_ms,
            running,
            completed,
            failed,
            refused,
            unended,
        }
    }
}
