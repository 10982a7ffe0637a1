//! Hosts that died while others live: their calls get their marks as soon as one of them stands in somebody's way.
//!
//! Not here: what a mark says (`recover`), and who looks: a start that asks for a key or must not happen twice (`key`), or
//! that a guard tells to wait. Invariant: a host is struck out in the step that marks its calls, so that no call is marked
//! twice, not even within one batch, and a host that was wrongly taken for dead finds that it does not count any more.

use super::Place;
use super::batch::Batch;
use super::files;
use super::recover;
use super::row::{int, uint};
use super::writer::Failure;
use crate::call::{Denial, RunId};
use crate::guard::{Ask, Consulted, Why};

/// What the guards say. Where calls that run hold what is missing, they may be a dead host's: then those get their
/// marks, and the guards are asked once more.
pub(super) fn consult(
    batch: &mut Batch<'_>,
    place: &Place,
    own: u64,
    run: RunId,
    ask: &Ask,
) -> Result<Consulted, Failure> {
    let consulted = batch.board(run, Some(&ask.tool))?.admit(ask);
    let probing = Why::BreakerOpen { probing: true };
    let waits = matches!(&consulted.answer, Err(refusal)
        if refusal.code == Denial::RateLimited || refusal.why == probing);
    if !waits || !strike_out_all(batch, place, own, ask.at_ms)? {
        return Ok(consulted);
    }
    Ok(batch.board(run, Some(&ask.tool))?.admit(ask))
}

/// Strikes out every host that died without anybody having noticed. Whether any call got its mark.
pub(super) fn strike_out_all(
    batch: &mut Batch<'_>,
    place: &Place,
    own: u64,
    now_ms: u64,
) -> Result<bool, Failure> {
    let hosts = {
        let mut select = batch.connection.prepare_cached("SELECT id FROM hosts WHERE id <> ?1")?;
        let ids = select.query_map([int(own)], |row| uint(row, 0))?;
        ids.collect::<rusqlite::Result<Vec<u64>>>()?
    };
    let mut marked = false;
    for host in hosts.into_iter().filter(|host| files::is_dead(place, *host)) {
        marked |= strike_out(batch, place, host, now_ms)?;
    }
    Ok(marked)
}

/// Gives every running call of a dead host its mark, and takes the host off the list. Whether there were any.
pub(super) fn strike_out(
    batch: &mut Batch<'_>,
    place: &Place,
    host: u64,
    now_ms: u64,
) -> Result<bool, Failure> {
    let marked = recover::mark_calls_of(batch, host, now_ms)?;
    batch.connection.prepare_cached("DELETE FROM hosts WHERE id = ?1")?.execute([int(host)])?;
    files::forget(place, host);
    Ok(marked)
}
