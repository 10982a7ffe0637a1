//! The log of one sanitizing: notes come in, a bounded list of findings comes out.
//!
//! Not the ledger. Neighbouring notes of one kind become one finding. Invariant: the list never holds more
//! than [`FINDINGS_MAX`] findings and one summary, however hostile the input.

use super::{Sanitized, class};
use crate::call::{Action, Finding};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Findings listed one by one; what is beyond is counted by class in one more, `more_findings`.
pub const FINDINGS_MAX: usize = 64;

/// One thing seen in one string.
#[derive(Debug, Clone)]
pub(super) struct Note {
    pub(super) class: &'static str,
    pub(super) action: Action,
    /// First byte in the raw string.
    pub(super) start: usize,
    /// One past the last byte in the raw string.
    pub(super) end: usize,
    /// What it is; printable ASCII.
    pub(super) what: Cow<'static, str>,
}

struct Entry {
    note: Note,
    count: usize,
    path: String,
}

#[derive(Default)]
pub(super) struct Log {
    entries: Vec<Entry>,
    /// Entries before this one belong to earlier strings.
    current: usize,
    /// Class and end of the newest note, when it was only counted.
    counted: Option<(&'static str, usize)>,
    more: BTreeMap<&'static str, usize>,
    truncated: bool,
}

impl Log {
    pub(super) fn note(&mut self, note: Note) {
        self.truncated |= note.action == Action::Truncated;
        if self.joins_newest(&note) {
            return;
        }
        if self.entries.len() < FINDINGS_MAX {
            self.entries.push(Entry { note, count: 1, path: String::new() });
            return;
        }
        let continues = self.counted == Some((note.class, note.start));
        self.counted = Some((note.class, note.end));
        if !continues {
            *self.more.entry(note.class).or_default() += 1;
        }
    }

    fn joins_newest(&mut self, note: &Note) -> bool {
        let Some(newest) = self.entries.get_mut(self.current..).and_then(<[Entry]>::last_mut) else {
            return false;
        };
        let old = &mut newest.note;
        let joins = old.end == note.start
            && old.class == note.class
            && old.action == note.action
            && old.what == note.what
            && self.counted.is_none();
        if joins {
            old.end = note.end;
            newest.count += 1;
        }
        joins
    }

    /// Ends one string: every note since the last call happened at this path.
    pub(super) fn place(&mut self, path: impl FnOnce() -> String) {
        self.counted = None;
        let fresh = self.entries.get_mut(self.current..).unwrap_or_default();
        if !fresh.is_empty() {
            fresh.sort_by_key(|entry| entry.note.start);
            let path = path();
            for entry in fresh {
                entry.path.clone_from(&path);
            }
        }
        self.current = self.entries.len();
    }

    /// Closes the log over what came out.
    pub(super) fn sanitized<T>(self, value: T) -> Sanitized<T> {
        let (truncated, changed) = (self.truncated, !self.entries.is_empty());
        Sanitized { value, findings: self.finish(), truncated, changed }
    }

    /// The findings, in the order of the document and then of the raw string.
    fn finish(self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.entries.into_iter().map(Entry::finding).collect();
        if !self.more.is_empty() {
            let total: usize = self.more.values().sum();
            let counts: Vec<String> =
                self.more.iter().map(|(class, count)| format!("{count} {class}")).collect();
            findings.push(Finding {
                class: class::MORE_FINDINGS.into(),
                action: Action::Labelled,
                path: String::new(),
                start: 0,
                end: 0,
                detail: format!("{total} more, handled like these: {}", counts.join(", ")),
            });
        }
        findings
    }
}

impl Entry {
    fn finding(self) -> Finding {
        let Note { class, action, start, end, what } = self.note;
        let detail = match self.count {
            1 => what.into_owned(),
            count => format!("{what}, {count} in a row"),
        };
        Finding { class: class.into(), action, path: self.path, start, end, detail }
    }
}
