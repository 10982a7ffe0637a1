//! A finding: one thing the sanitizer saw in what a guest made, and what it did about it.
//!
//! Machine-readable contract: `{"class","action","path","start","end","detail"}`.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Taken out.
    Removed,
    /// Another text stands in its place.
    Replaced,
    /// Left in, and named.
    Labelled,
    /// Everything from here on was cut.
    Truncated,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The kind of thing, one stable snake_case word (`escape_sequence`, `bidi`, `tag_characters`, …).
    pub class: Cow<'static, str>,
    /// What was done.
    pub action: Action,
    /// JSON Pointer (RFC 6901) of the string leaf or key's parent; empty for a plain text or the root.
    pub path: String,
    /// First byte in the raw string.
    pub start: usize,
    /// One past the last byte in the raw string.
    pub end: usize,
    /// What a person needs to know; printable ASCII, and never the found text itself.
    pub detail: String,
}
