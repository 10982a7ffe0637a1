//! The ledger's files on disk: made private, named durably, and the lock that says that a host lives.
//!
//! Invariant: the database file is never opened and closed here beside SQLite, for closing any descriptor
//! of it drops SQLite's POSIX locks (`fcntl(2)`); it is made under another name, closed, and linked into place.

use super::Place;
use crate::ledger::disk::{Disk, Sync};
use crate::ledger::error::LedgerError;
use crate::regular::open_regular;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Makes the folder and an empty file when they are missing, and private. The end of opening makes the names in the
/// folder durable, the log's with them.
pub(super) fn prepare(place: &Place, disk: &dyn Disk) -> Result<(), LedgerError> {
    let made = make_folder(place.folder(), disk).and_then(|()| make_file(&place.ledger));
    made.map_err(|error| place.open_error(&error))
}

/// Takes away what others may do with the files; SQLite gives a new log the mode of its database.
pub(super) fn make_private(place: &Place) -> Result<(), LedgerError> {
    for path in [&place.ledger, &place.beside("-wal"), &place.beside("-shm")] {
        match fs::set_permissions(path, Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(place.open_error(&error)),
            _ => {}
        }
    }
    Ok(())
}

/// Makes the names in the folder durable.
pub(super) fn sync_folder(folder: &Path, disk: &dyn Disk) -> io::Result<()> {
    disk.sync(Sync::Folder, &File::open(folder)?)
}

/// The lock that a living host holds.
pub(super) struct HostLock {
    path: PathBuf,
    file: File,
}

impl HostLock {
    /// Takes the lock of a new host. Numbers are never used twice, so nobody else wants it.
    pub(super) fn take(place: &Place, host: u64) -> io::Result<Self> {
        let path = lock_path(place, host);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        file.try_lock().map_err(io::Error::from)?;
        Ok(Self { path, file })
    }
}

impl Drop for HostLock {
    fn drop(&mut self) {
        let there = fs::metadata(&self.path).map(|there| number(&there));
        let ours = self.file.metadata().map(|ours| number(&ours));
        // Where the ledger was taken away and another one made, the name may be another host's by now.
        if matches!((ours, there), (Ok(ours), Ok(there)) if ours == there) {
            // A file that stays behind carries no lock and says so to the next host.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What tells a file from any other: its device, and its number there.
pub(super) fn number(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

/// Whether the host is known to have died. In doubt it lives.
pub(super) fn is_dead(place: &Place, host: u64) -> bool {
    match open_regular(&lock_path(place, host)) {
        // Shared, so that two who look are in nobody's way.
        Ok(file) => !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock | TryLockError::Error(_))),
        Err(error) => error.kind() == ErrorKind::NotFound,
    }
}

/// Removes what a dead host left.
pub(super) fn forget(place: &Place, host: u64) {
    // Already gone is as good.
    let _ = fs::remove_file(lock_path(place, host));
}

/// The file whose lock a host holds.
pub(super) fn lock_path(place: &Place, host: u64) -> PathBuf {
    place.beside(&format!("-host-{host}"))
}

fn make_folder(folder: &Path, disk: &dyn Disk) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(parent, disk)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder(parent, disk),
    }
}

fn make_file(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => return Ok(()),
        Ok(_) => return Err(io::Error::other("it is not a regular file")),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!("-new-{}", std::process::id()));
    let draft = PathBuf::from(draft);
    drop(OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?);
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}
