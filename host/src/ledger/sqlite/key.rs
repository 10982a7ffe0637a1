//! Idempotency keys: what a repeat is answered, and when a key is bound and released.
//!
//! Invariant: a key is held from the intent on, in the intent's transaction; afterwards only a completed or
//! in-doubt call keeps it.

use super::batch::Batch;
use super::files;
use super::recover;
use super::row::{Call, int, uint};
use super::writer::{Failure, Own};
use crate::call::CallId;
use crate::ledger::chain::Hash;
use crate::ledger::entry::{InFlight, Start};
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
    ending: Option<i64>,
    in_doubt: bool,
    /// The host of a call that still runs.
    host: Option<i64>,
}

/// What to answer instead of starting; `None` when the call may start.
pub(super) fn look_up(
    own: &Own,
    batch: &mut Batch<'_>,
    scope: &Hash,
    start: &StartOp,
) -> Result<Option<Result<Start, LedgerError>>, Failure> {
    let Some(mut bound) = find(batch, scope)? else { return Ok(None) };
    if let Some(host) = bound.host.map(i64::cast_unsigned).filter(|host| *host != own.host)
        && files::is_dead(&own.place, host)
    {
        recover::mark_calls_of(batch, host, start.record.at_ms)?;
        match find(batch, scope)? {
            Some(marked) => bound = marked,
            None => return Ok(None),
        }
    }
    let Bound { call, intent, .. } = bound;
    if bound.arguments != start.arguments {
        return Ok(Some(Ok(Start::KeyMismatch { call })));
    }
    Ok(match (bound.ending, bound.host) {
        (Some(_), _) if bound.in_doubt && start.effect.repeatable() => None,
        (Some(_), _) if bound.in_doubt => Some(Ok(Start::InDoubt { call })),
        (Some(seq), _) => Some(recorded(own, batch, seq.cast_unsigned())?),
        (None, Some(host)) => Some(Ok(Start::InFlight(InFlight { call, intent, host: host.cast_unsigned() }))),
        (None, None) => Some(Err(own.place.damaged(&format!("the key of {call} is held by no running call")))),
    })
}

/// Holds the key for a call that starts.
pub(super) fn hold(batch: &Batch<'_>, scope: &Hash, start: &StartOp, intent: u64) -> rusqlite::Result<()> {
    let mut replace = batch.connection.prepare_cached(
        "INSERT OR REPLACE INTO keys (scope, call, arguments, intent, ending, in_doubt, at_ms) \
         VALUES (?1, ?2, ?3, ?4, NULL, 0, ?5)",
    )?;
    let (intent, at_ms) = (int(intent), int(start.record.at_ms));
    replace.execute(params![scope, start.call.as_bytes(), start.arguments, intent, at_ms]).map(|_| ())
}

/// Binds or releases the key of a call that ended.
pub(super) fn settle(
    batch: &Batch<'_>,
    scope: &Hash,
    call: CallId,
    end: End,
    seq: u64,
    at_ms: u64,
) -> rusqlite::Result<()> {
    match end {
        End::Completed | End::InDoubt => {
            let mut update = batch.connection.prepare_cached(
                "UPDATE keys SET ending = ?3, in_doubt = ?4, at_ms = ?5 WHERE scope = ?1 AND call = ?2",
            )?;
            update.execute(params![scope, call.as_bytes(), int(seq), end == End::InDoubt, int(at_ms)])
        }
        End::Failed | End::Abandoned | End::Refused | End::Recorded => {
            let mut delete = batch.connection.prepare_cached("DELETE FROM keys WHERE scope = ?1 AND call = ?2")?;
            delete.execute(params![scope, call.as_bytes()])
        }
    }
    .map(|_| ())
}

fn find(batch: &Batch<'_>, scope: &Hash) -> rusqlite::Result<Option<Bound>> {
    let mut select = batch.connection.prepare_cached(
        "SELECT keys.call, keys.arguments, keys.intent, keys.ending, keys.in_doubt, running.host \
         FROM keys LEFT JOIN running ON running.seq = keys.intent WHERE keys.scope = ?1",
    )?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Bound {
            call: row.get::<_, Call>(0)?.0,
            arguments: row.get(1)?,
            intent: uint(row, 2)?,
            ending: row.get(3)?,
            in_doubt: row.get(4)?,
            host: row.get(5)?,
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
