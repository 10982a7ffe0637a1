//! What the server needs of a gate, so that the protocol is tested without policy, ledger or sandbox.
//!
//! Invariant: the server learns of tools and runs calls through this alone.

use crate::call::{Outcome, Suggestion};
use crate::catalog::ToolCard;
use crate::schema::strict::Caps;
use crate::{Gate, ProgressSink};

/// Tools and their calls.
pub(super) trait Backend: Send + Sync + 'static {
    /// What clients see of the tools; sanitized.
    fn tools(&self) -> impl Iterator<Item = &ToolCard>;

    /// Caps of the arguments of one call.
    fn strict_caps(&self) -> Caps;

    /// Runs one call to its outcome, which is sanitized. Dropping the future cancels the call.
    fn call(
        &self,
        suggestion: Suggestion,
        progress: Option<ProgressSink>,
    ) -> impl Future<Output = Outcome> + Send;
}

impl Backend for Gate {
    fn tools(&self) -> impl Iterator<Item = &ToolCard> {
        Self::tools(self)
    }

    fn strict_caps(&self) -> Caps {
        Self::strict_caps(self)
    }

    fn call(
        &self,
        suggestion: Suggestion,
        progress: Option<ProgressSink>,
    ) -> impl Future<Output = Outcome> + Send {
        Self::call(self, suggestion, progress)
    }
}
