//! A turn: what an agent says about its own run, written in one step with the guards' answer.
//!
//! Not here: which words change anything, and whether they may (`guard/turn`). Invariant: what was refused, or would
//! change nothing, has written nothing.

use super::batch::Batch;
use super::writer::Failure;
use crate::guard::event::Steer;
use crate::ledger::entry::Receipt;
use crate::ledger::error::LedgerError;
use crate::ledger::store::{Answer, Reply, TurnOp};
use std::borrow::Cow;

/// The call first, then the words that change anything.
pub(super) fn turn<'a>(batch: &mut Batch<'a>, op: &'a TurnOp) -> Result<Answer, Failure> {
    let run = op.run.as_bytes();
    if batch.run(run)?.is_none() {
        return Ok(Err(LedgerError::UnknownRun(op.run)));
    }
    let words: Vec<&Steer> = op.words.iter().map(|(word, _)| word).collect();
    let board = batch.board(op.run, None)?;
    let reading = board.turn_reading(op.run, &op.guards);
    let changing = match board.turn(op.run, &words, &op.guards, op.call.at_ms) {
        Ok(changing) => changing,
        Err(refusal) => return Ok(Ok(Reply::Unturned(Some(Box::new(refusal))))),
    };
    if !changing.contains(&true) {
        return Ok(Ok(Reply::Unturned(None)));
    }
    let call = op.call.consulted(reading.as_slice())?;
    let seq = batch.append(run, Cow::Owned(call))?;
    let records = op.words.iter().zip(changing).filter(|(_, changes)| *changes);
    for ((_, record), _) in records {
        batch.append(run, Cow::Borrowed(record))?;
    }
    Ok(Ok(Reply::Written(Receipt { seq, head: [0; 32] })))
}
