//! Approvals: a person's answer to one call, kept until it is used or expires.
//!
//! Not here: which calls need one (`policy/approval`). Invariants: an approval is used once, in the transaction of the
//! intent that uses it; where the policy names an approver's key, only an answer with that key's signature counts,
//! whoever could write the file.

use super::batch::Batch;
use super::reader::LedgerReader;
use super::row::{Call, Run, int, uint};
use super::writer::Failure;
use crate::call::{CallId, RunId};
use crate::ledger::chain;
use crate::ledger::entry::{ApprovalAsk, Decided, NewApproval, Unapproved};
use crate::ledger::error::LedgerError;
use crate::ledger::record::Record;
use crate::ledger::report::{AnswerTrace, ApprovalRow, CallContent, RunTrace};
use ed25519_dalek::{Signature, VerifyingKey};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What an approver signs: this text, then the id, then the binding, then the time until which it can be used, in
/// Unix milliseconds as 8 bytes, the highest first.
const MESSAGE: &[u8] = b"toolgate/approval/1";

/// The bytes that an approval's signature is over (ed25519, RFC 8032).
pub fn approval_message(id: &str, binding: &[u8; 32], expires_ms: u64) -> Vec<u8> {
    [MESSAGE, id.as_bytes(), binding, &expires_ms.to_be_bytes()].concat()
}

/// What an approval is bound to: SHA-256 over principal, tool, arguments, policy and component, each with its length.
pub fn approval_binding(
    principal: &str,
    tool: &str,
    arguments_digest: &[u8; 32],
    policy_digest: &[u8; 32],
    component_digest: &[u8; 32],
) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"toolgate/binding/1");
    let parts: [&[u8]; 5] =
        [principal.as_bytes(), tool.as_bytes(), arguments_digest, policy_digest, component_digest];
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Whether a person has said no to this very call, whatever made them be asked.
pub(super) fn denied(
    connection: &Connection,
    binding: &[u8; 32],
    now_ms: u64,
) -> rusqlite::Result<Option<String>> {
    let text = "SELECT id FROM approvals WHERE binding = ?1 AND state = 'denied' AND expires_ms > ?2 LIMIT 1";
    let mut select = connection.prepare_cached(text)?;
    select.query_row(params![binding, int(now_ms)], |row| row.get(0)).optional()
}

/// The approval that lets this call run, to be used up; or why there is none.
pub(super) fn look_up(
    connection: &Connection,
    ask: &ApprovalAsk,
    now_ms: u64,
) -> rusqlite::Result<Result<String, Unapproved>> {
    let text = "SELECT id, state, expires_ms, signature FROM approvals \
                WHERE binding = ?1 AND state <> 'used' AND expires_ms > ?2 \
                ORDER BY CASE state WHEN 'denied' THEN 0 WHEN 'approved' THEN 1 ELSE 2 END, asked_ms DESC LIMIT 1";
    let mut select = connection.prepare_cached(text)?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, uint(row, 2)?, row.get(3)?))
    };
    let found: Option<(String, String, u64, Option<Vec<u8>>)> =
        select.query_row(params![ask.binding, int(now_ms)], read).optional()?;
    let Some((id, state, expires_ms, signature)) = found else { return Ok(Err(Unapproved::Unasked)) };
    Ok(match state.as_str() {
        "approved" => match counts(ask, &id, expires_ms, signature.as_deref()) {
            Ok(()) => Ok(id),
            Err(void) => Err(Unapproved::Waiting { id, void: Some(void) }),
        },
        "denied" => Err(Unapproved::Denied { id }),
        _ => Err(Unapproved::Waiting { id, void: None }),
    })
}

/// Whether an answer counts.
fn counts(
    ask: &ApprovalAsk,
    id: &str,
    expires_ms: u64,
    signature: Option<&[u8]>,
) -> Result<(), &'static str> {
    let Some(key) = &ask.approver_key else { return Ok(()) };
    let key =
        VerifyingKey::from_bytes(key).map_err(|_| "escalation.approver_key is no ed25519 public key")?;
    let signature = signature.ok_or("it carries no signature, and escalation.approver_key asks for one")?;
    let signature = Signature::from_slice(signature).map_err(|_| "its signature has the wrong length")?;
    let message = approval_message(id, &ask.binding, expires_ms);
    key.verify_strict(&message, &signature)
        .map_err(|_| "its signature is not one of escalation.approver_key over this call")
}

/// Uses an approval up, and with it any other for the same call: two hosts may have asked at once.
pub(super) fn take(connection: &Connection, binding: &[u8; 32]) -> rusqlite::Result<()> {
    let text = "UPDATE approvals SET state = 'used' WHERE binding = ?1 AND state IN ('asked', 'approved')";
    connection.prepare_cached(text)?.execute([binding]).map(|_| ())
}

