//! The control database's files on disk: where they are, made private and named durably, and known again; and the lock
//! that says that a host lives.
//!
//! Invariants: the database file is never opened and closed here beside SQLite, for closing any descriptor of it
//! drops SQLite's POSIX locks (`fcntl(2)`); a host that watches one set of files never takes another for it.

use super::error::ControlError;
use super::schema;
use crate::regular::open_regular;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The control database of a ledger: `-control` after the ledger's own name, links resolved, so that all who use one
/// ledger share one kill switch.
pub fn path_beside(ledger: &Path) -> PathBuf {
    let in_folder = || {
        let folder = fs::canonicalize(folder_of(ledger)).ok()?;
        Some(folder.join(ledger.file_name()?))
    };
    let ledger = fs::canonicalize(ledger).ok().or_else(in_folder).unwrap_or_else(|| ledger.to_owned());
    beside(&ledger, CONTROL)
}

/// The end of a control database's name, after its ledger's.
const CONTROL: &str = "-control";

/// What follows in the name of a host's lock, before its number.
const HOST: &str = "-host-";

/// Whether something has the name; a link that leads nowhere is something.
pub(super) fn is_there(path: &Path) -> Result<bool, ControlError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(open_error(path, &error)),
    }
}

/// Refuses what is no regular file before anybody opens it: opening a FIFO would wait for its writer.
pub(super) fn refuse_irregular(path: &Path) -> Result<(), ControlError> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(_) => Err(open_error(path, &"it is not a regular file")),
        Err(error) => Err(open_error(path, &error)),
    }
}

/// Whether a ledger, or what a host leaves there, lies beside the database. In doubt it does.
pub(super) fn hosts_have_run(path: &Path) -> bool {
    let Some(ledger) = path.file_name().and_then(|name| name.as_bytes().strip_suffix(CONTROL.as_bytes()))
    else {
        return false;
    };
    let Ok(mut entries) = fs::read_dir(folder_of(path)) else { return true };
    entries.any(|entry| {
        let Ok(entry) = entry else { return true };
        let name = entry.file_name();
        let Some(rest) = name.as_bytes().strip_prefix(ledger) else { return false };
        let rest = rest.strip_prefix(CONTROL.as_bytes()).unwrap_or(rest);
        rest.starts_with(HOST.as_bytes()) || name.as_bytes() == ledger
    })
}

/// Makes the folder and the database when they are missing, and private; their names are durable then. Whether the
/// database was made.
pub(super) fn prepare(path: &Path) -> Result<bool, ControlError> {
    let made = make_folder(folder_of(path)).and_then(|()| make_database(path));
    made.map_err(|error| open_error(path, &error))
}

/// Makes what was committed survive power loss: the log and its name. (A checkpoint syncs what it moves out of the log.)
pub(super) fn sync(path: &Path) -> io::Result<()> {
    File::open(beside(path, "-wal"))?.sync_all()?;
    File::open(folder_of(path))?.sync_all()
}

/// Takes away what others may do with the files; SQLite gives a new log the mode of its database.
pub(super) fn make_private(path: &Path) -> Result<(), ControlError> {
    let restrict = |path: &Path| -> io::Result<()> {
        // Only where it changes something: hosts notice every change.
        if fs::metadata(path)?.mode() & 0o777 == 0o600 {
            return Ok(());
        }
        fs::set_permissions(path, Permissions::from_mode(0o600))
    };
    for path in names(path) {
        match restrict(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(open_error(&path, &error)),
            _ => {}
        }
    }
    Ok(())
}

/// What the system said about the file.
pub(super) fn open_error(path: &Path, cause: &dyn std::fmt::Display) -> ControlError {
    ControlError::Open { path: path.to_owned(), cause: cause.to_string() }
}

/// Which files a host watches. SQLite deletes none of them while somebody has the database open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity([(u64, u64); 3]);

/// What changes when somebody writes to the database file, past SQLite or by a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    bytes: u64,
    mode: u32,
    modified_ns: i128,
    changed_ns: i128,
}

/// Looks at the files' names.
pub(super) fn identify(path: &Path) -> Result<(Identity, Stamp), ControlError> {
    let [database, log, index] = names(path).map(|name| {
        let replaced = |error: io::Error| ControlError::Replaced {
            path: path.to_owned(),
            cause: format!("{}: {error}", name.display()),
        };
        fs::metadata(&name).map_err(replaced)
    });
    let (database, log, index) = (database?, log?, index?);
    let number = |found: &Metadata| (found.dev(), found.ino());
    let identity = Identity([number(&database), number(&log), number(&index)]);
    let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
    let stamp = Stamp {
        bytes: database.size(),
        mode: database.mode(),
        modified_ns: ns(database.mtime(), database.mtime_nsec()),
        changed_ns: ns(database.ctime(), database.ctime_nsec()),
    };
    Ok((identity, stamp))
}

/// The database, its log and the log's index.
fn names(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| beside(path, suffix))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(OsStr::new(suffix));
    PathBuf::from(name)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder_of(folder);
    make_folder(parent)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => File::open(parent)?.sync_all(),
    }
}

/// Made whole under another name, closed, and linked into place; who comes second takes the first one's. Whether this
/// one was taken.
fn make_database(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => return Ok(false),
        Ok(_) => return Err(io::Error::other("it is not a regular file")),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let thread = std::thread::current().id();
    let draft = beside(path, &format!("-new-{}-{thread:?}", std::process::id()));
    drop(OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?);
    let made = schema::make(&draft).map_err(io::Error::other);
    let linked = made.and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    let made = match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
        linked => linked.map(|()| true)?,
    };
    File::open(folder_of(path))?.sync_all()?;
    Ok(made)
}

/// The lock that a host holds while a call may run in it. Unlike a pid it says so in every pid namespace.
#[derive(Debug)]
pub(super) struct HostLock {
    _file: File,
}

impl HostLock {
    /// Takes the lock of a new host. Its file appears under its name when it is locked; it stays there afterwards,
    /// free, until the host is off the list.
    pub(super) fn take(database: &Path, host: u64) -> Result<Self, ControlError> {
        let path = lock_path(database, host);
        let draft = beside(&path, "-new");
        let take = || -> io::Result<File> {
            let file =
                OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&draft)?;
            file.try_lock().map_err(io::Error::from)?;
            fs::rename(&draft, &path)?;
            Ok(file)
        };
        take().map(|file| Self { _file: file }).map_err(|error| open_error(&path, &error))
    }
}

/// Whether a host has let go of its lock: no call runs in it, nor ever will. In doubt it has not.
pub(super) fn is_let_go(database: &Path, host: u64) -> bool {
    // Shared, so that two who look are in nobody's way.
    open_regular(&lock_path(database, host)).is_ok_and(|file| file.try_lock_shared().is_ok())
}

/// Removes the lock's file of a host that is off the list.
pub(super) fn forget_lock(database: &Path, host: u64) {
    // Already gone is as good.
    let _ = fs::remove_file(lock_path(database, host));
}

fn lock_path(database: &Path, host: u64) -> PathBuf {
    beside(database, &format!("{HOST}{host}"))
}
