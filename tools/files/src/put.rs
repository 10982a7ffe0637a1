//! Putting a text in the place of a file. Not a merge: what was there is gone.
//!
//! Invariant: at every moment the path holds the old text or the new one, whole; what may be left behind by
//! a call that is ended midway is a hidden file named after that call.

use crate::missing;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use toolgate_sdk::{Context, Failure};

/// Writes beside the file, then renames over it.
pub(crate) fn put(cx: &Context, path: &str, text: &str) -> Result<(), Failure> {
    let target = Path::new(path);
    if path.ends_with('/') || target.file_name().is_none() {
        return Err(Failure::invalid_input(format!("`{path}` names no file: add a file name to it")));
    }
    if target.is_dir() {
        return Err(Failure::invalid_input(format!("`{path}` is a folder: add a file name to it")));
    }
    let beside = target.with_file_name(format!(".toolgate-{}-{}.tmp", cx.call_id(), cx.attempt()));
    let written = write(&beside, text).and_then(|()| fs::rename(&beside, target));
    written.map_err(|error| {
        // Nothing to add when this fails too: the first error is the one to tell.
        let _ = fs::remove_file(&beside);
        missing::unwritable(path, &error)
    })
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
