//! Fallback: what the agent gets when a tool fails or is left alone.
//!
//! Not here: when it is used and how the result is marked (`pipeline/fallback.rs`), TOML (`document/`). Invariant: the
//! tool of [`Instead::Tool`] exists and is read-only, and following fallbacks always comes to an end.

use super::template::Template;
use serde::Serialize;
use serde_json::Value;

/// What the agent gets instead, and what the user may be told: `[tools.NAME.fallback]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fallback {
    /// What the agent gets.
    pub instead: Instead,
    /// A sentence that the user may be told.
    pub say: Option<String>,
}

/// What the agent gets instead of the tool's result.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Instead {
    /// This output. The policy's text cannot tell whether it is true to the tool's output schema.
    Value(Value),
    /// The last good output for the same arguments.
    LastGood {
        /// No older than this, in milliseconds.
        max_age_ms: u64,
    },
    /// What this tool gives for the same arguments and key, under all of its own checks. It only reads.
    Tool(String),
    /// This text, for the agent.
    Text(Template),
}

impl Instead {
    /// The stable word, the same as its key in a policy.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Value(_) => "value",
            Self::LastGood { .. } => "last_good",
            Self::Tool(_) => "tool",
            Self::Text(_) => "text",
        }
    }
}
