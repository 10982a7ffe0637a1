//! Named points at which the process of a host may die, and the disk that dies there.
//!
//! The points lie where the ledger meets the disk: at its own seam, and in SQLite's writes and syncs below it. What
//! happens between two of them (a guest, an answer on its way) dies by the parent's random kills. Invariant: at the
//! chosen hit the process gets `SIGKILL`, and the thread that stood there does nothing more.

use crate::support::vfs::{self, Fate, Tap};
use rusqlite::ffi;
use rustix::process::{Signal, getpid, kill_process};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use toolgate::ledger::{Disk, Sync, SystemDisk};

/// The VFS of a worker; it has one ledger.
const VFS: &str = "trapdoor";

/// Where a process may die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// A transaction of the ledger has its records and is about to commit.
    BeforeCommit,
    /// Something is committed, and its sync is about to begin.
    SyncBegin,
    /// The sync has ended, and nobody has been told.
    SyncEnd,
    /// The names in the ledger's folder are about to be made durable.
    FolderSyncBegin,
    /// They are durable.
    FolderSyncEnd,
    /// SQLite is about to write to the database or its log.
    WriteBegin,
    /// Half of that is written: a torn frame, or a torn page.
    WriteHalf,
    /// All of it is written.
    WriteEnd,
    /// SQLite is about to sync by itself: at a checkpoint, or for a log begun anew.
    OwnSync,
}

impl Point {
    /// Every point.
    pub(super) const ALL: [Self; 9] = [
        Self::BeforeCommit,
        Self::SyncBegin,
        Self::SyncEnd,
        Self::FolderSyncBegin,
        Self::FolderSyncEnd,
        Self::WriteBegin,
        Self::WriteHalf,
        Self::WriteEnd,
        Self::OwnSync,
    ];

    /// Its name.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::BeforeCommit => "before_commit",
            Self::SyncBegin => "sync_begin",
            Self::SyncEnd => "sync_end",
            Self::FolderSyncBegin => "folder_sync_begin",
            Self::FolderSyncEnd => "folder_sync_end",
            Self::WriteBegin => "write_begin",
            Self::WriteHalf => "write_half",
            Self::WriteEnd => "write_end",
            Self::OwnSync => "own_sync",
        }
    }

    /// The point of this name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.as_str() == name)
    }

    /// About how often a life that ends by itself comes by.
    pub(super) fn hits(self) -> u64 {
        match self {
            Self::BeforeCommit => 24,
            Self::SyncBegin | Self::SyncEnd => 14,
            Self::FolderSyncBegin | Self::FolderSyncEnd => 1,
            Self::WriteBegin | Self::WriteHalf | Self::WriteEnd => 160,
            Self::OwnSync => 3,
        }
    }
}

/// The system's disk, with at most one point at which the process dies.
pub(super) struct Trapdoor {
    at: Option<Point>,
    left: AtomicU64,
    half: AtomicBool,
}

impl Trapdoor {
    /// Opens at the n-th hit of a point, from 1. Once in a process: it registers its VFS.
    pub(super) fn new(at: Option<(Point, u64)>) -> Arc<Self> {
        let trapdoor = Arc::new(Self {
            at: at.map(|(point, _)| point),
            left: AtomicU64::new(at.map_or(0, |(_, nth)| nth)),
            half: AtomicBool::new(false),
        });
        vfs::register(VFS, Arc::clone(&trapdoor));
        trapdoor
    }

    fn step_on(&self, point: Point) {
        if self.opens_at(point) {
            die();
        }
    }

    fn opens_at(&self, point: Point) -> bool {
        self.at == Some(point) && self.left.fetch_sub(1, Ordering::SeqCst) == 1
    }
}

impl Disk for Trapdoor {
    fn vfs(&self) -> Option<&str> {
        Some(VFS)
    }

    fn before_commit(&self) -> io::Result<()> {
        self.step_on(Point::BeforeCommit);
        Ok(())
    }

    fn sync(&self, what: Sync, file: &File) -> io::Result<()> {
        let (begin, end) = match what {
            Sync::Wal => (Point::SyncBegin, Point::SyncEnd),
            Sync::Folder => (Point::FolderSyncBegin, Point::FolderSyncEnd),
        };
        self.step_on(begin);
        SystemDisk.sync(what, file)?;
        self.step_on(end);
        Ok(())
    }
}

impl Tap for Arc<Trapdoor> {
    fn write(&self, _path: &Path, _at: usize, bytes: &[u8]) -> Fate {
        self.step_on(Point::WriteBegin);
        if self.opens_at(Point::WriteHalf) {
            self.half.store(true, Ordering::SeqCst);
            return Fate::Failed { bytes: bytes.len() / 2, code: ffi::SQLITE_FULL };
        }
        Fate::Done
    }

    fn written(&self, _path: &Path) {
        if self.half.load(Ordering::SeqCst) {
            die();
        }
        self.step_on(Point::WriteEnd);
    }

    fn sync(&self, _path: &Path) -> Fate {
        self.step_on(Point::OwnSync);
        Fate::Done
    }
}

/// As `kill -9` from outside.
fn die() -> ! {
    // The signal arrives before the call returns; this thread goes no further in any case.
    let _ = kill_process(getpid(), Signal::KILL);
    loop {
        std::thread::park();
    }
}
