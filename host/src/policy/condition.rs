//! Conditions: one test on the value that a JSON Pointer finds in the arguments.
//!
//! Not here: how conditions are written (`document/condition.rs`). Invariant: a test cannot fail to
//! answer. Patterns are linear-time and bounded when they are compiled, and comparing stops at the
//! depth of the policy's own value, so no argument can make a test slow, deep or wrong.

use super::diagnostic::Place;
use super::number;
use regex::Regex;
use serde::{Serialize, Serializer};
use serde_json::{Number, Value, json};
use std::cmp::Ordering;
use std::fmt;

/// One test on the arguments.
#[derive(Debug, Clone)]
pub struct Condition {
    /// Which value.
    pub pointer: Pointer,
    /// What must be true of it.
    pub test: Test,
    /// Where it stands in the policy.
    pub place: Place,
}

/// A well-formed JSON Pointer (RFC 6901): empty, or `/`-led steps with `~0` for `~` and `~1` for `/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Pointer(String);

impl Pointer {
    /// Reads one; `None` when it is not well formed.
    pub fn parse(text: &str) -> Option<Self> {
        let well_led = text.is_empty() || text.starts_with('/');
        let well_escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        (well_led && well_escaped).then(|| Self(text.to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What must be true of the value. An absent value fails every test but [`Test::Present`], and so does
/// a value of a kind that the test does not speak about.
#[derive(Debug, Clone)]
pub enum Test {
    /// The same value; numbers by value, objects in any order.
    Equals(Value),
    /// The same as one of these.
    In(Vec<Value>),
    /// A string in which the pattern matches somewhere; `^` and `$` tie it to the ends.
    Matches(Regex),
    /// A number between these, both included.
    Range {
        /// No less than this.
        min: Option<Number>,
        /// No more than this.
        max: Option<Number>,
    },
    /// A string of so many characters (Unicode scalar values), an array of so many items, an object of
    /// so many members; both included.
    Length {
        /// No fewer than this.
        min: Option<u64>,
        /// No more than this.
        max: Option<u64>,
    },
    /// There at all, or not; `null` is there.
    Present(bool),
}

impl Condition {
    /// True when the arguments pass.
    pub fn holds(&self, arguments: &Value) -> bool {
        self.test.holds(arguments.pointer(self.pointer.as_str()))
    }
}

impl Test {
    /// True when the value, or its absence, passes.
    pub fn holds(&self, value: Option<&Value>) -> bool {
        let Some(value) = value else {
            return matches!(self, Self::Present(false));
        };
        match self {
            Self::Equals(expected) => same(expected, value),
            Self::In(expected) => expected.iter().any(|one| same(one, value)),
            Self::Matches(pattern) => value.as_str().is_some_and(|text| pattern.is_match(text)),
            Self::Range { min, max } => value.as_number().is_some_and(|number| {
                let above = |min: &Number| {
                    matches!(number::compare(number, min), Some(Ordering::Greater | Ordering::Equal))
                };
                let below = |max: &Number| {
                    matches!(number::compare(number, max), Some(Ordering::Less | Ordering::Equal))
                };
                min.as_ref().is_none_or(above) && max.as_ref().is_none_or(below)
            }),
            Self::Length { min, max } => length(value).is_some_and(|length| {
                min.is_none_or(|min| length >= min) && max.is_none_or(|max| length <= max)
            }),
            Self::Present(expected) => *expected,
        }
    }

    /// The key that names it in a policy.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Equals(_) => "equals",
            Self::In(_) => "in",
            Self::Matches(_) => "matches",
            Self::Range { .. } => "range",
            Self::Length { .. } => "length",
            Self::Present(_) => "present",
        }
    }

    /// What it compares with, as JSON.
    pub fn operand(&self) -> Value {
        match self {
            Self::Equals(value) => value.clone(),
            Self::In(values) => Value::Array(values.clone()),
            Self::Matches(pattern) => json!(pattern.as_str()),
            Self::Range { min, max } => {
                bounds(min.clone().map(Value::Number), max.clone().map(Value::Number))
            }
            Self::Length { min, max } => bounds(min.map(Value::from), max.map(Value::from)),
            Self::Present(expected) => json!(expected),
        }
    }
}

impl PartialEq for Test {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name() && same(&self.operand(), &other.operand())
    }
}

impl Serialize for Test {
    /// An object of one member: the test's name and what it compares with.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.name(), self.operand())])
    }
}

/// The same JSON value: numbers by value, objects without order. Goes no deeper than `expected` does.
pub(super) fn same(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Number(a), Value::Number(b)) => number::compare(a, b) == Some(Ordering::Equal),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            let member = |(key, a): (&String, &Value)| b.get(key).is_some_and(|b| same(a, b));
            a.len() == b.len() && a.iter().all(member)
        }
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::String(a), Value::String(b)) => a == b,
        _ => false,
    }
}

fn length(value: &Value) -> Option<u64> {
    let length = match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => return None,
    };
    u64::try_from(length).ok()
}

fn bounds(min: Option<Value>, max: Option<Value>) -> Value {
    let ends = [("min", min), ("max", max)].into_iter();
    Value::Object(ends.filter_map(|(name, end)| Some((name.to_owned(), end?))).collect())
}
