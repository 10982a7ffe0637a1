//! What one call may still do under one grant.
//!
//! Not here: what anything costs. Invariant: a charge that does not fit changes nothing, so the bytes
//! and files that came through never exceed the grant.

use super::root::Root;
use crate::policy::{Access, FsGrant};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

/// Files, folders and listings open at once in one call, so that many calls at once stay far from the
/// process's own limit of open files.
pub(super) const OPEN_MAX: usize = 64;

/// One root as one call has it.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) root: Root,
    pub(super) allowance: Allowance,
    open: Arc<Semaphore>,
}

/// A place among the open things of a call; free again when dropped.
pub(super) type Slot = OwnedSemaphorePermit;

impl Granted {
    /// A fresh call's share of a root; `open` counts the open things of all its roots together.
    pub(super) fn new(root: Root, open: Arc<Semaphore>) -> Self {
        let allowance = Allowance::full(root.grant());
        Self { root, allowance, open }
    }

    /// # Errors
    /// `insufficient-memory` when [`OPEN_MAX`] things are open.
    pub(super) fn slot(&self) -> Result<Slot, ErrorCode> {
        Arc::clone(&self.open).try_acquire_owned().map_err(|_| ErrorCode::InsufficientMemory)
    }

    /// True under a read-write grant.
    pub(super) fn writable(&self) -> bool {
        self.root.grant().access == Access::ReadWrite
    }

    /// # Errors
    /// `read-only` under a read-only grant.
    pub(super) fn changes(&self) -> Result<(), ErrorCode> {
        if self.writable() { Ok(()) } else { Err(ErrorCode::ReadOnly) }
    }
}

/// Bytes and files left; shared with the call's open streams.
#[derive(Debug)]
pub(super) struct Allowance {
    bytes: AtomicU64,
    files: AtomicU64,
}

impl Allowance {
    /// The whole allowance of a fresh call.
    pub(super) fn full(grant: &FsGrant) -> Self {
        Self { bytes: AtomicU64::new(grant.bytes_max), files: AtomicU64::new(grant.files_max) }
    }

    /// Takes bytes: what is written, and what a file grows by without being written.
    ///
    /// # Errors
    /// `quota` when they do not fit.
    pub(super) fn take_bytes(&self, bytes: u64) -> Result<(), ErrorCode> {
        take(&self.bytes, bytes)
    }

    /// Takes one new file or folder.
    ///
    /// # Errors
    /// `quota` when none is left.
    pub(super) fn take_file(&self) -> Result<(), ErrorCode> {
        take(&self.files, 1)
    }

    /// Gives a file back that was not made after all.
    pub(super) fn return_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes and files still to be had.
    pub(super) fn left(&self) -> (u64, u64) {
        (self.bytes.load(Ordering::Relaxed), self.files.load(Ordering::Relaxed))
    }
}

fn take(left: &AtomicU64, amount: u64) -> Result<(), ErrorCode> {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(amount))
        .map(drop)
        .map_err(|_| ErrorCode::Quota)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(bytes: u64, files: u64) -> Allowance {
        Allowance { bytes: AtomicU64::new(bytes), files: AtomicU64::new(files) }
    }

    #[test]
    fn a_charge_fits_at_the_limit_and_not_one_past_it() {
        let some = allowance(10, 1);
        assert_eq!(some.take_bytes(11), Err(ErrorCode::Quota));
        assert_eq!(some.take_bytes(10), Ok(()));
        assert_eq!(some.take_bytes(1), Err(ErrorCode::Quota));
        assert_eq!(some.take_file(), Ok(()));
        assert_eq!(some.take_file(), Err(ErrorCode::Quota));
        some.return_file();
        assert_eq!(some.left(), (0, 1));
    }

    #[test]
    fn limits_of_zero_and_the_maximum_do_not_overflow() {
        assert_eq!(allowance(0, 0).take_bytes(0), Ok(()));
        assert_eq!(allowance(0, 0).take_bytes(u64::MAX), Err(ErrorCode::Quota));
        let most = allowance(u64::MAX, u64::MAX);
        assert_eq!(most.take_bytes(u64::MAX), Ok(()));
        assert_eq!(most.take_bytes(1), Err(ErrorCode::Quota));
    }
}
