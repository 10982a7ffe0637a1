//! The tables of version 1, and telling a control database of this version from anything else.
//!
//! `switches`: what is on; `generation` is never used twice. `hosts`: who watches. `acknowledgements`: what a host says
//! to a switch: how many calls it means run there still (`running`, 0 when it is acknowledged) and how many it has
//! stopped; a row goes with its host and with its switch. Invariants: a database gets its name when it is whole, so an
//! empty one has lost its switches, and is refused; nothing is written to a file that is not a control database of this
//! version.

use super::error::ControlError;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// `application_id` of a control database: `TGCT`.
pub(super) const APPLICATION_ID: i64 = 0x5447_4354;

/// The format's version, `user_version`.
pub(super) const VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE switches (
    generation INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    why TEXT NOT NULL,
    UNIQUE (kind, name)
) STRICT;
CREATE TABLE hosts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pid INTEGER NOT NULL,
    started INTEGER NOT NULL,
    boot TEXT NOT NULL,
    namespace INTEGER NOT NULL,
    registered_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE acknowledgements (
    host INTEGER NOT NULL REFERENCES hosts ON DELETE CASCADE,
    generation INTEGER NOT NULL REFERENCES switches ON DELETE CASCADE,
    running INTEGER NOT NULL,
    stopped INTEGER NOT NULL,
    PRIMARY KEY (host, generation)
) STRICT, WITHOUT ROWID;
";

/// Looks without writing: is this a sound control database of this version?
pub(super) fn inspect(connection: &Connection, path: &Path) -> Result<(), ControlError> {
    let number = |text: &str| connection.query_row(text, [], |row| row.get::<_, i64>(0));
    let read = || -> rusqlite::Result<(i64, i64, i64)> {
        Ok((
            number("PRAGMA application_id")?,
            number("PRAGMA user_version")?,
            number("SELECT count(*) FROM sqlite_schema")?,
        ))
    };
    let at = path.to_owned();
    match read().map_err(|error| classify(path, &error))? {
        (APPLICATION_ID, VERSION, _) => check(connection, path),
        (APPLICATION_ID, found, _) => Err(ControlError::OtherVersion { path: at, found, expected: VERSION }),
        (0, 0, 0) => Err(ControlError::Damaged { path: at, cause: "there is nothing in it".to_owned() }),
        _ => {
            let cause = "it is a database of some other program".to_owned();
            Err(ControlError::NotControl { path: at, cause })
        }
    }
}

/// The database is a few pages, so it is read whole.
fn check(connection: &Connection, path: &Path) -> Result<(), ControlError> {
    let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match found.map_err(|error| classify(path, &error))?.as_str() {
        "ok" => Ok(()),
        cause => Err(ControlError::Damaged { path: path.to_owned(), cause: cause.to_owned() }),
    }
}

/// Makes a whole database of an empty file that nobody else knows of; it is on the disk then, in one file.
pub(super) fn make(path: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))?;
    connection.execute_batch("PRAGMA synchronous = FULL; BEGIN")?;
    connection.execute_batch(TABLES)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    connection.execute_batch("COMMIT")?;
    connection.close().map_err(|(_, error)| error)
}

/// What an error of SQLite means.
pub(super) fn classify(path: &Path, error: &rusqlite::Error) -> ControlError {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseCorrupt, DatabaseLocked, NotADatabase};
    let (path, cause) = (path.to_owned(), error.to_string());
    match (error, error.sqlite_error_code()) {
        (FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..), _)
        | (_, Some(DatabaseCorrupt)) => ControlError::Damaged { path, cause },
        (_, Some(NotADatabase)) => {
            ControlError::NotControl { path, cause: "it is not a database".to_owned() }
        }
        (_, Some(DatabaseBusy | DatabaseLocked)) => ControlError::Busy { path },
        _ => ControlError::Open { path, cause },
    }
}
