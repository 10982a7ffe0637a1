//! Decide: the policy's verdict, and the one place that mints a permit.
//!
//! Ends with `denied_by_policy`, `needs_approval`, `rate_limited`. Not here: the rules (`policy/`) and the
//! look-up of the idempotency key, which is one atomic step with the intent (`record::intent`).
//! Invariant: a permit exists only for a call that the policy allowed and that has a place in the queue;
//! it cannot be copied, and execute consumes it.

use super::ending::{Denied, Ending};
use super::run::Trip;
use super::validate::ValidCall;
use crate::call::{CallMeta, Denial};
use crate::catalog::Tool;
use crate::gate::Host;
use crate::policy::{Decision, KeySource, Verdict};
use crate::sandbox::Ticket;
use crate::schema::canonical;
use serde_json::Value;
use std::sync::Arc;

/// When a full queue may have room again.
const QUEUE_RETRY_AFTER_MS: u64 = 250;

/// The sealed, single-use proof that decide said yes.
pub(super) struct Permit {
    tool: Arc<Tool>,
    arguments: Value,
    arguments_digest: [u8; 32],
    key: Option<String>,
    rules: Vec<String>,
    ticket: Ticket,
}

/// What execute takes out of a permit.
pub(super) struct Permitted {
    pub(super) tool: Arc<Tool>,
    pub(super) arguments: Value,
    pub(super) key: Option<String>,
    pub(super) ticket: Ticket,
}

impl Permit {
    pub(super) fn tool(&self) -> &Tool {
        &self.tool
    }

    pub(super) fn arguments(&self) -> &Value {
        &self.arguments
    }

    pub(super) fn arguments_digest(&self) -> [u8; 32] {
        self.arguments_digest
    }

    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    pub(super) fn rules(&self) -> &[String] {
        &self.rules
    }

    /// Spends the permit.
    pub(super) fn spend(self) -> Permitted {
        Permitted { tool: self.tool, arguments: self.arguments, key: self.key, ticket: self.ticket }
    }
}

pub(super) fn decide(host: &Host, trip: &Trip, call: ValidCall) -> Result<Permit, Ending> {
    let name = call.tool().card.name.clone();
    let decision = call.tool().policy.decide(call.arguments());
    match decision.verdict {
        Verdict::Allow => {}
        Verdict::Deny => return Err(denied(&name, decision).into()),
        Verdict::Ask => return Err(needs_approval(&name, decision).into()),
    }
    let Some(ticket) = host.admission.ticket(&name) else {
        let text = "Too many calls are waiting on this host.";
        let operator = "host.queue is full: raise it, or host.concurrency, or make fewer calls at once";
        let denied =
            Denied::new(Denial::RateLimited, text, "Send the same call again a little later.", operator);
        return Err(denied.retry_after_ms(QUEUE_RETRY_AFTER_MS).into());
    };
    let (tool, arguments, meta) = call.into_parts();
    let arguments_digest = canonical::digest(&arguments);
    let key = key(&tool, &meta, trip, &arguments_digest);
    Ok(Permit { tool, arguments, arguments_digest, key, rules: decision.rules, ticket })
}

/// The key under which a repeat is known: the client's own, or one derived from run and arguments.
fn key(tool: &Tool, meta: &CallMeta, trip: &Trip, digest: &[u8; 32]) -> Option<String> {
    match (&meta.idempotency_key, tool.policy.key) {
        (Some(key), _) => Some(format!("client:{key}")),
        (None, KeySource::Client) => None,
        (None, KeySource::Arguments) => {
            Some(format!("arguments:{}:{}", trip.run?, crate::catalog::hex(digest)))
        }
    }
}

fn denied(tool: &str, decision: Decision) -> Denied {
    let hint = decision.hint.unwrap_or_else(|| {
        "Do not repeat this call; reach the goal in another way, or tell the user what is not allowed."
            .to_owned()
    });
    Denied::new(
        Denial::DeniedByPolicy,
        format!("The policy does not allow this call of `{tool}`."),
        hint,
        format!(
            "{} said deny{}; `toolgate explain` shows each condition",
            decision.rules.join(", "),
            at(decision.line)
        ),
    )
    .by(decision.rules)
}

/// Without a person who can be asked, `ask` fails closed.
fn needs_approval(tool: &str, decision: Decision) -> Denied {
    let hint = decision.hint.unwrap_or_else(|| {
        "Tell the user that a person must allow this call, and go on with something else.".to_owned()
    });
    Denied::new(
        Denial::NeedsApproval,
        format!("This call of `{tool}` needs a person's approval, and nobody can be asked here."),
        hint,
        format!(
            "{} said ask{}; this version has no approvals, so the call is refused",
            decision.rules.join(", "),
            at(decision.line)
        ),
    )
    .by(decision.rules)
}

fn at(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" (line {line} of the policy)"))
}
