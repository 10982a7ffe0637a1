//! Diagnostics: what is wrong with a policy, where, what was found, what was expected, what to do.
//!
//! Plain data that `check --json` prints as it is; drawing it for a terminal belongs to the command
//! line. Invariant: spans lie on character boundaries inside the text they were made for.

use serde::Serialize;
use std::fmt;
use std::ops::Range;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The policy cannot be used.
    Error,
    /// The policy can be used, and probably does not say what its author means.
    Warning,
}

/// A place in a file: bytes, and the line and column where they begin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The kind of thing, one stable snake_case word (`unknown_key`, `zero_limit`, …).
    pub code: &'static str,
    /// One sentence without a full stop.
    pub message: String,
    /// The offending bytes of the text.
    pub span: Range<usize>,
    /// The line where they begin, from 1.
    pub line: usize,
    /// The column where they begin, in characters, from 1.
    pub column: usize,
    /// What stands there.
    pub found: Option<String>,
    /// What could stand there.
    pub expected: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &'static str, place: &Place, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: printable(message),
            span: place.span.clone(),
            line: place.line,
            column: place.column,
            found: None,
            expected: None,
            help: None,
        }
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, place: &Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, place, message) }
    }

    /// The same, with what stands there.
    pub fn found(self, found: impl Into<String>) -> Self {
        Self { found: Some(printable(found)), ..self }
    }

    /// The same, with what could stand there.
    pub fn expected(self, expected: impl Into<String>) -> Self {
        Self { expected: Some(printable(expected)), ..self }
    }

    /// The same, with what to do.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(printable(help)), ..self }
    }
}

/// Everything that is wrong, in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another's.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// True when one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|one| one.severity == Severity::Error)
    }

    /// True when nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// In the order of the text, errors first at one place, without repeats.
    pub(super) fn sorted(mut self) -> Self {
        self.0.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message)));
        self.0.dedup();
        self
    }

    /// The errors alone.
    pub(super) fn errors_only(mut self) -> Self {
        self.0.retain(|one| one.severity == Severity::Error);
        self
    }
}

/// Control characters escaped: a key of the policy may hold some, and a terminal would obey them.
fn printable(text: impl Into<String>) -> String {
    let text: String = text.into();
    if !text.contains(char::is_control) {
        return text;
    }
    let escaped = |c: char| {
        if c.is_control() { c.escape_default().to_string() } else { c.to_string() }
    };
    text.chars().map(escaped).collect()
}

fn key(one: &Diagnostic) -> (usize, Severity, usize, &'static str) {
    (one.span.start, one.severity, one.span.end, one.code)
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl fmt::Display for Diagnostics {
    /// One line each: `12:3 error[unknown_key]: message (found …; expected …; help: …)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, one) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            let severity = match one.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let (line, column) = (one.line, one.column);
            write!(f, "{line}:{column} {severity}[{}]: {}", one.code, one.message)?;
            let notes = [("found ", &one.found), ("expected ", &one.expected), ("help: ", &one.help)];
            for (label, note) in notes {
                if let Some(note) = note {
                    write!(f, "; {label}{note}")?;
                }
            }
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// Where the lines of a text begin.
#[derive(Debug, Clone)]
pub(super) struct LineIndex<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// The place of a span; out-of-range and mid-character ends are moved inwards.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        let start = self.text.floor_char_boundary(span.start.min(self.text.len()));
        let end = self.text.ceil_char_boundary(span.end.clamp(start, self.text.len()));
        let line = self.starts.partition_point(|at| *at <= start).max(1);
        let line_start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(line_start..start).unwrap_or("");
        Place { span: start..end, line, column: before.chars().count() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_counts_characters_and_not_bytes() {
        let place = LineIndex::new("a\nöß = 1").place(7..8);
        assert_eq!((place.line, place.column), (2, 4));
    }

    #[test]
    fn a_span_past_the_end_is_moved_to_the_end() {
        let place = LineIndex::new("ö").place(1..90);
        assert_eq!(place.span, 0..2);
        assert_eq!(LineIndex::new("").place(5..9).span, 0..0);
    }
}
