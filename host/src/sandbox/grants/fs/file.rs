//! An open regular file.
//!
//! Errors here are the guest's; nothing in this file traps. Invariants: every byte written, and every
//! byte a file grows by without being written, is charged before it happens; a file with a second name
//! (a hard link) is never open for change, since that name may lie outside the grant.

use super::allowance::{Granted, Slot};
use super::beneath::{Place, code};
use rustix::fs::{OFlags, Stat, Timestamps, fstat, ftruncate, futimens};
use rustix::io::{Errno, ReadWriteFlags, pread, pwrite, pwritev2};
use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use wasmtime_wasi::p2::bindings::filesystem::types::{DescriptorFlags, ErrorCode, OpenFlags};

/// Most bytes that one read gives and one write permit covers.
pub(super) const IO_BYTES_MAX: usize = 64 * 1024;

/// The largest file, in bytes: what the kernel's signed offsets can name.
const FILE_BYTES_MAX: u64 = i64::MAX.unsigned_abs();

/// An open regular file of one call.
#[derive(Debug)]
pub(super) struct File {
    pub(super) fd: Arc<OwnedFd>,
    pub(super) granted: Arc<Granted>,
    /// Read, write or both; nothing else.
    mode: DescriptorFlags,
    _slot: Slot,
}

/// Where a write goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum At {
    /// This many bytes from the start.
    Offset(u64),
    /// Behind whatever the last byte is at that moment, also when several calls append at once.
    End,
}

impl File {
    /// Opens what stands at a place, or makes it when `flags` say so. The caller has asked
    /// [`Granted::changes`] if the flags need it.
    ///
    /// # Errors
    /// `no-entry` for what is not a regular file, `not-permitted` to change a file with a second name,
    /// `quota` when it would be one file too many.
    pub(super) fn open(
        granted: &Arc<Granted>,
        place: &Place<'_>,
        flags: OpenFlags,
        mode: DescriptorFlags,
    ) -> Result<Self, ErrorCode> {
        let slot = granted.slot()?;
        let (writable, truncate) =
            (mode.contains(DescriptorFlags::WRITE), flags.contains(OpenFlags::TRUNCATE));
        let readable = mode.contains(DescriptorFlags::READ);
        let access = match (writable || truncate, readable) {
            (false, _) => OFlags::RDONLY,
            (true, false) => OFlags::WRONLY,
            (true, true) => OFlags::RDWR,
        };
        let (fd, stat) = open_or_make(granted, place, flags, access)?;
        if writable || truncate {
            one_name_only(&stat)?;
        }
        if truncate {
            ftruncate(&fd, 0).map_err(code)?;
        }
        let mode = mode & (DescriptorFlags::READ | DescriptorFlags::WRITE);
        Ok(Self { fd: Arc::new(fd), granted: Arc::clone(granted), mode, _slot: slot })
    }

    /// What the guest opened it for.
    pub(super) fn flags(&self) -> DescriptorFlags {
        self.mode
    }

