//! The control database's files on disk: where they are, made private and named durably, and known again.
//!
//! Invariants: the database file is never opened and closed here beside SQLite, for closing any descriptor of it
//! drops SQLite's POSIX locks (`fcntl(2)`); a host that watches one set of files never takes another for it.

use super::error::ControlError;
use super::schema;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
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
    beside(&ledger, "-control")
}

/// Makes the folder and the database when they are missing, and private; their names are durable then.
pub(super) fn prepare(path: &Path) -> Result<(), ControlError> {
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

/// Made whole under another name, closed, and linked into place; who comes second takes the first one's.
fn make_database(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => return Ok(()),
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
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => File::open(folder_of(path))?.sync_all(),
    }
}
