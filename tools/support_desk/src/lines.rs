//! What the desk's tools have done, as lines of JSON in files. Not reading them: who keeps such a file knows its lines.
//!
//! Invariant: a line is kept before the answer, and a write that fails says that it may have been made all the same.

use serde::Serialize;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use toolgate_sdk::Failure;

/// Appends one line; `closed` says that the file cannot be used, and that nothing was done.
pub(crate) fn append(file: &Path, line: &impl Serialize, closed: fn() -> Failure) -> Result<(), Failure> {
    let mut text = serde_json::to_string(line)
        .map_err(|error| Failure::internal(format!("the line cannot be written: {error}")))?;
    text.push('\n');
    if let Some(folder) = file.parent().filter(|folder| !folder.is_dir()) {
        fs::create_dir_all(folder).map_err(|_| closed())?;
    }
    let mut file = File::options().append(true).create(true).open(file).map_err(|_| closed())?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| Failure::from(error).request_sent())
}
