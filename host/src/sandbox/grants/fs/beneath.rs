//! Steps beneath an open folder, one name at a time, and no link is ever followed.
//!
//! This is the wall. Every file system call of the grant takes an open folder and one plain name with
//! `O_NOFOLLOW` or `AT_SYMLINK_NOFOLLOW`; there is no path for the kernel to walk, so a link that appears
//! between two steps is refused like one that was always there. What a guest may not have and what is
//! not there both end as `no-entry`.

use super::path::GuestPath;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, PROC_SUPER_MAGIC, Stat, fstat, fstatfs, openat, statat};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

/// `statfs` kinds whose files are windows into the kernel; see statfs(2). They are never opened: they
/// show the host's own memory and environment, and some block even with `O_NONBLOCK`.
const KERNEL_FILE_SYSTEMS: [u64; 4] =
    [PROC_SUPER_MAGIC.unsigned_abs(), 0x6265_6572, 0x6462_6720, 0x7472_6163];

/// An open folder: the one a path starts from, or one reached from there.
pub(super) enum Held<'a> {
    /// The starting folder.
    Start(BorrowedFd<'a>),
    /// A folder opened on the way.
    Inner(OwnedFd),
}

impl AsFd for Held<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Start(fd) => *fd,
            Self::Inner(fd) => fd.as_fd(),
        }
    }
}

/// A folder and one plain name in it.
pub(super) struct Place<'a> {
    /// The folder.
    pub(super) folder: Held<'a>,
    /// The name in it, or `.`.
    pub(super) name: &'a str,
    demands_folder: bool,
}

impl<'a> Place<'a> {
    /// Walks to the folder that holds the path's last name.
    ///
    /// # Errors
    /// `no-entry` when a step is missing, not a folder, a link, or closed to the host.
    pub(super) fn find(start: BorrowedFd<'a>, path: &'a str) -> Result<Self, ErrorCode> {
        let path = GuestPath::parse(path)?;
        let mut folder = Held::Start(start);
        for name in path.folders() {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let next = openat(&folder, *name, flags, Mode::empty()).map_err(|errno| match errno {
                Errno::NOTDIR => ErrorCode::NoEntry,
                other => code(other),
            })?;
            folder = Held::Inner(next);
        }
        Ok(Self { folder, name: path.last(), demands_folder: path.demands_folder() })
    }

    /// What stands there; a link is described, not followed.
    ///
    /// # Errors
    /// `no-entry` when nothing does; `not-directory` when the path ends in a slash and it is no folder.
    pub(super) fn stat(&self) -> Result<Stat, ErrorCode> {
        let stat = statat(&self.folder, self.name, AtFlags::SYMLINK_NOFOLLOW).map_err(code)?;
        if self.demands_folder && kind(&stat) != FileType::Directory {
            return Err(ErrorCode::NotDirectory);
        }
        Ok(stat)
    }

    /// Like [`Place::stat`], for a regular file or a folder only.
    ///
    /// # Errors
    /// Those of [`Place::stat`], and `no-entry` for links, pipes, devices and sockets.
    pub(super) fn stat_plain(&self) -> Result<Stat, ErrorCode> {
        let stat = self.stat()?;
        match kind(&stat) {
            FileType::RegularFile | FileType::Directory => Ok(stat),
            _ => Err(ErrorCode::NoEntry),
        }
    }

    /// True when the path ends in a slash or a dot.
    pub(super) fn demands_folder(&self) -> bool {
        self.demands_folder
    }

    /// Opens a folder for reading its names and for further steps.
    ///
    /// # Errors
    /// As [`code`] maps them.
    pub(super) fn open_folder(&self) -> Result<OwnedFd, ErrorCode> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&self.folder, self.name, flags, Mode::empty()).map_err(code)
    }

    /// Opens a regular file, never waiting for anything: the kind is checked before, so that no device
    /// is even touched, and again on the open file.
    ///
    /// # Errors
    /// `no-entry` for everything but a regular file of a real file system.
    pub(super) fn open_file(&self, flags: OFlags) -> Result<(OwnedFd, Stat), ErrorCode> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH;
        let fd = openat(&self.folder, self.name, flags, mode).map_err(code)?;
        let stat = fstat(&fd).map_err(code)?;
        let of_kernel = fstatfs(&fd).map_err(code)?.f_type.unsigned_abs();
        if kind(&stat) != FileType::RegularFile || KERNEL_FILE_SYSTEMS.contains(&of_kernel) {
            return Err(ErrorCode::NoEntry);
        }
        Ok((fd, stat))
    }
}

/// The kind of file that a stat describes.
pub(super) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// The guest's word for an error. Whatever the host may not touch looks missing.
pub(super) fn code(errno: Errno) -> ErrorCode {
    match errno {
        Errno::NOENT | Errno::ACCESS | Errno::PERM | Errno::LOOP | Errno::NXIO | Errno::NODEV => {
            ErrorCode::NoEntry
        }
        Errno::NOTDIR => ErrorCode::NotDirectory,
        Errno::ISDIR => ErrorCode::IsDirectory,
        Errno::EXIST => ErrorCode::Exist,
        Errno::NOTEMPTY => ErrorCode::NotEmpty,
        Errno::INVAL => ErrorCode::Invalid,
        Errno::NAMETOOLONG => ErrorCode::NameTooLong,
        Errno::NOSPC => ErrorCode::InsufficientSpace,
        Errno::DQUOT => ErrorCode::Quota,
        Errno::FBIG => ErrorCode::FileTooLarge,
        Errno::ROFS => ErrorCode::ReadOnly,
        Errno::BUSY => ErrorCode::Busy,
        Errno::TXTBSY => ErrorCode::TextFileBusy,
        Errno::XDEV => ErrorCode::CrossDevice,
        Errno::MLINK => ErrorCode::TooManyLinks,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM => ErrorCode::InsufficientMemory,
        Errno::OPNOTSUPP | Errno::NOSYS => ErrorCode::Unsupported,
        _ => ErrorCode::Io,
    }
}
