//! The verdicts of the board: may this call run, may it be retried, has the run overrun.
//!
//! Not here: the guards, each in its own file. Invariant: pure; a verdict changes nothing, and a state that was
//! not loaded refuses.

use super::board::Board;
use super::budget::Budget;
use super::inquiry::{Inquiry, No};
use super::retry;
use super::run::{Course, RunState};
use super::settings::{Retry, RunGuards};
use super::verdict::{Admission, Ask, Consulted, Why};
use crate::call::{Denial, RunId};

/// Guards that an ask passes; readings rarely exceed it.
const READINGS: usize = 20;

impl Board {
    /// Decides on one call.
    ///
    /// Pure: the call counts once its intent's event is applied, and that intent must hold `allowed`. Needs every
    /// scope that [`missing`](Self::missing) asks for; without them the run is unknown.
    pub fn admit(&self, ask: &Ask) -> Consulted {
        let lineage = self.lineage(ask.run);
        let Some(mut inquiry) = self.inquiry(ask, &lineage) else {
            let unknown = No::new(Denial::UnknownRun, ask.run, Why::UnknownRun);
            return Consulted { answer: Err(unknown.refusal(ask.run)), readings: Vec::new() };
        };
        let walked = inquiry.walk();
        let Inquiry { notices, readings, .. } = inquiry;
        let answer = walked.map(|allowed| Admission { allowed, notices }).map_err(|no| no.refusal(ask.run));
        Consulted { answer, readings }
    }

    /// `None` where something that the ask needs is not in memory.
    fn inquiry<'a>(&'a self, ask: &'a Ask, lineage: &'a [(RunId, &'a RunState)]) -> Option<Inquiry<'a>> {
        if self.missing(ask.run, Some(&ask.tool)).is_some() {
            return None;
        }
        let (_, own) = lineage.first()?;
        Some(Inquiry {
            ask,
            lineage,
            own,
            tool: self.tool(&ask.tool)?,
            principal: self.principal(own.principal.as_deref()?)?,
            readings: Vec::with_capacity(READINGS),
            notices: Vec::new(),
        })
    }

    /// Whether the tool's retry budget has room for one more attempt. A tool that was not loaded has none.
    pub fn may_retry(&self, tool: &str, settings: &Retry, at_ms: u64) -> bool {
        self.tool(tool).is_some_and(|tool| retry::has_room(tool, settings, at_ms))
    }

    /// Whether the run, or one above it, is paused, halted or finished: nothing more is executed in it. A run that is
    /// not in memory stands.
    pub fn stands(&self, run: RunId) -> bool {
        let lineage = self.lineage(run);
        lineage.is_empty() || lineage.iter().any(|(_, state)| state.course != Course::Running)
    }

    /// Money that the run, or the one above it that has most, has spent or its calls in flight may spend, in micro-USD:
    /// what a child spends is its ancestors' too, so that children are no way around it. 0 for a run that is not in memory.
    pub fn cost_micro_usd(&self, run: RunId) -> u64 {
        let lineage = self.lineage(run);
        lineage.iter().map(|(_, state)| state.spent.plus(state.held).cost_micro_usd).max().unwrap_or(0)
    }

    /// After a proposal that did not start: the run that must be halted for it, and why. Refusals in a row are the
    /// run's own; proposals are an ancestor's too.
    pub fn overrun(&self, run: RunId, guards: &RunGuards) -> Option<(RunId, Why)> {
        let lineage = self.lineage(run);
        let stands = |course: &Course| matches!(course, Course::Halted(_) | Course::Finished);
        let (_, own) = lineage.first().filter(|(_, own)| !stands(&own.course))?;
        let (used, limit) = (own.refusals_in_a_row, guards.refusals_in_a_row);
        if used >= limit {
            return Some((run, Why::Refusals { used, limit }));
        }
        let limit = guards.budgets.proposals;
        let over = lineage.iter().find(|(_, state)| state.proposals > limit && !stands(&state.course));
        over.map(|(run, state)| {
            let (budget, used) = (Budget::Proposals, state.proposals);
            (*run, Why::Budget { budget, used, held: 0, asked: 1, limit })
        })
    }
}
