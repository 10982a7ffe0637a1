//! Violations: what is wrong with a value, in words that an agent can act on.
//!
//! Invariant: no value of the instance is in them; names of its members appear short and in ASCII.

use super::explain;
use super::limits::VIOLATIONS_MAX;
use jsonschema::ErrorIterator;
use serde_json::Value;
use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON Pointer of the value, each name short and in ASCII; empty for the whole.
    pub path: String,
    /// The keyword of the schema that refuses it.
    pub keyword: String,
    /// What must hold, as in "must be an integer".
    pub expected: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.path.is_empty() { "at the top" } else { &self.path };
        write!(f, "{place}: {}", self.expected)
    }
}

/// What is wrong with a value: one violation or more, eight at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violations {
    kept: Vec<Violation>,
    more: usize,
}

impl Violations {
    /// The violations kept, in the order found.
    pub fn as_slice(&self) -> &[Violation] {
        &self.kept
    }

    /// How many were found beyond those kept.
    pub fn more(&self) -> usize {
        self.more
    }

    pub(super) fn collect(schema: &Value, mut errors: ErrorIterator<'_>) -> Self {
        let kept = errors.by_ref().take(VIOLATIONS_MAX).map(|error| Violation {
            path: explain::path(error.instance_path().as_str()),
            keyword: error.kind().keyword().to_owned(),
            expected: explain::expected(schema, &error),
        });
        let kept = kept.collect();
        Self { kept, more: errors.count() }
    }

    pub(super) fn too_deep() -> Self {
        Self::whole("depth", "must be nested less deep")
    }

    pub(super) fn too_costly() -> Self {
        Self::whole(
            "size",
            "must be smaller or nested less deep: checking it against this schema takes too long",
        )
    }

    pub(super) fn unexplained() -> Self {
        Self::whole("size", "must fit the schema; it is too large for what is wrong to be named")
    }

    fn whole(keyword: &str, expected: &str) -> Self {
        let violation =
            Violation { path: String::new(), keyword: keyword.to_owned(), expected: expected.to_owned() };
        Self { kept: vec![violation], more: 0 }
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.kept.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{violation}")?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for Violations {}
