//! Reading a ledger, also while hosts write to it.
//!
//! Invariant: a reader opens read-only, so it can neither write nor empty the log; each method reads one
//! consistent state.

use super::row::{Run, facts, int, uint};
use super::standing::{Counters, Standing};
use super::{Place, connect, files, fold, recover, schema};
use crate::call::{Lineage, Outcome, RunId};
use crate::ledger::chain;
use crate::ledger::entry::{InFlight, RunRow};
use crate::ledger::error::LedgerError;
use crate::ledger::guarded::GuardFacts;
use crate::ledger::report::{CallContent, RunSummary};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
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
                StoredRun::columns()
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

    /// The last good outcome under a scope, with its time; `None` where it is older, or erased.
    pub(in crate::ledger) fn last_good(
        &self,
        scope: &[u8; 32],
        not_before_ms: u64,
    ) -> Result<Option<(u64, Outcome)>, LedgerError> {
        let read = || {
            let text = "SELECT good.at_ms, events.content FROM good JOIN events ON events.seq = good.ending \
                        WHERE scope = ?1 AND good.at_ms >= ?2";
            let mut select = self.connection.prepare_cached(text)?;
            let row = |row: &Row<'_>| Ok((uint(row, 0)?, row.get::<_, Option<String>>(1)?));
            select.query_row(params![scope, int(not_before_ms)], row).optional()
        };
        let found = self.classified(read())?;
        Ok(found.and_then(|(at_ms, content)| {
            let content: CallContent = serde_json::from_str(&content?).ok()?;
            Some((at_ms, content.outcome?))
        }))
    }

    /// One run's row.
    pub(in crate::ledger) fn find_run(&self, id: RunId) -> Result<Option<RunRow>, LedgerError> {
        let read = || {
            let text = "SELECT principal, name, runs.opened_ms, content FROM runs JOIN events ON events.seq = runs.opened \
                        WHERE runs.run = ?1 AND id > 0";
            let mut select = self.connection.prepare_cached(text)?;
            let row = |row: &Row<'_>| {
                let run = RunRow {
                    id,
                    principal: row.get(0)?,
                    name: row.get(1)?,
                    opened_ms: uint(row, 2)?,
                    context: None,
                    lineage: id.into(),
                };
                Ok((run, row.get::<_, Option<String>>(3)?))
            };
            select.query_row([id.as_bytes()], row).optional()
        };
        let Some((run, content)) = self.classified(read())? else { return Ok(None) };
        let content = content.and_then(|text| serde_json::from_str::<CallContent>(&text).ok());
        let context = content.and_then(|content| content.context);
        let lineage = self.lineage(id)?.unwrap_or_else(|| id.into());
        Ok(Some(RunRow { context, lineage, ..run }))
    }

    /// A run with those that it is part of; `None` when there is no such run.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] or [`LedgerError::Open`] when the file cannot be read.
    pub fn lineage(&self, run: RunId) -> Result<Option<Lineage>, LedgerError> {
        let Some(mut parent) = self.classified(self.parent(run))? else { return Ok(None) };
        let mut ancestors = Vec::new();
        while let Some(next) = parent.filter(|_| ancestors.len() + 1 < Lineage::RUNS_MAX) {
            ancestors.push(next);
            parent = self.classified(self.parent(next))?.flatten();
        }
        Ok(Some(Lineage::new(run, &ancestors)))
    }

    /// The run that opened this one, if one did; `None` when there is no such run.
    fn parent(&self, run: RunId) -> rusqlite::Result<Option<Option<RunId>>> {
        let text =
            "SELECT facts FROM runs JOIN events ON events.seq = runs.opened WHERE runs.run = ?1 AND id > 0";
        let mut select = self.connection.prepare_cached(text)?;
        let read = |row: &Row<'_>| Ok(facts(row, 0)?.guard.as_ref().and_then(GuardFacts::parent));
        select.query_row([run.as_bytes()], read).optional()
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
    pub(super) id: RunId,
    pub(super) principal: String,
    pub(super) name: Option<String>,
    pub(super) opened: u64,
    pub(super) opened_ms: u64,
    pub(super) standing: Standing,
}

impl StoredRun {
    /// The columns that [`StoredRun::read`] wants.
    pub(super) fn columns() -> String {
        format!("id, run, principal, name, opened, opened_ms, {}", Standing::COLUMNS)
    }

    /// Reads a row of [`StoredRun::columns`].
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            row: row.get(0)?,
            id: row.get::<_, Run>(1)?.0,
            principal: row.get(2)?,
            name: row.get(3)?,
            opened: uint(row, 4)?,
            opened_ms: uint(row, 5)?,
            standing: Standing::read(row, 6)?,
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
