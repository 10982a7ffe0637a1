//! The question that decide puts to the guards: who calls what, how it compares to other calls, and what it may
//! cost at most.
//!
//! Not here: the answer (`guard/`, in the transaction that writes the intent). Invariant: a hold names only
//! what the policy bounds, and at least all that the sandbox would let the call spend of it.

use super::run::Trip;
use crate::call::RunId;
use crate::catalog::Tool;
use crate::gate::Host;
use crate::guard::event::{Fingerprint, Hold};
use crate::guard::{Ask, near};
use crate::policy::Effect;
use crate::schema::canonical;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Bytes of a token, about.
pub(super) const TOKEN_BYTES: u64 = 4;

/// What the tool returned, as a number: equal results have equal ones.
pub(super) fn result_print(output: &Value) -> u64 {
    first_bytes(&canonical::digest(output))
}

/// Tool and arguments as two numbers: the exact call, and the call after what makes no difference is taken away.
pub(super) fn fingerprint(tool: &Tool, arguments: &Value, digest: &[u8; 32]) -> Fingerprint {
    let normal = near(arguments, &tool.input_schema);
    let exact = print(&tool.card.name, digest);
    let near = if normal == *arguments { exact } else { print(&tool.card.name, &canonical::digest(&normal)) };
    Fingerprint { exact, near }
}

/// What the guards are asked about a call that the policy allows.
pub(super) fn ask(host: &Host, trip: &Trip, tool: &Tool, fingerprint: Fingerprint) -> Ask {
    let guards = &host.policy.run.guards;
    let (limits, budgets, own) = (&tool.policy.limits, &guards.budgets, &tool.policy.guards);
    let attempts = u64::from(attempts(tool));
    let wall_ms = u64::try_from(limits.call_deadline.as_millis()).unwrap_or(u64::MAX);
    let at_ms = u64::try_from(trip.started_unix.as_millis()).unwrap_or(u64::MAX);
    // What the policy does not bound is not held: nothing could run out of it.
    let if_bounded = |bound: Option<u64>, amount: u64| bound.map_or(0, |_| amount);
    let worst = Hold {
        cost_micro_usd: own.cost_micro_usd.saturating_mul(attempts).saturating_add(own.charge_micro_usd_max),
        tokens: if_bounded(budgets.tokens, tokens(limits.output_bytes)),
        wall_ms: if_bounded(budgets.wall_ms, wall_ms),
        fuel: if_bounded(budgets.fuel, limits.fuel.saturating_mul(attempts)),
        host_calls: if_bounded(budgets.host_calls, limits.fuel / crate::sandbox::HOST_CALL_FUEL),
        output_bytes: if_bounded(budgets.output_bytes, limits.output_bytes),
    };
    Ask {
        // Propose found the run before anything else; a call without one never gets here.
        run: trip.run.unwrap_or_else(|| RunId::new(0, [0; 10])),
        call: trip.call,
        tool: tool.card.name.clone(),
        fingerprint,
        worst,
        until_ms: at_ms.saturating_add(wall_ms),
        at_ms,
        run_guards: Arc::clone(guards),
        spend: Arc::clone(&host.policy.spend),
        tool_guards: Arc::clone(own),
    }
}

/// How often the host may execute the call: once where a repeat could do harm, unless the tool itself vouches for
/// an attempt that nothing was sent.
pub(super) fn attempts(tool: &Tool) -> u32 {
    let attempts = tool.policy.guards.retry.attempts.max(1);
    if tool.policy.effect == Effect::Once && tool.policy.guards.cost_micro_usd > 0 { 1 } else { attempts }
}

/// Tokens of so many bytes.
pub(super) fn tokens(bytes: u64) -> u64 {
    bytes.div_ceil(TOKEN_BYTES)
}

fn print(tool: &str, digest: &[u8; 32]) -> u64 {
    let mut hash = Sha256::new();
    hash.update(tool.as_bytes());
    hash.update([0]);
    hash.update(digest);
    first_bytes(&hash.finalize().into())
}

fn first_bytes(digest: &[u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *digest;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}
