//! What goes on the ledger beside a call, as the agent said it.
//!
//! Invariant: never a source of authority.

use crate::call::CallMeta;
use serde_json::Value;

/// What goes on the ledger beside the call, as the agent said it.
#[derive(Debug, Default, Clone)]
pub(super) struct Note {
    pub(super) arguments: Option<Value>,
    pub(super) thought: Option<String>,
    pub(super) expected: Option<Value>,
    pub(super) context: Option<Value>,
    pub(super) traceparent: Option<String>,
}

impl Note {
    pub(super) fn of(meta: &CallMeta) -> Self {
        Self {
            arguments: None,
            thought: meta.thought.clone(),
            expected: meta.expected.clone(),
            context: meta.context.clone(),
            traceparent: meta.traceparent.clone(),
        }
    }
}
