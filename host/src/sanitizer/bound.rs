//! Sizes: how much of a text or a value is let through, and where a text may be cut.
//!
//! Invariant: a cut never adds anything to the value, leaves valid UTF-8, and leaves nothing behind that the
//! sanitizer would take out the next time. That something was cut is said beside the value.

use super::context::needs_next;
use super::log::Note;
use super::unicode::{Kind, is_mark, kind};
use crate::call::Action;
use std::ops::Range;

/// What is let through. What is beyond is cut, and the result says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Longest string leaf or key, in bytes. Keys are never cut below [`Bounds::KEY_BYTES_FLOOR`].
    pub string_bytes_max: usize,
    /// Longest text, or longest compact JSON of a value, in bytes.
    pub total_bytes_max: usize,
    /// How deep arrays and objects may be nested: 1 lets an array of numbers through. At most
    /// [`Bounds::DEPTH_CEILING`] is used.
    pub depth_max: usize,
    /// Array items and object members, all together.
    pub items_max: usize,
}

impl Bounds {
    /// Half of the total: one runaway field leaves room for the others.
    pub const STRING_BYTES_MAX: usize = 128 * 1024;
    /// The default output limit of a call, 256 KiB: some 64,000 tokens, all that a context can bear.
    pub const TOTAL_BYTES_MAX: usize = 256 * 1024;
    /// Beyond what people or programs nest, below what overflows a stack.
    pub const DEPTH_MAX: usize = 64;
    /// A table of a thousand rows and thirty columns.
    pub const ITEMS_MAX: usize = 32 * 1024;
    /// The walk recurses, so no setting goes beyond this.
    pub const DEPTH_CEILING: usize = 128;
    /// Room for a number that keeps equal keys apart.
    pub const KEY_BYTES_FLOOR: usize = 32;
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            string_bytes_max: Self::STRING_BYTES_MAX,
            total_bytes_max: Self::TOTAL_BYTES_MAX,
            depth_max: Self::DEPTH_MAX,
            items_max: Self::ITEMS_MAX,
        }
    }
}

/// What a caller prints on a line of its own behind a text of which something was cut.
pub const TRUNCATION_MARKER: &str = "[cut here: the rest was over the size limit]";

/// How far a cut moves back to keep a character and its marks together.
const STEPS_BACK_MAX: usize = 40;

/// Where to cut a clean text so that at most so many bytes stay; its length when all may stay.
pub(super) fn cut(text: &str, bytes_max: usize) -> usize {
    if text.len() <= bytes_max {
        return text.len();
    }
    let mut end = text.floor_char_boundary(bytes_max);
    for _ in 0..STEPS_BACK_MAX {
        let extends = text.get(end..).and_then(|tail| tail.chars().next()).is_some_and(extends);
        match last_char(text, end) {
            Some(last) if extends => end -= last.len_utf8(),
            _ => break,
        }
    }
    while let Some(last) = last_char(text, end).filter(|last| needs_next(*last)) {
        end -= last.len_utf8();
    }
    end
}

/// The note of a cut string: where in the raw one, and how much was kept.
pub(super) fn cut_note(class: &'static str, raw: Range<usize>, kept: usize, of: usize) -> Note {
    let what = format!("kept {kept} of {of} bytes").into();
    Note { class, action: Action::Truncated, start: raw.start, end: raw.end, what }
}

fn last_char(text: &str, end: usize) -> Option<char> {
    text.get(..end).and_then(|head| head.chars().next_back())
}

/// Whether a character belongs to the one before it.
fn extends(c: char) -> bool {
    matches!(kind(c), Kind::Joiner | Kind::Selector | Kind::Tag)
        || matches!(c, '\u{1F3FB}'..='\u{1F3FF}')
        || is_mark(c)
}

/// Bytes of a clean string as compact JSON, quotes included.
pub(super) fn json_bytes(text: &str) -> usize {
    let escaped = text.bytes().filter(|b| is_escaped(*b)).count();
    text.len() + escaped + 2
}

/// How many bytes of a clean string fit, when its compact JSON may have so many.
pub(super) fn fitting_bytes(text: &str, json_bytes_max: usize) -> usize {
    let mut left = json_bytes_max.saturating_sub(2);
    let costs = text.bytes().map(|b| 1 + usize::from(is_escaped(b)));
    costs.take_while(|cost| left.checked_sub(*cost).inspect(|rest| left = *rest).is_some()).count()
}

/// What JSON writes with a backslash, among the characters that the sanitizer lets through.
fn is_escaped(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | b'\n' | b'\t' | b'\r')
}
