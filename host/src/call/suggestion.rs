//! A suggestion: what the model asks for, before anything about it is believed.
//!
//! Not here: any check; `pipeline/propose.rs` makes a `Proposal` of it. Invariant: a suggestion carries
//! no authority; only `decide` can give that.

use serde_json::Value;

/// Arguments as they arrived.
#[derive(Debug, Clone)]
pub enum Arguments {
    /// Raw bytes; propose parses them strictly.
    Raw(Vec<u8>),
    /// A value from a Rust caller or from a line that was already parsed strictly.
    Parsed(Value),
}

impl From<Value> for Arguments {
    fn from(value: Value) -> Self {
        Self::Parsed(value)
    }
}

impl From<&str> for Arguments {
    fn from(text: &str) -> Self {
        Self::Raw(text.as_bytes().to_vec())
    }
}

/// What the agent may say beside the arguments; recorded, and never a source of authority.
#[derive(Debug, Clone, Default)]
pub struct CallMeta {
    /// `toolgate/idempotency-key`.
    pub idempotency_key: Option<String>,
    /// `toolgate/thought`: why the agent wants this.
    pub thought: Option<String>,
    /// `toolgate/expected`: what the agent expects to get.
    pub expected: Option<Value>,
    /// `toolgate/context`: keys such as `project_id`.
    pub context: Option<Value>,
    /// `toolgate/ambiguity`: how unsure the agent is, from 0 to 1.
    pub ambiguity: Option<f64>,
    /// W3C trace context of the caller.
    pub traceparent: Option<String>,
}

/// One suggested call.
#[derive(Debug, Clone)]
pub struct Suggestion {
    /// The run it belongs to, as sent; without one the policy's run identity applies.
    pub run: Option<String>,
    /// The tool's name as the agent wrote it.
    pub tool: String,
    /// The arguments as they arrived.
    pub arguments: Arguments,
    /// What the agent says beside.
    pub meta: CallMeta,
}
