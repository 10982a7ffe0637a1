//! Object keys: cleaned like strings, and still different from each other afterwards.
//!
//! A key that was clean keeps its name, so that nothing from a guest can push aside a member that the reader
//! relies on. Invariant: an object has as many members after this as before.

use super::bound::{self, Bounds};
use super::clean::clean as clean_text;
use super::log::{Log, Note};
use super::path::Path;
use super::{class, scan};
use crate::call::Action;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Cleans the keys of one object, in place; it is only read when they are clean.
pub(super) fn clean(
    members: &mut Map<String, Value>,
    string_bytes_max: usize,
    log: &mut Log,
    path: &Path<'_>,
) {
    let bytes_max = string_bytes_max.max(Bounds::KEY_BYTES_FLOOR);
    let stays = |key: &String| key.len() <= bytes_max && scan::is_clean(key);
    if members.keys().all(stays) {
        return;
    }
    let taken = members.keys().filter(|key| stays(key)).cloned().collect();
    let mut names = Names { taken, next: BTreeMap::new(), bytes_max };
    let old = std::mem::take(members);
    for (key, value) in old {
        let key = if stays(&key) { key } else { names.rename(&key, log) };
        members.insert(key, value);
        log.place(|| path.pointer());
    }
}

/// Room for `#` and as many digits as there can be members in memory.
const NUMBER_BYTES_MAX: usize = 12;

struct Names {
    /// Names that no other member may have.
    taken: BTreeSet<String>,
    /// The number to try next for a name that is taken.
    next: BTreeMap<String, usize>,
    bytes_max: usize,
}

impl Names {
    fn rename(&mut self, raw: &str, log: &mut Log) -> String {
        let (mut name, edits) = clean_text(raw, log).unwrap_or_else(|| (raw.to_owned(), Default::default()));
        let end = bound::cut(&name, self.bytes_max);
        if end < name.len() {
            let cut = edits.raw(end)..raw.len();
            log.note(bound::cut_note(class::STRING_TOO_LONG, cut, end, name.len()));
            name.truncate(end);
        }
        if self.taken.insert(name.clone()) {
            return name;
        }
        let (class, action) = (class::KEY_COLLISION, Action::Replaced);
        let what = "key equal to another one once cleaned; numbered".into();
        log.note(Note { class, action, start: 0, end: raw.len(), what });
        self.number(&name)
    }

    /// Appends `#2`, `#3`, … until the name is free. A name without room for that is cut, and numbers are
    /// counted by what is left of it, so that no number is tried twice.
    fn number(&mut self, name: &str) -> String {
        let end = bound::cut(name, self.bytes_max.saturating_sub(NUMBER_BYTES_MAX));
        let stem = name.get(..end).unwrap_or_default();
        let next = self.next.entry(stem.to_owned()).or_insert(2);
        loop {
            let numbered = format!("{stem}#{next}");
            *next += 1;
            if self.taken.insert(numbered.clone()) {
                return numbered;
            }
        }
    }
}
