//! Where a run stands after a record: its last record and the count of its calls. Writer, readers and `verify`
//! all get there by the same step, [`Standing::take`].
//!
//! Pure. Invariant: the same records in the same order give the same standing.

use super::row::{int, uint};
use crate::ledger::chain::{Hash, ZERO};
use crate::ledger::record::{End, Kind};
use rusqlite::Row;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) last_ms: u64,
    pub(super) last_seq: u64,
    pub(super) hash: Hash,
    pub(super) counters: Counters,
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

impl Default for Standing {
    fn default() -> Self {
        Self { last_ms: 0, last_seq: 0, hash: ZERO, counters: Counters::default() }
    }
}

impl Standing {
    /// The columns of `runs` that [`Standing::read`] wants.
    pub(super) const COLUMNS: &str = "last_ms, last_seq, hash, running, completed, failed, refused, unended";

    /// Reads [`Standing::COLUMNS`] from a column on.
    pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            last_ms: uint(row, first)?,
            last_seq: uint(row, first + 1)?,
            hash: row.get(first + 2)?,
            counters: Counters {
                running: uint(row, first + 3)?,
                completed: uint(row, first + 4)?,
                failed: uint(row, first + 5)?,
                refused: uint(row, first + 6)?,
                unended: uint(row, first + 7)?,
            },
        })
    }

    /// Goes on by one record.
    pub(super) fn take(&mut self, seq: u64, at_ms: u64, hash: Hash, kind: Kind, end: Option<End>) {
        (self.last_seq, self.hash) = (seq, hash);
        self.last_ms = self.last_ms.max(at_ms);
        self.counters.take(kind, end);
    }
}

impl Counters {
    fn take(&mut self, kind: Kind, end: Option<End>) {
        match kind {
            Kind::Intent => self.running += 1,
            Kind::Unstarted => self.refused += 1,
            Kind::Ending | Kind::Mark => {
                self.running = self.running.saturating_sub(1);
                match end {
                    Some(End::Completed) => self.completed += 1,
                    Some(End::InDoubt | End::Abandoned) => self.unended += 1,
                    Some(End::Failed | End::Refused | End::Recorded) | None => self.failed += 1,
                }
            }
            Kind::RunOpened
            | Kind::HostOpened
            | Kind::Pruned
            | Kind::Steered
            | Kind::Attempt
            | Kind::Decided
            | Kind::Resolved => {}
        }
    }

    /// The counts as they stand in the table.
    pub(super) fn columns(self) -> [i64; 5] {
        [self.running, self.completed, self.failed, self.refused, self.unended].map(int)
    }
}
