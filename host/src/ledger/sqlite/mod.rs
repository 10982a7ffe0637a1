//! The ledger in SQLite. Beside it only the control room names `rusqlite`, for a database of its own.
//!
//! Not here: queueing and syncing, which no store needs to know about. Invariants: every write is in a
//! `BEGIN IMMEDIATE` transaction of the writer (or of `prune`), a commit never syncs except where SQLite begins
//! its log anew, and `host/docs/ledger-format.md` says what every byte means.

mod approvals;
mod audit;
mod batch;
mod checkpoint;
mod dead;
mod doubts;
mod files;
mod fold;
mod guards;
mod key;
mod presence;
mod prune;
mod reader;
mod recover;
mod row;
mod schema;
mod standing;
mod trace;
mod turn;
mod verify;
mod writer;

pub use approvals::{approval_binding, approval_message};
pub use reader::LedgerReader;

pub(super) use checkpoint::{Checkpointer, Growth};
pub(super) use presence::OpenFiles;
pub(super) use prune::erase;
pub(super) use writer::Writer;

use super::disk::Disk;
use super::error::LedgerError;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Opens or makes the ledger, recovers it and registers this host. Also gives the log's file, to sync.
pub(super) fn open(
    path: &Path,
    disk: &Arc<dyn Disk>,
    growth: &Arc<Growth>,
    now_ms: u64,
) -> Result<(Writer, Place, File), LedgerError> {
    let mut place = Place { ledger: path.to_owned() };
    files::prepare(&place, &**disk)?;
    place.ledger = fs::canonicalize(path).map_err(|error| place.open_error(&error))?;
    let mut connection = connect(&place, OpenFlags::SQLITE_OPEN_READ_WRITE, disk.vfs())?;
    if schema::inspect(&connection, &place)? == schema::Found::Empty {
        use_wal(&connection, &place)?;
        schema::create(&connection, &place)?;
    } else {
        use_wal(&connection, &place)?;
    }
    files::make_private(&place)?;
    let tip = recover::check_tail(&connection, &place)?;
    growth.watch(&mut connection).map_err(|error| place.classify(&error))?;
    let mut writer = Writer::new(connection, place.clone(), Arc::clone(disk), tip);
    writer.register(now_ms)?;
    // The names first: a checkpoint may leave half a page, and then only the log can mend it.
    let synced = files::sync_folder(place.folder(), &**disk);
    writer.checkpoint_all()?;
    let wal = synced.and_then(|()| File::open(place.beside("-wal")));
    Ok((writer, place.clone(), wal.map_err(|error| place.open_error(&error))?))
}

/// Where the ledger's files are.
#[derive(Debug, Clone)]
pub(super) struct Place {
    ledger: PathBuf,
}

impl Place {
    /// The ledger's file, without links.
    pub(super) fn path(&self) -> &Path {
        &self.ledger
    }

    /// The folder of the ledger.
    fn folder(&self) -> &Path {
        self.ledger.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// A file beside the ledger.
    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.ledger.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    }

    fn open_error(&self, cause: &dyn std::fmt::Display) -> LedgerError {
        LedgerError::Open { path: self.ledger.clone(), cause: cause.to_string() }
    }

    fn not_a_ledger(&self, cause: &str) -> LedgerError {
        LedgerError::NotALedger { path: self.ledger.clone(), cause: cause.to_owned() }
    }

    fn damaged(&self, cause: &dyn std::fmt::Display) -> LedgerError {
        LedgerError::Damaged { path: self.ledger.clone(), cause: cause.to_string() }
    }

    /// What an error of SQLite means to whoever opens or reads.
    fn classify(&self, error: &rusqlite::Error) -> LedgerError {
        use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
        match error {
            FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) => {
                self.damaged(error)
            }
            _ => match error.sqlite_error_code() {
                Some(ErrorCode::NotADatabase) => self.not_a_ledger("it is not a database"),
                Some(ErrorCode::DatabaseCorrupt) => self.damaged(error),
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    LedgerError::Busy { path: self.ledger.clone() }
                }
                _ => self.open_error(error),
            },
        }
    }
}

/// Connects without writing anything.
fn connect(place: &Place, access: OpenFlags, vfs: Option<&str>) -> Result<Connection, LedgerError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(&place.ledger, flags, vfs),
        None => Connection::open_with_flags(&place.ledger, flags),
    };
    let mut connection = opened.map_err(|error| place.classify(&error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.busy_handler(Some(wait_for_turn)).map_err(|error| place.classify(&error))?;
    Ok(connection)
}

/// WAL mode with commits that do not sync, and no checkpoint inside a commit.
fn use_wal(connection: &Connection, place: &Place) -> Result<(), LedgerError> {
    let set = || -> rusqlite::Result<String> {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF")?;
        connection.query_row("PRAGMA wal_autocheckpoint = 0", [], |row| row.get::<_, i64>(0))?;
        Ok(mode)
    };
    match set().map_err(|error| place.classify(&error))?.as_str() {
        "wal" => Ok(()),
        other => {
            Err(place.open_error(&format!("SQLite cannot use its write-ahead log there (mode `{other}`)")))
        }
    }
}

/// Copies the whole log into the database, anew and synced, and empties it, unless a reader or another writer is in
/// the way: waiting for one would keep every writer waiting.
fn empty_log(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(|tries| tries < 40 && wait_for_turn(tries)))?;
    let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    connection.busy_handler(Some(wait_for_turn))?;
    match emptied {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
        other => other,
    }
}

/// Runs one statement without parameters, prepared once.
fn sql(connection: &Connection, text: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(text)?.execute([]).map(|_| ())
}

/// Another host is writing: its transaction takes microseconds, so look again soon, and for 5 s at most.
fn wait_for_turn(tries: i32) -> bool {
    const SOON: i32 = 40;
    const TRIES_MAX: i32 = 5_000;
    std::thread::sleep(if tries < SOON { Duration::from_micros(25) } else { Duration::from_millis(1) });
    tries < TRIES_MAX
}

/// More than the statements of the writer, so that none is ever prepared twice.
const STATEMENTS_MAX: usize = 48;

#[cfg(test)]
mod tests;
