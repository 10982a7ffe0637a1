//! Decide: the policy's verdict, and the one place that mints a permit.
//!
//! Ends with `killed`, `denied_by_policy`, `rate_limited`. Not here: the rules (`policy/`), and what is one
//! atomic step with the intent (`intent`): the guards' answer to the question that the permit carries, a person's
//! approval, and the look-up of the idempotency key. Invariant: a permit exists only for a call that the policy allowed and that
//! has a place in the queue; it cannot be copied, and execute consumes it.

use super::ending::{Denied, Ending};
use super::run::Trip;
use super::validate::ValidCall;
use super::{approval, ask, fallback};
use crate::call::{CallMeta, Denial};
use crate::catalog::Tool;
use crate::control::Killed;
use crate::gate::Host;
use crate::guard::Ask;
use crate::ledger::ApprovalAsk;
use crate::policy::{Decision, Effect, KeySource, Verdict};
use crate::sandbox::Ticket;
use crate::schema::canonical;
use serde_json::Value;
use std::sync::Arc;

/// Begins a key that the host makes for one call: nobody can repeat it.
const OWN_KEY: &str = "call:";
/// When a full queue may have room again.
const QUEUE_RETRY_AFTER_MS: u64 = 250;

/// The sealed, single-use proof that decide said yes.
pub(super) struct Permit {
    tool: Arc<Tool>,
    arguments: Value,
    arguments_digest: [u8; 32],
    key: Option<String>,
    rules: Vec<String>,
    approval: Option<ApprovalAsk>,
    ask: Ask,
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

    /// Whether the key is the host's, and so this call's alone.
    pub(super) fn has_own_key(&self) -> bool {
        self.key().is_some_and(|key| key.starts_with(OWN_KEY))
    }

    /// What a person must have approved.
    pub(super) fn approval(&self) -> Option<&ApprovalAsk> {
        self.approval.as_ref()
    }

    /// What the guards are asked, in the intent's own step.
    pub(super) fn ask(&self) -> &Ask {
        &self.ask
    }

    /// Asks for one attempt's cost instead of all; false where it already does.
    pub(super) fn ask_for_one_attempt(&mut self) -> bool {
        let own = &self.tool.policy.guards;
        let one = own.cost_micro_usd.saturating_add(own.charge_micro_usd_max);
        let less = one < self.ask.worst.cost_micro_usd;
        self.ask.worst.cost_micro_usd = self.ask.worst.cost_micro_usd.min(one);
        less
    }

    /// Asks at this time: it has waited since it asked first.
    pub(super) fn ask_at(&mut self, at_ms: u64) {
        self.ask.at_ms = at_ms;
    }

    pub(super) fn rules(&self) -> &[String] {
        &self.rules
    }

    /// Spends the permit.
    pub(super) fn spend(self) -> Permitted {
        Permitted { tool: self.tool, arguments: self.arguments, key: self.key, ticket: self.ticket }
    }
}

pub(super) fn decide(host: &Host, trip: &mut Trip, call: ValidCall) -> Result<Permit, Ending> {
    let name = call.tool().card.name.clone();
    let arguments_digest = canonical::digest(call.arguments());
    let fingerprint = ask::fingerprint(call.tool(), call.arguments(), &arguments_digest);
    trip.fingerprint = Some(fingerprint);
    if let Some(killed) = trip.lineage.as_ref().and_then(|run| host.control.check(run, &name)) {
        return Err(switched_off(&killed).into());
    }
    let decision = call.tool().policy.decide(call.arguments());
    match decision.verdict {
        Verdict::Allow => {}
        Verdict::Deny => return Err(denied(&name, decision).into()),
        Verdict::Ask => {}
    }
    let Some(ticket) = host.admission.ticket(&name) else {
        let text = "Too many calls are waiting on this host.";
        let operator = "host.queue is full: raise it, or host.concurrency, or make fewer calls at once";
        let denied =
            Denied::new(Denial::RateLimited, text, "Send the same call again a little later.", operator);
        return Err(denied.retry_after_ms(QUEUE_RETRY_AFTER_MS).into());
    };
    let (tool, arguments, meta) = call.into_parts();
    let key = key(&tool, &meta, trip, &arguments_digest);
    fallback::prepare(host, trip, &tool, &arguments, &meta, &arguments_digest);
    let ask = ask::ask(host, trip, &tool, fingerprint);
    let approval = approval::asks(host, &tool, &decision, meta.ambiguity, &arguments_digest);
    trip.hint = decision.hint.filter(|_| decision.verdict == Verdict::Ask);
    Ok(Permit { tool, arguments, arguments_digest, key, rules: decision.rules, approval, ask, ticket })
}

/// The key under which a repeat is known: the client's own, one derived from run and arguments, or the host's for this
/// call and its attempts.
fn key(tool: &Tool, meta: &CallMeta, trip: &Trip, digest: &[u8; 32]) -> Option<String> {
    match (&meta.idempotency_key, tool.policy.key) {
        (Some(key), _) => Some(format!("client:{key}")),
        // By it the ledger finds the call while it is in doubt, and the tool knows one attempt from another's repeat.
        (None, KeySource::Client) if matches!(tool.policy.effect, Effect::Keyed | Effect::Once) => {
            Some(format!("{OWN_KEY}{}", trip.call))
        }
        (None, KeySource::Client) => None,
        (None, KeySource::Arguments) => Some(format!("arguments:{}:{}", trip.run?, crate::call::hex(digest))),
    }
}

/// The kill switch is on.
pub(super) fn switched_off(killed: &Killed) -> Denied {
    Denied::new(Denial::Killed, killed.agent_text(), killed.agent_hint(), killed.to_string())
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

fn at(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" (line {line} of the policy)"))
}
