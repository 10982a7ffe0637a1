//! Strict JSON on raw bytes: what a line, an argument text or a tool's output must be before anything reads it.
//!
//! RFC 8259, and stricter where that RFC leaves a choice: names within an object differ (compared decoded),
//! nesting is bounded, every number fits the types it will live in, text is UTF-8 without a byte order mark and
//! without lone surrogates. Not here: shapes and schemas. Invariant: whatever [`scan`] accepts, `serde_json`
//! parses without loss of a key or of an integer's digits.

use super::scanner::Scanner;
use serde_json::Value;
use std::fmt;

/// Deepest nesting accepted, in arrays and objects. `serde_json` refuses 128, so one more here would break the
/// invariant that scanned text parses.
pub const DEPTH_MAX: usize = 127;

/// Bytes of one text accepted by default: four times what a tool may return (256 KiB), and far more than a
/// model writes as arguments.
pub const BYTES_MAX: usize = 1024 * 1024;

/// How large and how deep one JSON text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Most bytes, whitespace included.
    pub bytes_max: usize,
    /// Most nested arrays and objects; values over [`DEPTH_MAX`] count as [`DEPTH_MAX`].
    pub depth_max: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { bytes_max: BYTES_MAX, depth_max: DEPTH_MAX }
    }
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StrictKind {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text is not JSON (RFC 8259).
    Syntax,
    /// A name stands twice in one object, once its escapes are decoded.
    DuplicateKey,
    /// Arrays and objects are nested too deep.
    TooDeep,
    /// A number does not fit: an integer outside 64 bits, or a fraction outside the doubles.
    NumberOutOfRange,
    /// The text is over its size limit.
    TooLarge,
    /// Something follows the value.
    TrailingData,
}

/// Why a text is refused, and where.
///
/// Shows as one sentence that an agent can act on. It holds nothing of the input but, for a duplicate, the
/// name, shortened and in printable ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrictError {
    /// What is wrong.
    pub kind: StrictKind,
    /// Where, in bytes from the start.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
    /// What is wrong and what to do, without the position.
    pub message: String,
}

impl fmt::Display for StrictError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == StrictKind::TooLarge {
            return f.write_str(&self.message);
        }
        write!(f, "line {} column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for StrictError {}

/// Checks `bytes` as one strict JSON text within the default [`Caps`], building no value.
///
/// # Errors
/// The first fault in the text, and for a duplicate name the earliest in its object.
pub fn scan(bytes: &[u8]) -> Result<(), StrictError> {
    scan_within(bytes, &Caps::default())
}

/// As [`scan`], within `caps`.
///
/// # Errors
/// As [`scan`].
pub fn scan_within(bytes: &[u8], caps: &Caps) -> Result<(), StrictError> {
    Scanner::check(bytes, caps).map_err(|fault| locate(bytes, fault))
}

/// Parses `bytes` as one strict JSON text within `caps`.
///
/// # Errors
/// As [`scan`].
pub fn parse(bytes: &[u8], caps: &Caps) -> Result<Value, StrictError> {
    scan_within(bytes, caps)?;
    // The scan accepts only what `serde_json` accepts; should they ever differ, the text is refused.
    serde_json::from_slice(bytes).map_err(|_| {
        let message = "this is not JSON that can be read; write it again, plainly".to_owned();
        locate(bytes, Fault::new(StrictKind::Syntax, 0, message))
    })
}

/// A fault before its line and column are counted.
#[derive(Debug)]
pub(super) struct Fault {
    kind: StrictKind,
    offset: usize,
    message: String,
}

impl Fault {
    pub(super) fn new(kind: StrictKind, offset: usize, message: impl Into<String>) -> Self {
        Self { kind, offset, message: message.into() }
    }
}

#[cold]
fn locate(bytes: &[u8], fault: Fault) -> StrictError {
    let before = bytes.get(..fault.offset).unwrap_or(bytes);
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let is_char_start = |byte: &&u8| (**byte & 0xC0) != 0x80;
    StrictError {
        kind: fault.kind,
        offset: fault.offset,
        line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
        column: before.iter().skip(line_start).filter(is_char_start).count() + 1,
        message: fault.message,
    }
}
