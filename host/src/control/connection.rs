//! The connection to the control database: how it is opened, and looking whether something changed.
//!
//! Invariants: a commit never syncs; what must survive power loss is synced on its own ([`Database::sync`]). A look
//! never waits for a lock, and reads no more than a counter and the files' names until one of them changed, but for
//! one look a second.

use super::error::ControlError;
use super::files::{self, Identity, Stamp, open_error};
use super::schema::{self, classify};
use super::target::Switch;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An open control database.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    /// There was none before.
    pub(super) made: bool,
    seen: Seen,
}

/// What the last good look saw.
#[derive(Debug, Default)]
struct Seen {
    version: Option<i64>,
    files: Option<(Identity, Stamp)>,
    looks: u32,
}

/// Looks that find nothing new after which the database is read anew and whole all the same: of two writes within one
/// tick of the file system's clock, the second does not change a file's times.
const LOOKS_MAX: u32 = 100;

impl Database {
    /// Opens it, or makes it when there is none.
    pub(super) fn open_or_make(path: &Path) -> Result<Self, ControlError> {
        let made = files::prepare(path)?;
        Ok(Self { made, ..Self::open(path)? })
    }

    /// Opens it; `None` when there is none.
    pub(super) fn open_existing(path: &Path) -> Result<Option<Self>, ControlError> {
        files::is_there(path)?.then(|| Self::open(path)).transpose()
    }

    /// Opens it for reading alone, also where nothing can be written; `None` when there is none.
    pub(super) fn open_to_read(path: &Path) -> Result<Option<Self>, ControlError> {
        let open = || connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, Some(wait_for_turn));
        let connection = files::is_there(path)?.then(open).transpose()?;
        Ok(connection.map(|connection| Self::of(connection, path)))
    }

    fn open(path: &Path) -> Result<Self, ControlError> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, Some(wait_for_turn))?;
        use_wal(&connection, path)?;
        files::make_private(path)?;
        Ok(Self::of(connection, path))
    }

    fn of(connection: Connection, path: &Path) -> Self {
        Self { connection, path: path.to_owned(), made: false, seen: Seen::default() }
    }

    /// Makes everything that was committed survive power loss. A commit counts for the hosts before that, so that a
    /// slow disk keeps no guest alive.
    pub(super) fn sync(&self) -> Result<(), ControlError> {
        files::sync(&self.path)
            .map_err(|error| ControlError::NotSynced { path: self.path.clone(), cause: error.to_string() })
    }

    /// From here on this connection belongs to a host's thread, and never waits.
    /// Gives the switches that are on; the first look finds them once more.
    pub(super) fn watch(&mut self, host: u64) -> Result<Vec<Switch>, ControlError> {
        self.seen.files = Some(files::identify(&self.path)?);
        let switches = self.read(host)?;
        settle(&mut self.connection).map_err(|error| classify(&self.path, &error))?;
        Ok(switches)
    }

    /// The switches that are on, if anything changed since the last good look.
    pub(super) fn look(&mut self, host: u64) -> Result<Option<Vec<Switch>>, ControlError> {
        let found = files::identify(&self.path)?;
        match &self.seen.files {
            Some((identity, _)) if *identity != found.0 => {
                let (path, cause) = (self.path.clone(), "another file has its name".to_owned());
                return Err(ControlError::Replaced { path, cause });
            }
            Some((_, stamp)) if *stamp == found.1 && self.seen.looks < LOOKS_MAX => {}
            _ => self.reconnect()?,
        }
        let version = self.version()?;
        if self.seen.version == Some(version) {
            self.seen.looks += 1;
            return Ok(None);
        }
        self.seen.version = None;
        let switches = self.read(host)?;
        self.seen = Seen { version: Some(version), files: Some(found), looks: 0 };
        Ok(Some(switches))
    }

    /// Somebody wrote to the file itself: what this connection remembers of it may be all that is left.
    fn reconnect(&mut self) -> Result<(), ControlError> {
        let mut connection = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE, None)?;
        settle(&mut connection).map_err(|error| classify(&self.path, &error))?;
        self.seen.version = None;
        self.connection = connection;
        Ok(())
    }

    fn version(&self) -> Result<i64, ControlError> {
        let read = || self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0));
        read().map_err(|error| classify(&self.path, &error))
    }
}

/// Connects without writing anything.
fn connect(
    path: &Path,
    access: OpenFlags,
    wait: Option<fn(i32) -> bool>,
) -> Result<Connection, ControlError> {
    files::refuse_irregular(path)?;
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connected = || -> rusqlite::Result<Connection> {
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_handler(wait)?;
        connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON")?;
        Ok(connection)
    };
    let connection = connected().map_err(|error| classify(path, &error))?;
    schema::inspect(&connection, path)?;
    Ok(connection)
}

/// WAL mode, so that a stopped reader is in nobody's way.
fn use_wal(connection: &Connection, path: &Path) -> Result<(), ControlError> {
    let set = || -> rusqlite::Result<String> {
        connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
    };
    match set().map_err(|error| classify(path, &error))?.as_str() {
        "wal" => Ok(()),
        other => {
            let cause = format!("SQLite cannot use its write-ahead log there (mode `{other}`)");
            Err(open_error(path, &cause))
        }
    }
}

/// For the thread: no waiting, no syncing, and no checkpoint inside a commit.
fn settle(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(None::<fn(i32) -> bool>)?;
    connection.execute_batch("PRAGMA synchronous = NORMAL")?;
    connection.query_row("PRAGMA wal_autocheckpoint = 0", [], |row| row.get::<_, i64>(0)).map(|_| ())
}

/// Another process is writing: its transaction takes a sync at most, so look again soon, and for 5 s at most.
fn wait_for_turn(tries: i32) -> bool {
    const TRIES_MAX: i32 = 5_000;
    std::thread::sleep(Duration::from_millis(1));
    tries < TRIES_MAX
}
