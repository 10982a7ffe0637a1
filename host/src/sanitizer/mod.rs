//! The sanitizer: whatever a guest made is made fit for a model to read, and what was done is said.
//!
//! The first layer works on characters and sizes: escape sequences and controls (`control.rs`), characters
//! that nobody sees (`unicode.rs`, `context.rs`), sizes (`bound.rs`), and the envelope around text from
//! outside (`envelope.rs`). A string goes through `scan.rs` (is there anything to do?), `clean.rs` (one pass
//! over its characters) and `bound.rs` (cut); a JSON value is walked by `walk.rs`, keys included, after it
//! was parsed, so that no escape in the JSON hides anything.
//!
//! What it is not: a judge of meaning. Visible text stays word for word, nothing is normalized, and who may
//! read it is decided elsewhere. Pure: no I/O, clock or randomness; the nonce of an envelope is given.
//!
//! Invariants: clean input comes out byte for byte, with no findings; sanitizing twice is sanitizing once;
//! nothing gets longer, but for the number of a colliding key; every change is a finding.

mod bound;
mod clean;
mod context;
mod control;
mod edit;
mod keys;
mod log;
mod path;
mod scan;
mod script;
mod unicode;
mod walk;

pub mod class;
pub mod envelope;
pub mod filter;

pub use bound::{Bounds, TRUNCATION_MARKER};
pub use log::FINDINGS_MAX;

use crate::call::Finding;
use log::Log;
use serde_json::Value;

/// Combining marks that one base may carry: no language uses more than a handful, and Unicode Standard Annex
/// #15 §13 (Stream-Safe Text Format) allows 30.
pub const MARKS_MAX: usize = 30;

/// The sanitizer, with its limits. Cheap to copy and to share between threads.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sanitizer {
    bounds: Bounds,
}

/// What came out, and what was done to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sanitized<T> {
    /// The outcome, fit for a model.
    pub value: T,
    /// What was found and done; at most [`FINDINGS_MAX`] and a summary.
    pub findings: Vec<Finding>,
    /// Whether anything was cut for its size. The value itself does not say so: print
    /// [`TRUNCATION_MARKER`] behind a text.
    pub truncated: bool,
    /// Whether the outcome differs from the input; a changed value is checked against its schema again.
    pub changed: bool,
}

impl Sanitizer {
    /// A sanitizer with these limits.
    pub fn new(bounds: Bounds) -> Self {
        let depth_max = bounds.depth_max.min(Bounds::DEPTH_CEILING);
        Self { bounds: Bounds { depth_max, ..bounds } }
    }

    /// Sanitizes a text. It is cut at the smaller of `string_bytes_max` and `total_bytes_max`. Newline, tab
    /// and CR before a newline stay.
    pub fn text(&self, raw: &str) -> Sanitized<String> {
        let mut log = Log::default();
        let (mut text, edits) =
            clean::clean(raw, &mut log).unwrap_or_else(|| (raw.to_owned(), edit::Edits::default()));
        let Bounds { string_bytes_max, total_bytes_max, .. } = self.bounds;
        let end = bound::cut(&text, string_bytes_max.min(total_bytes_max));
        if end < text.len() {
            let of_string = string_bytes_max < total_bytes_max;
            let class = if of_string { class::STRING_TOO_LONG } else { class::TOTAL_TOO_LARGE };
            log.note(bound::cut_note(class, edits.raw(end)..raw.len(), end, text.len()));
            text.truncate(end);
        }
        log.place(String::new);
        log.sanitized(text)
    }

    /// Sanitizes every string and every key of a JSON value, and bounds its size, depth and items. The
    /// outcome is JSON whose compact form has at most `total_bytes_max` bytes (a lone number or word stays
    /// whole). A clean value is moved, not copied.
    pub fn value(&self, mut raw: Value) -> Sanitized<Value> {
        let mut walk = walk::Walk::new(self.bounds);
        walk.root(&mut raw);
        walk.log.sanitized(raw)
    }
}

/// Cleans a short text for one line (names, messages): like [`Sanitizer::text`], and every run of line ends,
/// tabs and spaces around them becomes one space.
pub fn clean_line(raw: &str) -> String {
    let text = Sanitizer::default().text(raw).value;
    let pieces = text.split(['\n', '\r', '\t']).map(|piece| piece.trim_matches(' '));
    pieces.filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
