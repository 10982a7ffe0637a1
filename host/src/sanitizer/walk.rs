//! The walk over a JSON value: every string leaf and every key is cleaned, and the whole is bounded.
//!
//! It works in place, so that a clean value is only read. Not here: what is removed from a string
//! (`clean.rs`). Invariants: no member is lost because its key was cleaned; the compact JSON of the outcome
//! is never longer than `total_bytes_max`; what is cut is cut from the end, and named.

use super::bound::{self, Bounds};
use super::clean::clean;
use super::log::{Log, Note};
use super::path::Path;
use super::{class, keys};
use crate::call::Action;
use serde_json::{Map, Value};
use std::fmt::{self, Write};

pub(super) struct Walk {
    bounds: Bounds,
    pub(super) log: Log,
    /// Bytes of compact JSON that may still be used.
    bytes_left: usize,
    items_left: usize,
}

impl Walk {
    pub(super) fn new(bounds: Bounds) -> Self {
        let (bytes_left, items_left) = (bounds.total_bytes_max, bounds.items_max);
        Self { bounds, log: Log::default(), bytes_left, items_left }
    }

    /// Cleans and bounds a whole value.
    pub(super) fn root(&mut self, value: &mut Value) {
        self.prune(value, 0, &Path::Root);
        self.value(value, 0, &Path::Root);
    }

    /// `depth` arrays and objects are around this value, and it is not too deep.
    fn value(&mut self, value: &mut Value, depth: usize, path: &Path<'_>) {
        match value {
            Value::String(text) => self.string(text, path),
            Value::Array(items) => self.array(items, depth + 1, path),
            Value::Object(members) => self.object(members, depth + 1, path),
            scalar => self.spend(least_bytes(scalar)),
        }
    }

    fn string(&mut self, text: &mut String, path: &Path<'_>) {
        let cleaned = clean(text, &mut self.log);
        let view = cleaned.as_ref().map_or(text.as_str(), |(view, _)| view);
        let string_max = self.bounds.string_bytes_max;
        let mut bytes = bound::json_bytes(view);
        if bytes > self.bytes_left || view.len() > string_max {
            let room = bound::fitting_bytes(view, self.bytes_left);
            let class = if room < string_max { class::TOTAL_TOO_LARGE } else { class::STRING_TOO_LONG };
            let end = bound::cut(view, room.min(string_max));
            let start = cleaned.as_ref().map_or(end, |(_, edits)| edits.raw(end));
            self.log.note(bound::cut_note(class, start..text.len(), end, view.len()));
            let mut kept = cleaned.map_or_else(|| std::mem::take(text), |(view, _)| view);
            kept.truncate(end);
            bytes = bound::json_bytes(&kept);
            *text = kept;
        } else if let Some((view, _)) = cleaned {
            *text = view;
        }
        self.spend(bytes);
        self.log.place(|| path.pointer());
    }

    fn array(&mut self, items: &mut Vec<Value>, depth: usize, path: &Path<'_>) {
        self.spend(2);
        let mut kept = 0;
        for item in items.iter_mut() {
            let path = Path::Index(path, kept);
            self.prune(item, depth, &path);
            if !self.enter(kept, least_bytes(item)) {
                break;
            }
            self.value(item, depth, &path);
            kept += 1;
        }
        self.left_out(items.len() - kept, path);
        items.truncate(kept);
    }

    fn object(&mut self, members: &mut Map<String, Value>, depth: usize, path: &Path<'_>) {
        self.spend(2);
        keys::clean(members, self.bounds.string_bytes_max, &mut self.log, path);
        let mut kept = 0;
        for (key, value) in members.iter_mut() {
            let path = Path::Key(path, key);
            self.prune(value, depth, &path);
            let key_bytes = bound::json_bytes(key) + 1;
            if !self.enter(kept, key_bytes + least_bytes(value)) {
                break;
            }
            self.spend(key_bytes);
            self.value(value, depth, &path);
            kept += 1;
        }
        if kept < members.len() {
            self.left_out(members.len() - kept, path);
            *members = std::mem::take(members).into_iter().take(kept).collect();
        }
    }

    /// Makes `null` of an array or object that is nested too deep.
    fn prune(&mut self, value: &mut Value, depth: usize, path: &Path<'_>) {
        let nested = matches!(value, Value::Array(_) | Value::Object(_));
        if nested && depth >= self.bounds.depth_max {
            *value = Value::Null;
            let what = format!("null stands for what is nested deeper than {depth}");
            self.cut(class::TOO_DEEP, what);
            self.log.place(|| path.pointer());
        }
    }

    /// Makes room for one more item that needs at least so many bytes; says whether there is any.
    fn enter(&mut self, before: usize, bytes_min: usize) -> bool {
        let comma = usize::from(before > 0);
        let enters = self.items_left > 0 && self.bytes_left >= comma + bytes_min;
        if enters {
            self.items_left -= 1;
            self.spend(comma);
        }
        enters
    }

    fn left_out(&mut self, items: usize, path: &Path<'_>) {
        if items == 0 {
            return;
        }
        let class = if self.items_left == 0 { class::TOO_MANY_ITEMS } else { class::TOTAL_TOO_LARGE };
        self.cut(class, format!("left out the last {items} here"));
        self.log.place(|| path.pointer());
    }

    /// Notes a cut that has no place in a string.
    fn cut(&mut self, class: &'static str, what: String) {
        let (action, what) = (Action::Truncated, what.into());
        self.log.note(Note { class, action, start: 0, end: 0, what });
    }

    fn spend(&mut self, bytes: usize) {
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
    }
}

/// The fewest bytes of compact JSON that a value can be cut down to.
fn least_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Number(number) => {
            let mut count = Count(0);
            // Counting cannot fail.
            let _ = write!(count, "{number}");
            count.0
        }
        Value::String(_) | Value::Array(_) | Value::Object(_) => 2,
    }
}

/// Counts what is written to it.
struct Count(usize);

impl Write for Count {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}
