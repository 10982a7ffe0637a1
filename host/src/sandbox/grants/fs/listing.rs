//! A listing: the names in a folder, one at a time.
//!
//! Invariant: it holds one open folder and one buffer of the kernel's, however many names there are.

use super::allowance::Slot;
use super::beneath::{code, kind};
use super::convert::descriptor_type;
use rustix::fs::{AtFlags, Dir, FileType, statat};
use std::os::fd::OwnedFd;
use wasmtime_wasi::p2::bindings::filesystem::types::{DirectoryEntry, ErrorCode};

/// A listing in progress.
#[derive(Debug)]
pub(super) struct Listing {
    entries: Dir,
    _slot: Slot,
}

impl Listing {
    /// Lists a folder that was opened for this alone.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(super) fn open(folder: OwnedFd, slot: Slot) -> Result<Self, ErrorCode> {
        Ok(Self { entries: Dir::new(folder).map_err(code)?, _slot: slot })
    }

    /// The next name, in no order; `.` and `..` are left out, and so is a name that is not UTF-8, which
    /// a guest has no way to write. Links are shown as what they are.
    ///
    /// # Errors
    /// When the folder cannot be read on.
    pub(super) fn next(&mut self) -> Result<Option<DirectoryEntry>, ErrorCode> {
        loop {
            let Some(entry) = self.entries.read() else {
                return Ok(None);
            };
            let entry = entry.map_err(code)?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            if matches!(name, "." | "..") {
                continue;
            }
            let file_type = match entry.file_type() {
                FileType::Unknown => self.look_at(name),
                known => known,
            };
            return Ok(Some(DirectoryEntry { type_: descriptor_type(file_type), name: name.to_owned() }));
        }
    }

    /// For file systems that do not tell the kind in a listing.
    fn look_at(&self, name: &str) -> FileType {
        let stat = self.entries.fd().and_then(|fd| statat(fd, name, AtFlags::SYMLINK_NOFOLLOW));
        stat.map_or(FileType::Unknown, |stat| kind(&stat))
    }
}
