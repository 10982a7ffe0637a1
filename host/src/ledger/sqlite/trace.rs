//! The trace of one run: its records, followed backwards along its own chain, put together call by call.
//!
//! Invariant: a trace shows what is recorded and nothing that is inferred; what was erased is said to be.

use super::fold;
use super::reader::{LedgerReader, StoredRun};
use super::row::{Call, EVENT_COLUMNS, Event, int};
use crate::call::{CallId, RunId};
use crate::ledger::error::LedgerError;
use crate::ledger::guarded::GuardFacts;
use crate::ledger::record::{End, Facts, Kind};
use crate::ledger::report::{
    AnswerTrace, CallContent, CallState, CallTrace, RunSummary, RunTrace, SteeredTrace,
};
use rusqlite::OptionalExtension;
use rusqlite::types::{FromSql, ValueRef};
use std::collections::HashMap;

impl LedgerReader {
    /// One run with its calls; `None` when there is no such run.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] when a record cannot be read, [`LedgerError::Open`] when the file cannot.
    pub fn trace(&self, run: RunId) -> Result<Option<RunTrace>, LedgerError> {
        let Some(mut trace) = self.own_trace(run)? else { return Ok(None) };
        let elsewhere = self.answers_elsewhere(&trace)?;
        trace.answers.extend(elsewhere);
        Ok(Some(trace))
    }

    /// The same from the run's own records alone.
    pub(super) fn own_trace(&self, run: RunId) -> Result<Option<RunTrace>, LedgerError> {
        let Some((summary, events)) = self.classified(self.records(run))? else { return Ok(None) };
        let mut trace = RunTrace {
            summary,
            policy_digest: String::new(),
            goal: None,
            context: None,
            parent: None,
            steered: Vec::new(),
            answers: Vec::new(),
            calls: Vec::new(),
        };
        let mut places = HashMap::new();
        for event in events {
            let seq = event.seq;
            take(&mut trace, &mut places, event)
                .ok_or_else(|| self.place.damaged(&format!("record {seq} cannot be read")))?;
        }
        Ok(Some(trace))
    }

    fn records(&self, run: RunId) -> rusqlite::Result<Option<(RunSummary, Vec<Event>)>> {
        let snapshot = self.connection.unchecked_transaction()?;
        let text = format!("SELECT {} FROM runs WHERE run = ?1 AND id > 0", StoredRun::columns());
        let found = snapshot.query_row(&text, [run.as_bytes()], StoredRun::read).optional()?;
        let Some(mut run) = found else { return Ok(None) };
        let late = fold::late(&snapshot)?;
        late.iter().filter(|late| late.run == run.row).for_each(|late| late.fold_into(&mut run.standing));
        let mut next = run.standing.last_seq;
        let mut select = snapshot.prepare(&format!("SELECT {EVENT_COLUMNS} FROM events WHERE seq = ?1"))?;
        let mut events = Vec::new();
        while next != 0 {
            let event = select.query_row([int(next)], Event::read)?;
            if event.prev >= next {
                return Err(rusqlite::Error::IntegralValueOutOfRange(2, int(event.prev)));
            }
            next = event.prev;
            events.push(event);
        }
        events.reverse();
        Ok(Some((run.summary(), events)))
    }
}

/// Puts one record where it belongs; `None` when it cannot be read.
fn take(trace: &mut RunTrace, places: &mut HashMap<CallId, usize>, event: Event) -> Option<()> {
    let facts: Facts = serde_json::from_str(&event.facts).ok()?;
    let content = match event.content.as_deref() {
        Some("") => Some(CallContent::default()),
        Some(text) => Some(serde_json::from_str::<CallContent>(text).ok()?),
        None => None,
    };
    match Kind::from_code(event.kind)? {
        Kind::RunOpened => {
            trace.policy_digest = facts.policy?;
            let content = content.unwrap_or_default();
            (trace.goal, trace.context) = (content.goal, content.context);
            trace.parent = facts.guard.as_ref().and_then(GuardFacts::parent);
        }
        Kind::Intent | Kind::Unstarted => {
            let call = call_of(&event)?;
            places.insert(call, trace.calls.len());
            trace.calls.push(begin(call, &event, facts, content)?);
        }
        Kind::Ending | Kind::Mark => {
            let place = *places.get(&call_of(&event)?)?;
            end(trace.calls.get_mut(place)?, &event, facts, content)?;
        }
        Kind::Attempt => {
            let place = *places.get(&call_of(&event)?)?;
            trace.calls.get_mut(place)?.attempt = facts.attempt?;
        }
        Kind::Steered => trace.steered.push(SteeredTrace {
            at_ms: event.at_ms,
            steer: facts.steer?,
            by: facts.by.unwrap_or_default(),
            note: content.and_then(|content| content.thought),
        }),
        Kind::Resolved => {
            let place = *places.get(&call_of(&event)?)?;
            let call = trace.calls.get_mut(place)?;
            (call.resolved, call.resolved_by) = (facts.resolution, facts.by);
            call.resolved_ms = Some(event.at_ms);
            if let (Some(whole), Some(given)) = (call.content.as_mut(), content)
                && given.outcome.is_some()
            {
                whole.outcome = given.outcome;
            }
        }
        Kind::Decided => trace.answers.push(AnswerTrace {
            at_ms: event.at_ms,
            approval: facts.approval?,
            approved: facts.approved?,
            by: facts.by.unwrap_or_default(),
            why: content.and_then(|content| content.thought),
        }),
        Kind::HostOpened | Kind::Pruned => return None,
    }
    Some(())
}

fn begin(call: CallId, event: &Event, facts: Facts, content: Option<CallContent>) -> Option<CallTrace> {
    Some(CallTrace {
        call,
        seq: event.seq,
        state: facts.end.map_or(CallState::Started, state),
        tool: facts.tool?,
        effect: facts.effect,
        attempt: facts.attempt.unwrap_or(0),
        at_ms: event.at_ms,
        ended_ms: facts.end.map(|_| event.at_ms),
        reason: facts.reason,
        rules: facts.rules,
        policy_digest: facts.policy?,
        component_digest: facts.component,
        usage: facts.usage,
        approval: facts.approval,
        resolved: None,
        resolved_by: None,
        resolved_ms: None,
        erased: content.is_none(),
        content,
    })
}

fn end(trace: &mut CallTrace, event: &Event, facts: Facts, content: Option<CallContent>) -> Option<()> {
    trace.state = state(facts.end?);
    trace.ended_ms = Some(event.at_ms);
    trace.reason = facts.reason;
    trace.usage = facts.usage;
    match (trace.content.as_mut(), content) {
        (Some(whole), Some(ending)) => {
            (whole.outcome, whole.logs) = (ending.outcome, ending.logs);
            (whole.guards, whole.met) = (ending.guards, ending.met);
        }
        (None, Some(ending)) => trace.content = Some(ending),
        (_, None) => trace.erased = true,
    }
    Some(())
}

fn call_of(event: &Event) -> Option<CallId> {
    Call::column_result(ValueRef::Blob(event.call.as_ref()?)).ok().map(|call| call.0)
}

fn state(end: End) -> CallState {
    match end {
        End::Completed => CallState::Completed,
        End::Failed => CallState::Failed,
        End::InDoubt => CallState::InDoubt,
        End::Abandoned => CallState::Abandoned,
        End::Refused => CallState::Refused,
        End::Recorded => CallState::Recorded,
    }
}
