//! Approval: which calls a person decides about, and what the agent is told meanwhile.
//!
//! Ends with `needs_approval`. Not here: the answer, which is looked up and used in the intent's own step (`ledger/`).
//! Invariant: a person approves this call of this tool, as this policy and this component would run it, once.

use super::ending::Denied;
use super::run::Trip;
use crate::call::Denial;
use crate::catalog::Tool;
use crate::gate::Host;
use crate::ledger::{ApprovalAsk, NewApproval, Unapproved, approval_binding};
use crate::policy::{Decision, Verdict};

/// When an agent may ask again whether a person has answered.
const ASK_AGAIN_MS: u64 = 30_000;

/// What must be approved of a call that the policy allows or asks about; `None` when nothing ever must be.
pub(super) fn asks(
    host: &Host,
    tool: &Tool,
    decision: &Decision,
    ambiguity: Option<f64>,
    arguments: &[u8; 32],
) -> Option<ApprovalAsk> {
    let approval = &tool.policy.approval;
    let always = decision.verdict == Verdict::Ask || approval.asks(decision.risk, ambiguity);
    // What the run has spent is known only on the ledger, so that condition goes along.
    let spent_micro_usd = approval.spent_micro_usd;
    // A no stands, whatever made the person be asked: so the ledger is asked wherever one may have been given.
    (always || approval.has_conditions()).then(|| ApprovalAsk {
        binding: binding(host, tool, arguments),
        always,
        spent_micro_usd,
        approver_key: host.policy.escalation.approver_key,
    })
}

/// The refusal of a call that waits for a person; where nobody was asked yet, the record of it asks.
pub(super) fn unapproved(
    host: &Host,
    trip: &mut Trip,
    ask: &ApprovalAsk,
    tool: &Tool,
    why: Unapproved,
) -> Denied {
    let name = &tool.card.name;
    let now_ms = host.seams.now_ms();
    let (id, text, void) = match why {
        Unapproved::Denied { id } => {
            trip.approval = Some(id.clone());
            return Denied::new(
                Denial::NeedsApproval,
                format!("A person was asked about this call of `{name}`, and said no."),
                "Do not ask again; reach the goal in another way, or tell the user that it was not allowed.",
                format!("{id} was denied; `toolgate approvals --all` shows it"),
            );
        }
        Unapproved::Waiting { id, void } => (id, "A person has been asked about this call", void),
        Unapproved::Unasked => {
            let id = host.seams.approval_id();
            let expires_ms = now_ms.saturating_add(tool.policy.approval.expires_ms);
            trip.asked = Some(NewApproval { id: id.clone(), binding: ask.binding, expires_ms });
            (id, "A person must allow this call first, and has been asked", None)
        }
    };
    trip.approval = Some(id.clone());
    let hint = trip.hint.take().unwrap_or_else(|| {
        "Go on with something else, and send the very same call again later: then it runs if it was allowed."
            .to_owned()
    });
    let void = void.map_or_else(String::new, |void| format!("; the answer given does not count: {void}"));
    Denied::new(
        Denial::NeedsApproval,
        format!("{text} (`{id}`)."),
        hint,
        format!("`toolgate approve {id}` or `toolgate deny {id} --why TEXT` answers{void}"),
    )
    .retry_after_ms(ASK_AGAIN_MS)
}

fn binding(host: &Host, tool: &Tool, arguments: &[u8; 32]) -> [u8; 32] {
    let (policy, component) = (&host.policy.digest, &tool.component_digest);
    approval_binding(&host.policy.host.principal, &tool.card.name, arguments, policy, component)
}
