//! Between the kernel's words and those of `wasi:filesystem`. Pure.

use super::beneath::kind;
use rustix::fs::{FileType, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use sha2::{Digest, Sha256};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorStat, DescriptorType, ErrorCode, MetadataHashValue, NewTimestamp,
};

/// The kind of a file.
pub(super) fn descriptor_type(file_type: FileType) -> DescriptorType {
    match file_type {
        FileType::RegularFile => DescriptorType::RegularFile,
        FileType::Directory => DescriptorType::Directory,
        FileType::Symlink => DescriptorType::SymbolicLink,
        FileType::Fifo => DescriptorType::Fifo,
        FileType::Socket => DescriptorType::Socket,
        FileType::CharacterDevice => DescriptorType::CharacterDevice,
        FileType::BlockDevice => DescriptorType::BlockDevice,
        FileType::Unknown => DescriptorType::Unknown,
    }
}

/// Size, links and times of a file. Times before 1970 have no word in WASI and are left out.
pub(super) fn descriptor_stat(stat: &Stat) -> DescriptorStat {
    DescriptorStat {
        type_: descriptor_type(kind(stat)),
        link_count: stat.st_nlink,
        size: stat.st_size.unsigned_abs(),
        data_access_timestamp: datetime(stat.st_atime, stat.st_atime_nsec),
        data_modification_timestamp: datetime(stat.st_mtime, stat.st_mtime_nsec),
        status_change_timestamp: datetime(stat.st_ctime, stat.st_ctime_nsec),
    }
}

/// A hash that changes when the file is replaced or modified, and shows none of what went in: SHA-256
/// over device, inode, size and modification time, the first 16 bytes.
pub(super) fn metadata_hash(stat: &Stat) -> MetadataHashValue {
    let mut hash = Sha256::new();
    hash.update(b"toolgate metadata 1");
    hash.update(stat.st_dev.to_le_bytes());
    hash.update(stat.st_ino.to_le_bytes());
    hash.update(stat.st_size.to_le_bytes());
    hash.update(stat.st_mtime.to_le_bytes());
    hash.update(stat.st_mtime_nsec.to_le_bytes());
    let hash: [u8; 32] = hash.finalize().into();
    let (words, _) = hash.as_chunks::<8>();
    let word = |at: usize| words.get(at).copied().map_or(0, u64::from_le_bytes);
    MetadataHashValue { lower: word(0), upper: word(1) }
}

/// The two times to set on a file.
///
/// # Errors
/// `overflow` past the kernel's range, `invalid` for a second or more of nanoseconds.
pub(super) fn timestamps(access: NewTimestamp, modification: NewTimestamp) -> Result<Timestamps, ErrorCode> {
    Ok(Timestamps { last_access: timespec(access)?, last_modification: timespec(modification)? })
}

fn timespec(time: NewTimestamp) -> Result<Timespec, ErrorCode> {
    match time {
        NewTimestamp::NoChange => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }),
        NewTimestamp::Now => Ok(Timespec { tv_sec: 0, tv_nsec: UTIME_NOW }),
        NewTimestamp::Timestamp(time) if time.nanoseconds >= 1_000_000_000 => Err(ErrorCode::Invalid),
        NewTimestamp::Timestamp(time) => {
            let tv_sec = i64::try_from(time.seconds).map_err(|_| ErrorCode::Overflow)?;
            Ok(Timespec { tv_sec, tv_nsec: time.nanoseconds.into() })
        }
    }
}

fn datetime(seconds: i64, nanoseconds: u64) -> Option<Datetime> {
    Some(Datetime { seconds: u64::try_from(seconds).ok()?, nanoseconds: u32::try_from(nanoseconds).ok()? })
}
