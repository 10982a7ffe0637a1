//! What the server needs of a gate, so that the protocol is tested without policy, ledger or sandbox.
//!
//! Invariant: the server learns of tools and runs calls through this alone.

use crate::call::{Outcome, Suggestion};
use crate::catalog::ToolCard;
use crate::ledger::Decided;
use crate::schema::strict::Caps;
use crate::{Gate, ProgressSink, Seams};

/// Who decides when the client's own person does, as the ledger says it.
const CLIENT: &str = "client";

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

    /// Whether the client's own person may approve calls of this tool.
    fn client_approves(&self, tool: &str) -> bool;

    /// Takes the word of the client's own person on an approval of this tool; false when it does not count.
    fn decide(&self, approval: String, tool: &str, approved: bool) -> impl Future<Output = bool> + Send;

    /// Time and entropy.
    fn seams(&self) -> &Seams;
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

    fn client_approves(&self, tool: &str) -> bool {
        self.host().policy.client_approval(tool).is_some()
    }

    async fn decide(&self, approval: String, tool: &str, approved: bool) -> bool {
        let host = self.host();
        let Some(terms) = host.policy.client_approval(tool) else { return false };
        let at_ms = host.seams.now_ms();
        let decided = Decided {
            id: approval,
            approved,
            by: CLIENT.to_owned(),
            why: None,
            signature: None,
            expires_ms: at_ms.saturating_add(terms.expires_ms),
            at_ms,
        };
        let taken = host.ledger.decide(decided).await;
        if let Err(error) = &taken {
            tracing::info!(%error, "the answer of the client's person does not count");
        }
        taken.is_ok()
    }

    fn seams(&self) -> &Seams {
        &self.host().seams
    }
}
