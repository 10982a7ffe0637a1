//! The size of a value, by a walk without recursion, so that a value of any depth can be measured.

use super::strict::DEPTH_MAX;
use serde_json::Value;

/// How large a value is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measure {
    /// Values within it, itself included.
    pub(super) nodes: u64,
    /// Nested arrays and objects.
    pub(super) depth: usize,
    /// Bytes as compact JSON, at least: escapes and the digits of numbers are not counted.
    pub(super) bytes: usize,
}

impl Measure {
    /// Measures `value`; stops at the first level deeper than [`DEPTH_MAX`].
    pub(super) fn of(value: &Value) -> Self {
        let mut measure = Self::default();
        let mut open = vec![(value, 1)];
        while let Some((value, depth)) = open.pop() {
            measure.nodes += 1;
            measure.bytes += 1;
            match value {
                Value::Null | Value::Bool(_) | Value::Number(_) => continue,
                Value::String(text) => {
                    measure.bytes += text.len() + 1;
                    continue;
                }
                Value::Array(items) => {
                    measure.bytes += items.len().saturating_sub(1);
                    open.extend(items.iter().map(|item| (item, depth + 1)));
                }
                Value::Object(members) => {
                    measure.bytes += members.keys().map(|name| name.len() + 3).sum::<usize>();
                    measure.bytes += members.len().saturating_sub(1);
                    open.extend(members.values().map(|member| (member, depth + 1)));
                }
            }
            measure.depth = measure.depth.max(depth);
            measure.bytes += 1;
            if depth > DEPTH_MAX {
                break;
            }
        }
        measure
    }
}
