//! Doubts: calls that started and are not known to have ended, listed for a person and resolved by one.
//!
//! Invariant: nothing is guessed; a doubt goes only by a record that says who resolved it and how.

use super::batch::Batch;
use super::reader::LedgerReader;
use super::row::int;
use super::writer::Failure;
use crate::ledger::entry::{Resolution, Resolved};
use crate::ledger::error::LedgerError;
use crate::ledger::record::Record;
use crate::ledger::report::{CallState, Doubt};
use rusqlite::params;
use std::borrow::Cow;

impl LedgerReader {
    /// The calls in doubt that nobody has resolved, the oldest run last. Those whose effect may be repeated are among them.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] or [`LedgerError::Open`] when the file cannot be read.
    pub fn doubts(&self) -> Result<Vec<Doubt>, LedgerError> {
        let mut doubts = Vec::new();
        for summary in self.runs()?.into_iter().filter(|run| run.unended > 0 || run.failed > 0) {
            let Some(trace) = self.trace(summary.run)? else { continue };
            let open = trace.calls.into_iter().filter(|call| call.state == CallState::InDoubt);
            let open = open.filter(|call| call.resolved.is_none());
            doubts.extend(open.map(|trace| Doubt { run: summary.run, trace }));
        }
        Ok(doubts)
    }
}

/// Resolves one doubt; the number of its record. Of two people who resolve it at once, one does.
pub(super) fn resolve<'a>(
    batch: &mut Batch<'a>,
    resolved: &Resolved,
    record: &'a Record,
) -> Result<Result<u64, LedgerError>, Failure> {
    let call = resolved.call.as_bytes();
    let first = "INSERT OR IGNORE INTO resolved (call) VALUES (?1)";
    if batch.connection.execute(first, params![call])? == 0 {
        return Ok(Err(LedgerError::NotInDoubt(resolved.call)));
    }
    let seq = batch.append(resolved.run.as_bytes(), Cow::Borrowed(record))?;
    match resolved.resolution {
        Resolution::Done => {
            let text =
                "UPDATE keys SET ending = ?2, in_doubt = 0, at_ms = ?3 WHERE call = ?1 AND in_doubt = 1";
            batch.connection.execute(text, params![call, int(seq), int(record.at_ms)])?;
        }
        Resolution::Retry => {
            batch.connection.execute("DELETE FROM keys WHERE call = ?1 AND in_doubt = 1", params![call])?;
        }
        Resolution::Abandon => {}
    }
    Ok(Ok(seq))
}