    /// Reads up to `len` bytes, and at most [`IO_BYTES_MAX`]; none at the end of the file.
    ///
    /// # Errors
    /// `bad-descriptor` when it is not open for reading; `invalid` past the largest offset.
    pub(super) fn read(&self, len: usize, offset: u64) -> Result<Vec<u8>, ErrorCode> {
        if !self.mode.contains(DescriptorFlags::READ) {
            return Err(ErrorCode::BadDescriptor);
        }
        let mut bytes = vec![0; len.min(IO_BYTES_MAX)];
        let read = retry(|| pread(&self.fd, bytes.as_mut_slice(), offset))?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// # Errors
    /// `bad-descriptor` when it is not open for writing.
    pub(super) fn writes(&self) -> Result<(), ErrorCode> {
        if self.mode.contains(DescriptorFlags::WRITE) { Ok(()) } else { Err(ErrorCode::BadDescriptor) }
    }

    /// Writes all of it. A gap that the write leaves behind the old end is charged like bytes.
    ///
    /// # Errors
    /// `quota` when it does not fit, and then nothing is written; `file-too-large` past the largest file.
    pub(super) fn write(&self, mut bytes: &[u8], at: At) -> Result<(), ErrorCode> {
        self.writes()?;
        let len = bytes.len() as u64;
        let gap = match at {
            At::Offset(offset) if len > 0 => {
                offset
                    .checked_add(len)
                    .filter(|end| *end <= FILE_BYTES_MAX)
                    .ok_or(ErrorCode::FileTooLarge)?;
                offset.saturating_sub(self.size()?)
            }
            _ => 0,
        };
        self.granted.allowance.take_bytes(len.saturating_add(gap))?;
        let mut done = 0;
        while !bytes.is_empty() {
            let wrote = retry(|| match at {
                At::Offset(offset) => pwrite(&self.fd, bytes, offset.saturating_add(done)),
                At::End => pwritev2(&self.fd, &[IoSlice::new(bytes)], 0, ReadWriteFlags::APPEND),
            })?;
            bytes = bytes.get(wrote..).filter(|_| wrote > 0).ok_or(ErrorCode::Io)?;
            done = done.saturating_add(wrote as u64);
        }
        Ok(())
    }

    /// Cuts the file, or grows it with zeros that are charged like bytes.
    ///
    /// # Errors
    /// Those of [`File::write`].
    pub(super) fn resize(&self, size: u64) -> Result<(), ErrorCode> {
        self.writes()?;
        if size > FILE_BYTES_MAX {
            return Err(ErrorCode::FileTooLarge);
        }
        self.granted.allowance.take_bytes(size.saturating_sub(self.size()?))?;
        retry(|| ftruncate(&self.fd, size))
    }

    /// # Errors
    /// `read-only` under a read-only grant; `not-permitted` for a file with a second name.
    pub(super) fn set_times(&self, times: &Timestamps) -> Result<(), ErrorCode> {
        self.granted.changes()?;
        one_name_only(&fstat(&self.fd).map_err(code)?)?;
        futimens(&self.fd, times).map_err(code)
    }

    fn size(&self) -> Result<u64, ErrorCode> {
        Ok(fstat(&self.fd).map_err(code)?.st_size.unsigned_abs())
    }
}

/// # Errors
/// `not-permitted` for a file that has a second name.
pub(super) fn one_name_only(stat: &Stat) -> Result<(), ErrorCode> {
    if stat.st_nlink > 1 { Err(ErrorCode::NotPermitted) } else { Ok(()) }
}

/// Opens what stands there; makes it where nothing does and `flags` ask for it. Never truncates.
fn open_or_make(
    granted: &Granted,
    place: &Place<'_>,
    flags: OpenFlags,
    access: OFlags,
) -> Result<(OwnedFd, Stat), ErrorCode> {
    match place.stat_plain() {
        Ok(_) if flags.contains(OpenFlags::EXCLUSIVE) => Err(ErrorCode::Exist),
        Ok(_) => place.open_file(access),
        Err(ErrorCode::NoEntry) if flags.contains(OpenFlags::CREATE) => {
            match make(granted, place, access) {
                // Somebody else was faster, or a link or special file stands there.
                Err(ErrorCode::Exist) if !flags.contains(OpenFlags::EXCLUSIVE) => {
                    place.stat_plain()?;
                    place.open_file(access)
                }
                made => made,
            }
        }
        Err(other) => Err(other),
    }
}

fn make(granted: &Granted, place: &Place<'_>, access: OFlags) -> Result<(OwnedFd, Stat), ErrorCode> {
    if place.demands_folder() {
        return Err(ErrorCode::IsDirectory);
    }
    granted.allowance.take_file()?;
    let made = place.open_file(access | OFlags::CREATE | OFlags::EXCL);
    if made.is_err() {
        granted.allowance.return_file();
    }
    made
}

fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, ErrorCode> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            done => return done.map_err(code),
        }
    }
}
