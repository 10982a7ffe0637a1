//! Idempotency keys: what a repeat is answered, and when a key is bound and released.
//!
//! Invariant: a key is held from the intent on, in the intent's transaction; afterwards only a completed or
//! in-doubt call keeps it.

use super::batch::Batch;
use super::dead;
use super::files;
use super::row::{Call, int, uint};
use super::writer::{Failure, Own};
use crate::call::CallId;
use crate::ledger::chain::Hash;
use crate::ledger::entry::{Effect, InFlight, Start};
use crate::ledger::error::LedgerError;
use crate::ledger::record::End;
use crate::ledger::report::CallContent;
use crate::ledger::store::StartOp;
use rusqlite::{OptionalExtension, params};

/// A key as it stands.
struct Bound {
    call: CallId,
    arguments: Hash,
    intent: u64,
    ending: Option<u64>,
    in_doubt: bool,
    host: u64,
}

/// What to answer instead of starting; `None` when the call may start.
pub(super) fn look_up(
    own: &Own,
    batch: &mut Batch<'_>,
    scope: &Hash,
    start: &StartOp,
) -> Result<Option<Result<Start, LedgerError>>, Failure> {
    let Some(mut bound) = find(batch, scope)? else { return Ok(None) };
    if bound.ending.is_none() && bound.host != own.host && files::is_dead(&own.place, bound.host) {
        dead::strike_out(batch, &own.place, bound.host, start.record.at_ms)?;
        match find(batch, scope)? {
            Some(marked) => bound = marked,
            None => return Ok(None),
        }
    }
    let Bound { call, intent, host, .. } = bound;
    if bound.arguments != start.arguments {
        return Ok(Some(Ok(Start::KeyMismatch { call })));
    }
    Ok(match bound.ending {
        None => Some(Ok(Start::InFlight(InFlight { call, intent, host }))),
        Some(_) if bound.in_doubt && start.effect.repeatable() => None,
        Some(_) if bound.in_doubt => Some(Ok(Start::InDoubt { call })),
        Some(seq) => Some(recorded(own, batch, seq)?),
    })
}

/// The same call under another key, in doubt: a new key is no way around a doubt. `None` for a call that does no harm
/// twice (a `keyed` one does, under two keys), and where the one in doubt might be repeated.
pub(super) fn doubted(own: &Own, batch: &mut Batch<'_>, start: &StartOp) -> Result<Option<CallId>, Failure> {
    if matches!(start.effect, Effect::ReadOnly | Effect::Idempotent) {
        return Ok(None);
    }
    dead::strike_out_all(batch, &own.place, own.host, start.record.at_ms)?;
    let mut select = batch.connection.prepare_cached(
        "SELECT keys.call FROM keys JOIN events ON events.seq = keys.intent JOIN runs ON runs.id = events.run \
         WHERE keys.in_doubt = 1 AND keys.arguments = ?1 AND runs.principal = ?2 \
         AND json_extract(events.facts, '$.tool') = ?3 AND json_extract(events.facts, '$.effect') = 'once' LIMIT 1",
    )?;
    let call = select.query_row(params![start.arguments, start.principal, start.tool], |row| row.get(0));
    Ok(call.optional()?.map(|Call(call)| call))
}

/// Holds the key for a call that starts.
pub(super) fn hold(
    batch: &Batch<'_>,
    scope: &Hash,
    start: &StartOp,
    intent: u64,
    host: u64,
) -> rusqlite::Result<()> {
    let mut replace = batch.connection.prepare_cached(
        "INSERT OR REPLACE INTO keys (scope, call, arguments, intent, host, ending, in_doubt, at_ms) \
         VALUES (?1, ?2, ?3, ?4, ?5, NULL, 0, ?6)",
    )?;
    let (intent, host, at_ms) = (int(intent), int(host), int(start.record.at_ms));
    replace.execute(params![scope, start.call.as_bytes(), start.arguments, intent, host, at_ms]).map(|_| ())
}

/// Binds or releases the key of a call that ended.
pub(super) fn settle(
    batch: &Batch<'_>,
    scope: &Hash,
    call: CallId,
    end: Option<End>,
    seq: u64,
    at_ms: u64,
) -> rusqlite::Result<()> {
    match end {
        Some(End::Completed | End::InDoubt) => {
            let mut update = batch.connection.prepare_cached(
                "UPDATE keys SET ending = ?3, in_doubt = ?4, at_ms = ?5 WHERE scope = ?1 AND call = ?2",
            )?;
            update.execute(params![scope, call.as_bytes(), int(seq), end == Some(End::InDoubt), int(at_ms)])
        }
        Some(End::Failed | End::Abandoned | End::Refused | End::Recorded) | None => {
            let mut delete =
                batch.connection.prepare_cached("DELETE FROM keys WHERE scope = ?1 AND call = ?2")?;
            delete.execute(params![scope, call.as_bytes()])
        }
    }
    .map(|_| ())
}

fn find(batch: &Batch<'_>, scope: &Hash) -> rusqlite::Result<Option<Bound>> {
    let mut select = batch.connection.prepare_cached(
        "SELECT call, arguments, intent, ending, in_doubt, host FROM keys WHERE scope = ?1",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Bound {
            call: row.get::<_, Call>(0)?.0,
            arguments: row.get(1)?,
            intent: uint(row, 2)?,
            ending: row.get::<_, Option<i64>>(3)?.map(i64::cast_unsigned),
            in_doubt: row.get(4)?,
            host: uint(row, 5)?,
        })
    };
    select.query_row([scope], read).optional()
}

fn recorded(own: &Own, batch: &Batch<'_>, seq: u64) -> Result<Result<Start, LedgerError>, Failure> {
    let content = batch.content(seq)?;
    let read = content.as_deref().and_then(|text| serde_json::from_str::<CallContent>(text).ok());
    Ok(match read.and_then(|content| content.outcome) {
        Some(outcome) => Ok(Start::Recorded(Box::new(outcome))),
        None => Err(own.place.damaged(&format!("the recorded outcome in record {seq} cannot be read"))),
    })
}
