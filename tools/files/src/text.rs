//! A file as text, or the reason why not. Not a range of one: that is `read`.
//!
//! Invariant: what comes out is the file's bytes, all of them, and UTF-8.

use crate::missing;
use std::fs::File;
use std::io::{self, Read};
use toolgate_sdk::Failure;

/// The largest file that is searched or edited, in bytes: it is held in memory, twice when edited.
pub(crate) const FILE_BYTES_MAX: u64 = 4 << 20;

/// Bytes of text in one answer: with its escapes below the host's usual limit of 256 KiB.
pub(crate) const TEXT_BYTES_MAX: usize = 100_000;

/// Why a file could not be had as text.
pub(crate) enum TextError {
    /// The operating system's reason.
    Io(io::Error),
    /// It is a folder.
    Folder,
    /// It is a pipe, a device or the like.
    NotRegular,
    /// It has more than [`FILE_BYTES_MAX`] bytes: this many.
    TooLarge(u64),
    /// It is not UTF-8 text.
    Binary,
}

impl TextError {
    /// For the model.
    pub(crate) fn about(&self, path: &str) -> Failure {
        match self {
            Self::Io(error) => missing::unreadable(path, error),
            Self::Folder => Failure::invalid_input(format!("`{path}` is a folder: list it with list_files")),
            Self::NotRegular => {
                Failure::invalid_input(format!("`{path}` is no regular file: leave it alone"))
            }
            Self::TooLarge(bytes) => Failure::invalid_input(format!(
                "`{path}` has {bytes} bytes, and this tool takes at most {FILE_BYTES_MAX}: read parts of it with read_file"
            )),
            Self::Binary => Failure::invalid_input(format!(
                "`{path}` is not UTF-8 text but binary: this tool cannot show or change it; use a tool for its \
                 format (query_table reads .xlsx)"
            )),
        }
    }
}

/// Opens a regular file.
pub(crate) fn open(path: &str) -> Result<(File, u64), TextError> {
    let file = File::open(path).map_err(folder_or)?;
    let metadata = file.metadata().map_err(TextError::Io)?;
    match metadata {
        metadata if metadata.is_dir() => Err(TextError::Folder),
        metadata if !metadata.is_file() => Err(TextError::NotRegular),
        metadata => Ok((file, metadata.len())),
    }
}

/// The whole text of a file.
pub(crate) fn read(path: &str) -> Result<String, TextError> {
    let (file, bytes) = open(path)?;
    if bytes > FILE_BYTES_MAX {
        return Err(TextError::TooLarge(bytes));
    }
    let mut content = Vec::new();
    file.take(FILE_BYTES_MAX.saturating_add(1)).read_to_end(&mut content).map_err(folder_or)?;
    match u64::try_from(content.len()) {
        Ok(read) if read <= FILE_BYTES_MAX => text(content),
        _ => Err(TextError::TooLarge(bytes.max(FILE_BYTES_MAX))),
    }
}

/// Bytes as text: UTF-8 without NUL, which no text has and every other format does.
pub(crate) fn text(content: Vec<u8>) -> Result<String, TextError> {
    if content.contains(&0) {
        return Err(TextError::Binary);
    }
    String::from_utf8(content).map_err(|_| TextError::Binary)
}

/// Some systems refuse to open a folder, others to read it.
fn folder_or(error: io::Error) -> TextError {
    match error.kind() {
        io::ErrorKind::IsADirectory => TextError::Folder,
        _ => TextError::Io(error),
    }
}
