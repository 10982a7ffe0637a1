//! What the disk may hold after the power went: everything synced, and any part of what was not, in any order.
//!
//! Model: a write reaches the disk in sectors of 512 bytes, each alone, in any order or never, until its file is
//! synced; a name is durable after a sync of its folder (a rollback journal's after its own sync, which SQLite
//! joins with one of the folder). Invariant: an image holds every byte that a real disk had promised.

use super::log::Event;
use crate::support::chance::Chance;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const SECTOR_BYTES: usize = 512;

/// The disk as it was synced, and what was not.
#[derive(Default)]
pub struct Platter {
    folder: PathBuf,
    folder_is_durable: bool,
    files: BTreeMap<PathBuf, Vec<u8>>,
    durable_names: BTreeSet<PathBuf>,
    names: BTreeSet<PathBuf>,
    pending: Vec<Event>,
}

impl Platter {
    /// An empty disk; the ledger's folder is yet to be made.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..Self::default() }
    }

    /// One thing more happened.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Named(path) => {
                self.names.insert(path.clone());
            }
            Event::Removed(path) => {
                self.names.remove(path);
                self.settle(path);
                self.files.remove(path);
            }
            Event::Write { .. } | Event::Truncate { .. } => self.pending.push(event.clone()),
            Event::Synced(path) => {
                self.settle(path);
                if path.to_string_lossy().ends_with("-journal") {
                    self.durable_names.insert(path.clone());
                }
            }
            Event::FolderSynced(path) if *path == self.folder => self.durable_names = self.names.clone(),
            Event::FolderSynced(_) => self.folder_is_durable = true,
            Event::Promised { .. } => {}
        }
    }

    /// Writes one possible image into an empty folder. False when the whole folder is gone.
    pub fn write(&self, into: &Path, chance: &mut Chance) -> bool {
        if !self.folder_is_durable && chance.one_in(2) {
            return false;
        }
        let mut files = self.files.clone();
        for event in self.survivors(chance) {
            apply(&mut files, &event);
        }
        for path in &self.names {
            let kept = self.durable_names.contains(path) || !chance.one_in(2);
            if let (true, Some(name)) = (kept, path.file_name()) {
                let bytes = files.get(path).map(Vec::as_slice).unwrap_or_default();
                fs::write(into.join(name), bytes).expect("the image can be written");
            }
        }
        true
    }

    /// Any part of what was not synced: none, all, or sectors by chance, in any order.
    fn survivors(&self, chance: &mut Chance) -> Vec<Event> {
        let mut pieces: Vec<Event> = self.pending.iter().flat_map(sectors).collect();
        match chance.below(6) {
            0 => pieces.clear(),
            1 => {}
            2 => {
                let end = chance.index(pieces.len() + 1);
                pieces.truncate(end);
            }
            3 => {
                let start = chance.index(pieces.len() + 1);
                pieces.drain(..start);
            }
            _ => {
                let one_in = 2 + chance.below(4);
                pieces.retain(|_| !chance.one_in(one_in));
                for at in (1..pieces.len()).rev() {
                    pieces.swap(at, chance.index(at + 1));
                }
            }
        }
        pieces
    }

    fn settle(&mut self, path: &Path) {
        let (settled, pending) =
            std::mem::take(&mut self.pending).into_iter().partition(|event| file_of(event) == Some(path));
        self.pending = pending;
        let settled: Vec<Event> = settled;
        settled.iter().for_each(|event| apply(&mut self.files, event));
    }
}

fn file_of(event: &Event) -> Option<&Path> {
    match event {
        Event::Write { path, .. } | Event::Truncate { path, .. } => Some(path),
        _ => None,
    }
}

/// A write as the sectors it touches.
fn sectors(event: &Event) -> Vec<Event> {
    let Event::Write { path, at, bytes } = event else { return vec![event.clone()] };
    let mut pieces = Vec::new();
    let (mut at, mut rest) = (*at, bytes.as_slice());
    while !rest.is_empty() {
        let (piece, left) = rest.split_at(rest.len().min(SECTOR_BYTES - at % SECTOR_BYTES));
        pieces.push(Event::Write { path: path.clone(), at, bytes: piece.to_vec() });
        (at, rest) = (at + piece.len(), left);
    }
    pieces
}

fn apply(files: &mut BTreeMap<PathBuf, Vec<u8>>, event: &Event) {
    match event {
        Event::Write { path, at, bytes } => {
            let file = files.entry(path.clone()).or_default();
            file.resize(file.len().max(at + bytes.len()), 0);
            file[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        Event::Truncate { path, size } => files.entry(path.clone()).or_default().resize(*size, 0),
        _ => {}
    }
}
