//! The seam to the disk: where a test or a bench makes syncs slow, makes the n-th write or sync fail,
//! or records them for the power-loss test.
//!
//! Not here: SQLite's own reads and writes; those go through the VFS that [`Disk::vfs`] names.
//! Invariant: an error from any method makes the ledger refuse all work until it is opened again.

use std::fs::File;
use std::io;

/// What a sync is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sync {
    /// The write-ahead log: makes every record committed before it began durable.
    Wal,
    /// A folder: makes the names of new files durable.
    Folder,
}

/// How the ledger reaches the disk.
pub trait Disk: Send + std::marker::Sync + 'static {
    /// The SQLite VFS to open the ledger with; `None` is the system's.
    fn vfs(&self) -> Option<&str>;

    /// Called just before each transaction commits; an error rolls it back.
    fn before_commit(&self) -> io::Result<()>;

    /// Makes what was written to the file durable. Called off the writer's lock.
    fn sync(&self, what: Sync, file: &File) -> io::Result<()>;
}

/// The system's disk: `fdatasync` for the write-ahead log, `fsync` for folders.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn vfs(&self) -> Option<&str> {
        None
    }

    fn before_commit(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self, what: Sync, file: &File) -> io::Result<()> {
        match what {
            Sync::Wal => file.sync_data(),
            Sync::Folder => file.sync_all(),
        }
    }
}
