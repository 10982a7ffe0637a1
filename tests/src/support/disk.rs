//! A disk that fails when it is told to, or waits before it syncs.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use toolgate::ledger::{Disk, Sync, SystemDisk};

/// A disk whose commits and syncs can be made to fail.
#[derive(Debug, Default)]
pub struct FailingDisk {
    commits_fail: AtomicBool,
    syncs_fail: AtomicBool,
    commits: AtomicU64,
    commits_left: AtomicU64,
    waiting: Mutex<Waiting>,
    released: Condvar,
}

/// Syncs that a test holds up.
#[derive(Debug, Default)]
struct Waiting {
    held: bool,
    syncs: usize,
}

/// Syncs wait for as long as this lives.
#[must_use = "dropping it lets the syncs go"]
pub struct HeldSyncs<'a>(&'a FailingDisk);

impl HeldSyncs<'_> {
    /// How many wait now.
    pub fn waiting(&self) -> usize {
        self.0.waiting().syncs
    }
}

impl Drop for HeldSyncs<'_> {
    fn drop(&mut self) {
        self.0.waiting().held = false;
        self.0.released.notify_all();
    }
}

impl FailingDisk {
    /// A disk that works until it is told otherwise.
    pub fn new() -> Self {
        Self { commits_left: AtomicU64::new(u64::MAX), ..Self::default() }
    }

    /// From now on, every commit fails.
    pub fn fail_commits(&self) {
        self.commits_fail.store(true, Ordering::SeqCst);
    }

    /// From now on, every sync fails.
    pub fn fail_syncs(&self) {
        self.syncs_fail.store(true, Ordering::SeqCst);
    }

    /// From now on, every sync waits.
    pub fn hold_syncs(&self) -> HeldSyncs<'_> {
        self.waiting().held = true;
        HeldSyncs(self)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After this many more commits, every commit fails.
    pub fn fail_after_commits(&self, commits: u64) {
        self.commits_left.store(self.commits.load(Ordering::SeqCst) + commits, Ordering::SeqCst);
    }
}

impl Disk for FailingDisk {
    fn vfs(&self) -> Option<&str> {
        None
    }

    fn before_commit(&self) -> io::Result<()> {
        let before = self.commits.fetch_add(1, Ordering::SeqCst);
        let broken =
            self.commits_fail.load(Ordering::SeqCst) || before >= self.commits_left.load(Ordering::SeqCst);
        if broken { Err(io::Error::other("the disk is full")) } else { Ok(()) }
    }

    fn sync(&self, what: Sync, file: &File) -> io::Result<()> {
        let mut waiting = self.waiting();
        waiting.syncs += 1;
        let mut waiting =
            self.released.wait_while(waiting, |waiting| waiting.held).unwrap_or_else(PoisonError::into_inner);
        waiting.syncs -= 1;
        drop(waiting);
        if self.syncs_fail.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk does not sync"));
        }
        SystemDisk.sync(what, file)
    }
}
