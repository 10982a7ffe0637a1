//! What happened to the files of one ledger, in order, and the disk that records our own syncs.
//!
//! Not here: what a power loss makes of it (`image`). Invariant: a sync of the class that is to be ignored leaves
//! no trace, and changes nothing else.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use toolgate::ledger::{Disk, Sync};

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A file was opened, and perhaps made.
    Named(PathBuf),
    /// A file was removed.
    Removed(PathBuf),
    /// Bytes were written.
    Write {
        /// The file.
        path: PathBuf,
        /// The first byte.
        at: usize,
        /// What was written.
        bytes: Vec<u8>,
    },
    /// The file was cut or extended.
    Truncate {
        /// The file.
        path: PathBuf,
        /// Its new size.
        size: usize,
    },
    /// All that was written to the file is durable.
    Synced(PathBuf),
    /// The names in the folder are durable.
    FolderSynced(PathBuf),
    /// The ledger promised that this survives: a call, and whether it ended.
    Promised {
        /// The call's number.
        call: u64,
        /// Whether its ending was promised, or only its start.
        ended: bool,
    },
}

/// Why a sync is done; each alone must be necessary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Ours, before an effect starts.
    Intent,
    /// Ours, before an answer is given.
    Ending,
    /// SQLite's, of the rollback journal and the database before there is a log.
    Creation,
    /// SQLite's, of the log before it is copied into the database.
    CheckpointLog,
    /// SQLite's, of the database before the log may be begun anew.
    CheckpointDatabase,
    /// SQLite's, of the header of a log begun anew.
    LogHeader,
    /// Ours, of the ledger's folder.
    Folder,
    /// Ours, of the folder in which the ledger's folder was made.
    ParentFolder,
}

/// The record of one ledger.
#[derive(Default)]
pub struct Log {
    /// What happened.
    pub events: Vec<Event>,
    /// Syncs of this class are not done.
    pub ignored: Option<Class>,
    /// Syncs that were not done.
    pub ignored_count: usize,
    /// What our next sync of the log is for.
    pub purpose: Option<Class>,
}

/// Logs by the ledger's folder.
static LOGS: Mutex<Option<HashMap<PathBuf, Log>>> = Mutex::new(None);

/// Works on the log of a folder.
pub fn with<R>(folder: &Path, work: impl FnOnce(&mut Log) -> R) -> R {
    work(lock().get_or_insert_default().entry(folder.to_owned()).or_default())
}

/// Records something about a file.
pub fn record(path: &Path, event: Event) {
    with(path.parent().unwrap_or(path), |log| log.events.push(event));
}

/// Records one of SQLite's own syncs.
pub fn record_sync(path: &Path) {
    with(path.parent().unwrap_or(path), |log| {
        let has_log = log.events.iter().any(|event| matches!(event, Event::Named(path) if is_log(path)));
        let class = match log.events.last() {
            _ if !has_log => Class::Creation,
            _ if !is_log(path) => Class::CheckpointDatabase,
            Some(Event::Write { path: last, at: 0, bytes }) if last == path && bytes.len() == 32 => {
                Class::LogHeader
            }
            _ => Class::CheckpointLog,
        };
        log.sync(class, Event::Synced(path.to_owned()));
    });
}

impl Log {
    fn sync(&mut self, class: Class, event: Event) {
        if self.ignored == Some(class) {
            self.ignored_count += 1;
        } else {
            self.events.push(event);
        }
    }
}

/// The disk of a ledger that is recorded.
pub struct RecordingDisk {
    /// The ledger's folder.
    pub folder: PathBuf,
}

impl Disk for RecordingDisk {
    fn vfs(&self) -> Option<&str> {
        Some(super::vfs::NAME)
    }

    fn before_commit(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self, what: Sync, file: &File) -> io::Result<()> {
        let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        with(&self.folder, |log| match what {
            Sync::Wal => log.sync(log.purpose.unwrap_or(Class::Ending), Event::Synced(path)),
            Sync::Folder if path == self.folder => log.sync(Class::Folder, Event::FolderSynced(path)),
            Sync::Folder => log.sync(Class::ParentFolder, Event::FolderSynced(path)),
        });
        Ok(())
    }
}

fn is_log(path: &Path) -> bool {
    path.to_string_lossy().ends_with("-wal")
}

fn lock() -> MutexGuard<'static, Option<HashMap<PathBuf, Log>>> {
    LOGS.lock().unwrap_or_else(PoisonError::into_inner)
}
