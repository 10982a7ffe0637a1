//! Values as they stand in the tables: ids as 16 bytes, hashes as 32, numbers as 64-bit integers, facts as JSON.
//!
//! Invariant: a value of another type or size is an error, never a guess.

use crate::call::{CallId, RunId};
use crate::ledger::chain::{self, Hash};
use crate::ledger::record::{Facts, Kind};
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlResult, Type, ValueRef};
use serde::de::DeserializeOwned;

/// Writes an unsigned number.
pub(super) fn int(value: u64) -> i64 {
    value.cast_signed()
}

/// Reads an unsigned number.
pub(super) fn uint(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// Reads the kind of a record.
pub(super) fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<Kind> {
    Kind::from_code(row.get(column)?).ok_or_else(|| unreadable(column, "kind", Type::Integer))
}

/// Reads the facts of a record.
pub(super) fn facts(row: &Row<'_>, column: usize) -> rusqlite::Result<Facts> {
    json(row, column, "facts")
}

/// Reads a text of JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize, name: &str) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|_| unreadable(column, name, Type::Text))
}

/// Of the right type, and yet no such value.
pub(super) fn unreadable(column: usize, name: &str, found: Type) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(column, name.to_owned(), found)
}

/// An id of a call as it is read.
pub(super) struct Call(pub(super) CallId);

impl FromSql for Call {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 16]>::column_result(value).map(|bytes| Self(CallId::from_bytes(bytes)))
    }
}

/// An id of a run as it is read.
pub(super) struct Run(pub(super) RunId);

impl FromSql for Run {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 16]>::column_result(value).map(|bytes| Self(RunId::from_bytes(bytes)))
    }
}

/// One event as it is read.
pub(super) struct Event {
    pub(super) seq: u64,
    pub(super) run: i64,
    pub(super) prev: u64,
    pub(super) kind: i64,
    pub(super) call: Option<[u8; 16]>,
    pub(super) at_ms: u64,
    pub(super) facts: String,
    pub(super) digest: Hash,
    pub(super) content: Option<String>,
    pub(super) hash: Hash,
    pub(super) head: Option<Hash>,
}

/// The columns that [`Event::read`] wants.
pub(super) const EVENT_COLUMNS: &str =
    "seq, run, prev, kind, call, at_ms, facts, digest, content, hash, head";

impl Event {
    /// Reads a row of [`EVENT_COLUMNS`].
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: uint(row, 0)?,
            run: row.get(1)?,
            prev: uint(row, 2)?,
            kind: row.get(3)?,
            call: row.get(4)?,
            at_ms: uint(row, 5)?,
            facts: row.get(6)?,
            digest: row.get(7)?,
            content: row.get(8)?,
            hash: row.get(9)?,
            head: row.get(10)?,
        })
    }

    /// The hash that the event should have, and whether its content is the recorded one.
    pub(super) fn check(&self, run: &[u8; 16], prev_hash: &Hash) -> Result<(), &'static str> {
        let link = chain::Link {
            seq: self.seq,
            run,
            prev: self.prev,
            prev_hash,
            kind: u8::try_from(self.kind).unwrap_or(0),
            call: self.call.as_ref(),
            at_ms: self.at_ms,
            facts: &self.facts,
            digest: &self.digest,
        };
        if link.hash() != self.hash {
            return Err("it is not what was written: its hash does not fit");
        }
        match &self.content {
            Some(content) if chain::digest(content.as_bytes()) != self.digest => {
                Err("its content is not what was written: the digest does not fit")
            }
            _ => Ok(()),
        }
    }
}