/// Asks a person.
pub(super) fn ask(
    connection: &Connection,
    new: &(NewApproval, CallId, String),
    run: RunId,
    seq: u64,
    at_ms: u64,
) -> rusqlite::Result<()> {
    let (NewApproval { id, binding, expires_ms }, call, tool) = new;
    let text = "INSERT OR IGNORE INTO approvals (id, binding, run, call, tool, asked, asked_ms, expires_ms, state) \
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'asked')";
    let (run, call) = (run.as_bytes(), call.as_bytes());
    let (seq, at_ms, expires_ms) = (int(seq), int(at_ms), int(*expires_ms));
    let mut insert = connection.prepare_cached(text)?;
    insert.execute(params![id, binding, run, call, tool, seq, at_ms, expires_ms]).map(|_| ())
}

/// Takes a person's answer; the number of its record, or the error that nothing waits.
pub(super) fn decide<'a>(
    batch: &mut Batch<'a>,
    decided: &Decided,
    record: &'a Record,
) -> Result<Result<u64, LedgerError>, Failure> {
    // An answer without a signature does not stand in the way of one that has it.
    let text = "SELECT run FROM approvals WHERE id = ?1 AND expires_ms > ?2 \
                AND (state = 'asked' OR (state = 'approved' AND signature IS NULL AND ?3))";
    let mut select = batch.connection.prepare_cached(text)?;
    let signed = decided.signature.is_some();
    let run: Option<Run> =
        select.query_row(params![decided.id, int(decided.at_ms), signed], |row| row.get(0)).optional()?;
    let Some(Run(run)) = run else { return Ok(Err(LedgerError::NotWaiting(decided.id.clone()))) };
    let seq = batch.append(run.as_bytes(), Cow::Borrowed(record))?;
    let state = if decided.approved { "approved" } else { "denied" };
    let text = "UPDATE approvals SET state = ?2, expires_ms = ?3, by = ?4, signature = ?5 WHERE id = ?1";
    let mut update = batch.connection.prepare_cached(text)?;
    update.execute(params![decided.id, state, int(decided.expires_ms), decided.by, decided.signature])?;
    Ok(Ok(seq))
}

impl LedgerReader {
    /// Every approval that is still of use at this time (`all`: every one), the latest first.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] or [`LedgerError::Open`] when the file cannot be read.
    pub fn approvals(&self, all: bool, now_ms: u64) -> Result<Vec<ApprovalRow>, LedgerError> {
        let read = || {
            let text = "SELECT id, state, approvals.run, approvals.call, tool, asked_ms, expires_ms, by, binding, content \
                        FROM approvals LEFT JOIN events ON events.seq = approvals.asked \
                        WHERE ?1 OR (expires_ms > ?2 AND state <> 'used') ORDER BY asked_ms DESC, id";
            let mut select = self.connection.prepare_cached(text)?;
            let rows = select.query_map(params![all, int(now_ms)], row)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut rows = self.classified(read())?;
        let answered = rows.iter().filter(|row| row.by.is_some());
        let runs: BTreeSet<RunId> = answered.map(|row| row.run).collect();
        for run in runs {
            for answer in self.answers_in(run)? {
                if let Some(row) = rows.iter_mut().find(|row| row.id == answer.approval) {
                    (row.answered_ms, row.why) = (Some(answer.at_ms), answer.why);
                }
            }
        }
        Ok(rows)
    }

    /// The answers to approvals that were asked for in another run than the calls of this one that name them.
    pub(super) fn answers_elsewhere(&self, trace: &RunTrace) -> Result<Vec<AnswerTrace>, LedgerError> {
        let mut named: BTreeSet<&str> =
            trace.calls.iter().filter_map(|call| call.approval.as_deref()).collect();
        for answer in &trace.answers {
            named.remove(answer.approval.as_str());
        }
        let mut answers = Vec::new();
        for id in named {
            let read = || {
                let text = "SELECT run FROM approvals WHERE id = ?1 AND run <> ?2";
                let mut select = self.connection.prepare_cached(text)?;
                select
                    .query_row(params![id, trace.summary.run.as_bytes()], |row| row.get::<_, Run>(0))
                    .optional()
            };
            if let Some(Run(run)) = self.classified(read())? {
                let of_run = self.answers_in(run)?;
                answers.extend(of_run.into_iter().filter(|answer| answer.approval == id));
            }
        }
        Ok(answers)
    }

    /// What people answered about the calls of one run.
    fn answers_in(&self, run: RunId) -> Result<Vec<AnswerTrace>, LedgerError> {
        Ok(self.own_trace(run)?.map(|trace| trace.answers).unwrap_or_default())
    }
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<ApprovalRow> {
    let content: Option<String> = row.get(9)?;
    let content: CallContent = content.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    Ok(ApprovalRow {
        id: row.get(0)?,
        state: row.get(1)?,
        run: row.get::<_, Run>(2)?.0,
        call: row.get::<_, Call>(3)?.0,
        tool: row.get(4)?,
        asked_ms: uint(row, 5)?,
        expires_ms: uint(row, 6)?,
        by: row.get(7)?,
        answered_ms: None,
        why: None,
        binding: chain::hex(&row.get::<_, chain::Hash>(8)?),
        arguments: content.arguments,
        thought: content.thought,
    })
}
