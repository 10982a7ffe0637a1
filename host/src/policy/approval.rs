//! Approval: when a person decides about a call that the rules allow, and whose word counts.
//!
//! Not here: parked calls and their answers (`ledger/`), TOML (`document/`). Invariant: a condition can only
//! turn allow into ask.

use super::compiled::Policy;
use serde::Serialize;

/// When a person decides about a call of one tool: `[tools.NAME.approval]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// How long an approval can be used, in milliseconds.
    pub expires_ms: u64,
    /// Ask where the declared risk is at least this, from 1 to 100.
    pub risk: Option<u8>,
    /// Ask where the run, or one above it, has spent at least this, in micro-USD.
    pub spent_micro_usd: Option<u64>,
    /// Ask where the agent declares at least this much ambiguity, in percent.
    pub ambiguity_percent: Option<u8>,
    /// Whether the client's own person may approve.
    pub client: bool,
}

/// Whose word approves: `[escalation]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Escalation {
    /// The ed25519 public key (RFC 8032, 32 bytes as encoded there) whose signature every approval must
    /// carry. Not checked to be a point of the curve. Without one the command line trusts the user of the
    /// operating system.
    pub approver_key: Option<[u8; 32]>,
}

impl Approval {
    /// Whether an allowed call may need a person.
    pub fn has_conditions(&self) -> bool {
        self.risk.is_some() || self.spent_micro_usd.is_some() || self.ambiguity_percent.is_some()
    }

    /// Whether a call that the rules allow needs a person, whatever its run has spent: that is known only on the
    /// ledger.
    ///
    /// `risk` is [`super::Decision::risk`], `ambiguity` what the agent declares, from 0 to 1; one that declares none is
    /// not unsure.
    pub fn asks(&self, risk: u8, ambiguity: Option<f64>) -> bool {
        // The division gives the very float that the decimal would: 57 / 100 is 0.57.
        let is_unsure = |percent: u8| ambiguity.is_some_and(|share| share >= f64::from(percent) / 100.0);
        self.risk.is_some_and(|limit| risk >= limit) || self.ambiguity_percent.is_some_and(is_unsure)
    }
}

impl Policy {
    /// How calls of this tool are approved, where the client's own person may do that. Never where an approval must be
    /// signed: a client cannot vouch for its person.
    pub fn client_approval(&self, tool: &str) -> Option<&Approval> {
        let approval = &self.tools.get(tool)?.approval;
        (approval.client && self.escalation.approver_key.is_none()).then_some(approval)
    }
}

impl Default for Approval {
    fn default() -> Self {
        Self {
            expires_ms: 900_000,
            risk: None,
            spent_micro_usd: None,
            ambiguity_percent: None,
            client: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_conditions_nothing_is_asked() {
        assert!(!Approval::default().asks(100, Some(1.0)));
    }

    #[test]
    fn each_condition_asks_at_its_value_and_not_below() {
        let approval = Approval { risk: Some(70), ambiguity_percent: Some(60), ..Approval::default() };
        assert!(approval.asks(70, None));
        assert!(approval.asks(69, Some(0.6)));
        assert!(!approval.asks(69, Some(0.599)));
        assert!(!approval.asks(69, None));
    }

    #[test]
    fn ambiguity_of_exactly_the_written_share_asks_for_every_percent() {
        for percent in 1..=100_u8 {
            let approval = Approval { ambiguity_percent: Some(percent), ..Approval::default() };
            let written: f64 = format!("{}.{:02}", percent / 100, percent % 100).parse().unwrap();
            assert!(approval.asks(0, Some(written)), "{percent}");
        }
    }
}
