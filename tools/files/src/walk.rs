//! A walk through a folder, parents before children, names in order. Not a filter: the callers choose.
//!
//! Invariant: links are not followed, memory is bounded, and the same tree gives the same order.

use schemars::JsonSchema;
use serde::Serialize;
use std::fs::{self, DirEntry, FileType};
use std::io;

/// Entries taken of one folder: a larger one is cut, and said to be.
const FOLDER_ENTRIES_MAX: usize = 10_000;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link or a device: these tools do not open it.
    Other,
}

/// One thing in the tree.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) kind: Kind,
    /// 1 for what lies directly in the folder that the walk began with.
    depth: usize,
}

/// The walk; it gives entries.
pub(crate) struct Walk {
    ahead: Vec<Entry>,
    depth_max: usize,
    hidden: bool,
    /// Folders that could not be listed, or not whole.
    pub(crate) incomplete: Vec<String>,
}

impl Walk {
    /// Begins with the content of `folder`. `depth_max` is 1 for it alone; `hidden` takes names that begin
    /// with a dot.
    pub(crate) fn new(folder: &str, depth_max: usize, hidden: bool) -> io::Result<Self> {
        let mut walk = Self { ahead: Vec::new(), depth_max, hidden, incomplete: Vec::new() };
        walk.enter(folder, 1)?;
        Ok(walk)
    }

    fn enter(&mut self, folder: &str, depth: usize) -> io::Result<()> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') && !self.hidden {
                continue;
            }
            if entries.len() == FOLDER_ENTRIES_MAX {
                self.incomplete.push(folder.to_owned());
                break;
            }
            let path = format!("{}/{name}", folder.trim_end_matches('/'));
            entries.push(Entry { path, kind: kind(&entry), depth });
        }
        entries.sort_by(|a, b| b.path.cmp(&a.path));
        self.ahead.append(&mut entries);
        Ok(())
    }
}

impl Iterator for Walk {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let entry = self.ahead.pop()?;
        if entry.kind == Kind::Folder
            && entry.depth < self.depth_max
            && self.enter(&entry.path, entry.depth.saturating_add(1)).is_err()
        {
            self.incomplete.push(entry.path.clone());
        }
        Some(entry)
    }
}

fn kind(entry: &DirEntry) -> Kind {
    match entry.file_type() {
        Ok(file_type) => kind_of(file_type),
        Err(_) => Kind::Other,
    }
}

fn kind_of(file_type: FileType) -> Kind {
    if file_type.is_dir() {
        Kind::Folder
    } else if file_type.is_file() {
        Kind::File
    } else {
        Kind::Other
    }
}
