//! The tables of format version 2, and telling a ledger of this version from anything else.
//!
//! Invariant: nothing is written to a file that is not an empty database or a ledger of this version.

use super::{Place, sql};
use crate::ledger::error::LedgerError;
use rusqlite::Connection;

/// `application_id` of a ledger: `TGLR`.
pub(super) const APPLICATION_ID: i64 = 0x5447_4C52;

/// The format's version, `user_version`.
pub(super) const VERSION: i64 = 2;

/// Row 0 of `runs`: the ledger's own chain.
pub(super) const SYSTEM_RUN: [u8; 16] = [0; 16];

const TABLES: &str = "
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    prev INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    call BLOB,
    at_ms INTEGER NOT NULL,
    facts TEXT NOT NULL,
    digest BLOB NOT NULL,
    content TEXT,
    hash BLOB NOT NULL,
    head BLOB
) STRICT;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    run BLOB NOT NULL UNIQUE,
    principal TEXT NOT NULL,
    name TEXT,
    opened INTEGER NOT NULL,
    opened_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    running INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    unended INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX runs_by_name ON runs (principal, name) WHERE name IS NOT NULL;
CREATE TABLE running (
    seq INTEGER PRIMARY KEY,
    host INTEGER NOT NULL
) STRICT;
CREATE TABLE folded (
    seq INTEGER NOT NULL
) STRICT;
CREATE TABLE keys (
    scope BLOB PRIMARY KEY,
    call BLOB NOT NULL,
    arguments BLOB NOT NULL,
    intent INTEGER NOT NULL,
    host INTEGER NOT NULL,
    ending INTEGER,
    in_doubt INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_in_doubt ON keys (arguments) WHERE in_doubt = 1;
CREATE TABLE resolved (
    call BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE good (
    scope BLOB PRIMARY KEY,
    ending INTEGER NOT NULL,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE approvals (
    id TEXT PRIMARY KEY,
    binding BLOB NOT NULL,
    run BLOB NOT NULL,
    call BLOB NOT NULL,
    tool TEXT NOT NULL,
    asked INTEGER NOT NULL,
    asked_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    by TEXT,
    signature BLOB
) STRICT;
CREATE INDEX approvals_by_binding ON approvals (binding);
CREATE TABLE guards (
    scope TEXT PRIMARY KEY,
    as_of INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE hosts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pid INTEGER NOT NULL,
    started_ms INTEGER NOT NULL
) STRICT;
INSERT INTO folded VALUES (0);
INSERT INTO runs VALUES (0, zeroblob(16), '', NULL, 0, 0, 0, 0, zeroblob(32), 0, 0, 0, 0, 0);
";

/// What a file turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A database with nothing in it.
    Empty,
    /// A ledger of this version.
    Ledger,
}

/// Looks without writing.
pub(super) fn inspect(connection: &Connection, place: &Place) -> Result<Found, LedgerError> {
    let read = || -> rusqlite::Result<(i64, i64, i64)> {
        // One snapshot: another host may be making the tables.
        let snapshot = connection.unchecked_transaction()?;
        let number = |pragma: &str| snapshot.query_row(pragma, [], |row| row.get::<_, i64>(0));
        Ok((
            number("PRAGMA application_id")?,
            number("PRAGMA user_version")?,
            number("SELECT count(*) FROM sqlite_schema")?,
        ))
    };
    match read().map_err(|error| place.classify(&error))? {
        (0, 0, 0) => Ok(Found::Empty),
        (APPLICATION_ID, VERSION, _) => Ok(Found::Ledger),
        (APPLICATION_ID, found, _) => {
            Err(LedgerError::OtherVersion { path: place.ledger.clone(), found, expected: VERSION })
        }
        _ => Err(place.not_a_ledger("it is a database of some other program")),
    }
}

/// Makes the tables in an empty database, unless another host was faster.
pub(super) fn create(connection: &Connection, place: &Place) -> Result<(), LedgerError> {
    let made = (|| {
        sql(connection, "BEGIN IMMEDIATE")?;
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables == 0 {
            connection.execute_batch(TABLES)?;
            connection.pragma_update(None, "application_id", APPLICATION_ID)?;
            connection.pragma_update(None, "user_version", VERSION)?;
        }
        sql(connection, "COMMIT")
    })();
    made.map_err(|error| place.classify(&error))
}
