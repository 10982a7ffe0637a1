//! An open folder, and what can be done to the names beneath it.
//!
//! Errors here are the guest's; nothing in this file traps. Invariants: nothing changes under a
//! read-only grant, and that is decided before anything is looked up; every file or folder made is
//! charged before it is made; there is no way to make a link of either kind.

use super::allowance::{Granted, Slot};
use super::beneath::{Place, code, kind};
use super::file::{File, one_name_only};
use super::listing::Listing;
use rustix::fs::{AtFlags, FileType, Mode, Stat, Timestamps, mkdirat, renameat, unlinkat, utimensat};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use wasmtime_wasi::p2::bindings::filesystem::types::{DescriptorFlags, ErrorCode, OpenFlags};

/// An open folder of one call.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) fd: Arc<OwnedFd>,
    pub(super) granted: Arc<Granted>,
    /// None for the granted folder itself, which all calls share.
    _slot: Option<Slot>,
}

/// What an open gave.
#[derive(Debug)]
pub(super) enum Opened {
    /// A regular file.
    File(File),
    /// A folder.
    Folder(Folder),
}

impl Folder {
    /// The granted folder itself.
    pub(super) fn root(granted: &Arc<Granted>) -> Self {
        Self { fd: Arc::clone(&granted.root.fd), granted: Arc::clone(granted), _slot: None }
    }

    /// Opens, and where asked makes or empties, what a path names.
    ///
    /// # Errors
    /// `read-only` for any wish to change under a read-only grant; `no-entry` for what is missing, a
    /// link, or neither file nor folder; the usual ones of open(2).
    pub(super) fn open(
        &self,
        path: &str,
        flags: OpenFlags,
        mode: DescriptorFlags,
    ) -> Result<Opened, ErrorCode> {
        let folder_only = flags.contains(OpenFlags::DIRECTORY);
        let makes = flags.intersects(OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE);
        let synced = DescriptorFlags::FILE_INTEGRITY_SYNC
            | DescriptorFlags::DATA_INTEGRITY_SYNC
            | DescriptorFlags::REQUESTED_WRITE_SYNC;
        if mode.intersects(synced) {
            return Err(ErrorCode::Unsupported);
        }
        if folder_only && makes {
            return Err(ErrorCode::Invalid);
        }
        if makes || mode.contains(DescriptorFlags::WRITE) {
            self.granted.changes()?;
        }
        let place = self.find(path)?;
        let a_folder = place.stat().is_ok_and(|stat| kind(&stat) == FileType::Directory);
        match (a_folder, folder_only) {
            (true, _) if flags.contains(OpenFlags::EXCLUSIVE) => Err(ErrorCode::Exist),
            (true, _) if makes || mode.contains(DescriptorFlags::WRITE) => Err(ErrorCode::IsDirectory),
            (true, _) => self.descend(&place).map(Opened::Folder),
            (false, true) => Err(place.stat_plain().err().unwrap_or(ErrorCode::NotDirectory)),
            (false, false) => File::open(&self.granted, &place, flags, mode).map(Opened::File),
        }
    }

    /// Describes what a path names. A link is described itself, and only when `follow` is off.
    ///
    /// # Errors
    /// `no-entry` when nothing is there, or a link that would have to be followed.
    pub(super) fn stat_at(&self, path: &str, follow: bool) -> Result<Stat, ErrorCode> {
        let stat = self.find(path)?.stat()?;
        if follow && kind(&stat) == FileType::Symlink { Err(ErrorCode::NoEntry) } else { Ok(stat) }
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// `quota` when it would be one too many; the usual ones of mkdir(2).
    pub(super) fn make_folder(&self, path: &str) -> Result<(), ErrorCode> {
        self.granted.changes()?;
        let place = self.find(path)?;
        self.granted.allowance.take_file()?;
        let mode = Mode::RWXU | Mode::RWXG | Mode::RWXO;
        let made = mkdirat(&place.folder, place.name, mode);
        if made.is_err() {
            self.granted.allowance.return_file();
        }
        made.map_err(code)
    }

    /// Removes the name of anything but a folder; a link goes, what it leads to stays.
    ///
    /// # Errors
    /// `is-directory` for a folder; the usual ones of unlink(2).
    pub(super) fn remove_file(&self, path: &str) -> Result<(), ErrorCode> {
        self.granted.changes()?;
        let place = self.find(path)?;
        match kind(&place.stat()?) {
            FileType::Directory => Err(ErrorCode::IsDirectory),
            _ => unlinkat(&place.folder, place.name, AtFlags::empty()).map_err(code),
        }
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// `not-directory` for anything else, `not-empty`; the usual ones of rmdir(2).
    pub(super) fn remove_folder(&self, path: &str) -> Result<(), ErrorCode> {
        self.granted.changes()?;
        let place = self.find(path)?;
        match kind(&place.stat()?) {
            FileType::Directory => unlinkat(&place.folder, place.name, AtFlags::REMOVEDIR).map_err(code),
            _ => Err(ErrorCode::NotDirectory),
        }
    }

    /// Moves a file or folder within the same grant, replacing a file, or an empty folder, that is there.
    ///
    /// # Errors
    /// `cross-device` between grants; `no-entry` where either end is a link or special file; the usual
    /// ones of rename(2).
    pub(super) fn rename(&self, from: &str, target: &Self, to: &str) -> Result<(), ErrorCode> {
        self.granted.changes()?;
        if !Arc::ptr_eq(&self.granted, &target.granted) {
            return Err(ErrorCode::CrossDevice);
        }
        let (from, to) = (self.find(from)?, target.find(to)?);
        let moved = kind(&from.stat_plain()?);
        if to.demands_folder() && moved != FileType::Directory {
            return Err(ErrorCode::NotDirectory);
        }
        match to.stat() {
            Ok(_) => drop(to.stat_plain()?),
            Err(ErrorCode::NoEntry) => {}
            Err(other) => return Err(other),
        }
        renameat(&from.folder, from.name, &to.folder, to.name).map_err(code)
    }

    /// # Errors
    /// `no-entry` for links and special files, `not-permitted` for a file with a second name.
    pub(super) fn set_times_at(&self, path: &str, times: &Timestamps) -> Result<(), ErrorCode> {
        self.granted.changes()?;
        let place = self.find(path)?;
        let stat = place.stat_plain()?;
        if kind(&stat) == FileType::RegularFile {
            one_name_only(&stat)?;
        }
        utimensat(&place.folder, place.name, times, AtFlags::SYMLINK_NOFOLLOW).map_err(code)
    }

    /// Starts a listing of this folder's names.
    ///
    /// # Errors
    /// `insufficient-memory` when too much is open.
    pub(super) fn list(&self) -> Result<Listing, ErrorCode> {
        let slot = self.granted.slot()?;
        Listing::open(self.find(".")?.open_folder()?, slot)
    }

    fn find<'a>(&'a self, path: &'a str) -> Result<Place<'a>, ErrorCode> {
        Place::find(self.fd.as_fd(), path)
    }

    fn descend(&self, place: &Place<'_>) -> Result<Self, ErrorCode> {
        let slot = self.granted.slot()?;
        let fd = Arc::new(place.open_folder()?);
        Ok(Self { fd, granted: Arc::clone(&self.granted), _slot: Some(slot) })
    }
}
