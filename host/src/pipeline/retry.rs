//! Retry: whether the host executes a call once more by itself, and after which pause.
//!
//! Only what passes by itself is tried again (the tool says `unavailable` or `rate_limited`), only where a repeat
//! is safe (the effect allows it, all attempts having one key, or the tool vouches that nothing was sent), within the
//! call's whole deadline and the tool's retry budget. Not here: how long the pause is (`guard/retry`). Invariant: an
//! attempt is on the ledger before it runs.

use super::ending::RanFacts;
use super::intent;
use super::run::Trip;
use super::sanitize;
use crate::catalog::Tool;
use crate::gate::Host;
use crate::guard::event::Hold;
use crate::guard::pause_ms;
use crate::ledger::{Attempt, LedgerError};
use crate::policy::Effect;
use crate::sandbox::RawFailure;
use std::time::{Duration, Instant};

/// The pause before the next attempt, whose record is written; `None` when there is none.
pub(super) async fn again(
    host: &Host,
    trip: &Trip,
    tool: &Tool,
    failure: &RawFailure,
    facts: &RanFacts,
    allowed: &Hold,
    deadline: Instant,
) -> Result<Option<Duration>, LedgerError> {
    let (settings, made) = (tool.policy.guards.retry, facts.attempts);
    let transient = matches!(failure.kind, "unavailable" | "rate_limited");
    let safe = tool.policy.effect != Effect::Once || !failure.request_sent;
    if !transient || !safe || made >= settings.attempts || !is_paid(tool, facts, allowed) {
        return Ok(None);
    }
    let pause = pause_ms(&settings, made, failure.retry_after_ms, host.seams.random_u64());
    let pause = Duration::from_millis(pause);
    if deadline.saturating_duration_since(Instant::now()) <= pause {
        return Ok(None);
    }
    let attempt = Attempt {
        call: trip.call,
        tool: tool.card.name.clone(),
        attempt: made.saturating_add(1),
        after: failure.kind.to_owned(),
        slow_ms: sanitize::slow_ms(failure),
        budget: settings,
        at_ms: host.seams.now_ms(),
    };
    let durability = intent::durability(tool.policy.effect);
    Ok(host.ledger.attempt(attempt, durability).await?.map(|_| pause))
}

/// Whether the money that is held for the call covers one more attempt, and all that the tool may charge.
fn is_paid(tool: &Tool, facts: &RanFacts, allowed: &Hold) -> bool {
    let own = &tool.policy.guards;
    let made = facts.cost_micro_usd.saturating_add(own.cost_micro_usd);
    made.saturating_add(own.charge_micro_usd_max) <= allowed.cost_micro_usd
}
