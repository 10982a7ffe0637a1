//! Records what SQLite does to the files of a ledger: every write, truncation, sync and removal.
//!
//! Not here: the shim that asks us (`support/vfs.rs`). Invariant: what is recorded happened, in this order, but for
//! the syncs: those are recorded and left out, since the images are made from the record.

use super::log::{self, Event};
use crate::support::vfs::{self, Fate, Tap};
use std::path::Path;
use std::sync::OnceLock;

/// The name to open a ledger with.
pub const NAME: &str = "power-loss-recorder";

/// Registers the VFS, once in a process.
pub fn register() {
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| vfs::register(NAME, Recorder));
}

struct Recorder;

impl Tap for Recorder {
    fn opened(&self, path: &Path) {
        log::record(path, Event::Named(path.to_owned()));
    }

    fn removing(&self, path: &Path) {
        log::record(path, Event::Removed(path.to_owned()));
    }

    fn truncating(&self, path: &Path, size: usize) {
        log::record(path, Event::Truncate { path: path.to_owned(), size });
    }

    fn write(&self, path: &Path, at: usize, bytes: &[u8]) -> Fate {
        log::record(path, Event::Write { path: path.to_owned(), at, bytes: bytes.to_vec() });
        Fate::Done
    }

    fn sync(&self, path: &Path) -> Fate {
        log::record_sync(path);
        Fate::Skipped
    }
}
