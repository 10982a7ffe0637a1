//! The core of `toolgate sanitize`: one input in, one document out.
//!
//! Not here: reading, splitting into lines, parsing, writing. Shape of a document:
//! `{"output","text","findings","taint","truncated"}`; one that could not be read has `"error"` beside, a
//! sentence that says what to do. Invariant: whatever comes in, there is a document for it.

use super::{Sanitizer, class, clean_line};
use crate::call::{Action, Finding};
use serde_json::{Value, json};

/// The label of everything that comes this way: nobody can say who wrote what arrives on a pipe, so it is
/// never trusted.
pub const TAINT: &str = "outside";

/// One input.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// A whole text. Bytes that are not UTF-8 become U+FFFD, with a finding.
    Text(&'a [u8]),
    /// A JSON value, strictly parsed: a line of JSON Lines.
    Json(Value),
}

/// Sanitizes one input. Of a text, `text` is the outcome and `output` is null; of a JSON value, `output` is
/// the outcome and `text` its compact JSON.
pub fn document(sanitizer: &Sanitizer, input: Input<'_>) -> Value {
    match input {
        Input::Text(bytes) => text(sanitizer, bytes),
        Input::Json(value) => {
            let done = sanitizer.value(value);
            let text = done.value.to_string();
            shape(done.value, text, &done.findings, done.truncated)
        }
    }
}

/// The document of a line that is not JSON, and why it is not; the caller goes on with the next line.
pub fn unreadable(why: &str) -> Value {
    let mut document = shape(Value::Null, String::new(), &[], false);
    let why = clean_line(why);
    let error = format!("not read: {why}; {HINT}");
    if let Some(members) = document.as_object_mut() {
        members.insert("error".into(), error.into());
    }
    document
}

/// What to do about a line that is not JSON.
const HINT: &str =
    "give one JSON value on each line, in UTF-8, or leave out --jsonl to read everything as one text";

fn text(sanitizer: &Sanitizer, bytes: &[u8]) -> Value {
    let raw = String::from_utf8_lossy(bytes);
    let mut done = sanitizer.text(&raw);
    done.findings.splice(..0, invalid_utf8(bytes));
    shape(Value::Null, done.value, &done.findings, done.truncated)
}

/// One finding for all bytes that are not UTF-8. The places of other findings are then bytes of the text
/// after replacement.
fn invalid_utf8(bytes: &[u8]) -> Option<Finding> {
    let start = std::str::from_utf8(bytes).err()?.valid_up_to();
    let broken = bytes.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count();
    Some(Finding {
        class: class::INVALID_UTF8.into(),
        action: Action::Replaced,
        path: String::new(),
        start,
        end: bytes.len(),
        detail: format!("{broken} byte sequences that are not UTF-8, from here on; now U+FFFD"),
    })
}

fn shape(output: Value, text: String, findings: &[Finding], truncated: bool) -> Value {
    json!({
        "output": output,
        "text": text,
        "findings": findings,
        "taint": [TAINT],
        "truncated": truncated,
    })
}
