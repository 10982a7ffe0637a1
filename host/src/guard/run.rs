//! What the guards know of one run.
//!
//! Calls, spend and tokens of all descendants count here too; refusals in a row and the history are the run's
//! own. Not here: any limit. Invariant: a fold of the run's own events and its descendants', nothing else; what
//! is held is exactly what the calls in flight hold.

use super::clock::Clock;
use super::event::{Admitted, Blame, Ended, Hold, Opened, Refused, Steer};
use super::repetition::{History, Settled};
use super::tally::Rolling;
use super::tokens::Tokens;
use crate::call::{CallId, Denial, RunId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a run stands in its course.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// Its calls run.
    #[default]
    Running,
    /// None begins until it is continued; with why.
    Paused(String),
    /// None begins unless a person continues it; with why.
    Halted(String),
    /// It is over.
    Finished,
}

/// A call that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flight {
    pub(super) tool: String,
    pub(super) hold: Hold,
}

/// The state of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RunState {
    /// On whose account; `None` before it is opened.
    pub(super) principal: Option<String>,
    pub(super) parent: Option<RunId>,
    opened_ms: u64,
    segment_ms: u64,
    clock: Clock,
    /// By how much a clock that was set back is behind the stamps that lie ahead of it.
    behind_ms: u64,
    pub(super) course: Course,
    pub(super) goal: bool,
    /// The agent has reported, or a person has looked: no review is due.
    pub(super) reviewed: bool,
    pub(super) steps: u64,
    pub(super) proposals: u64,
    pub(super) refusals_in_a_row: u64,
    pub(super) spent: Hold,
    pub(super) held: Hold,
    pub(super) tokens: Tokens,
    pub(super) in_flight: BTreeMap<CallId, Flight>,
    pub(super) history: History,
    pub(super) arrivals: Rolling,
}

impl RunState {
    /// Takes the time of an event; what was stamped by a clock that was ahead moves back with it.
    pub(super) fn pass(&mut self, at_ms: u64) {
        self.behind_ms = self.behind_ms(at_ms);
        if self.clock.ahead_ms(at_ms) > 0 {
            self.arrivals.set_back(at_ms);
            self.history.set_back(self.clock, at_ms);
        }
        self.arrivals.set_right(at_ms);
        self.clock.take(at_ms);
    }

    /// By how much stamps that lie ahead of this time are to be read as earlier. Their own numbers stay, for a clock
    /// that was set back by mistake.
    fn behind_ms(&self, at_ms: u64) -> u64 {
        let before = if self.opened_ms.max(self.segment_ms) > at_ms { self.behind_ms } else { 0 };
        before.saturating_add(self.clock.ahead_ms(at_ms))
    }

    fn since(&self, stamp_ms: u64, at_ms: u64) -> u64 {
        let ahead = stamp_ms > at_ms;
        at_ms.saturating_sub(if ahead { stamp_ms.saturating_sub(self.behind_ms(at_ms)) } else { stamp_ms })
    }

    /// How long ago it was opened.
    pub(super) fn age_ms(&self, at_ms: u64) -> u64 {
        self.since(self.opened_ms, at_ms)
    }

    /// How long ago its segment began.
    pub(super) fn segment_age_ms(&self, at_ms: u64) -> u64 {
        self.since(self.segment_ms, at_ms)
    }

    /// The run begins; a second beginning changes nothing.
    pub(super) fn opened(&mut self, at_ms: u64, opened: &Opened) {
        if self.principal.is_some() {
            return;
        }
        self.principal = Some(opened.principal.clone());
        self.parent = opened.parent;
        self.goal = opened.goal;
        self.opened_ms = at_ms;
        self.segment_ms = at_ms;
    }

    /// A call of this run or (`own` is false) of a descendant starts.
    pub(super) fn admitted(&mut self, at_ms: u64, admitted: &Admitted, own: bool) {
        self.steps += 1;
        self.proposals += 1;
        self.arrivals.add(at_ms);
        self.held = self.held.plus(admitted.hold);
        let flight = Flight { tool: admitted.tool.clone(), hold: admitted.hold };
        self.in_flight.insert(admitted.call, flight);
        if own {
            self.refusals_in_a_row = 0;
            self.history.admitted(at_ms, admitted);
        }
    }

    /// A call of `run`, this one or a descendant, has its ending. Only the first ending of a call counts.
    pub(super) fn ended(&mut self, run: RunId, ended: &Ended, own: bool) {
        let Some(flight) = self.in_flight.remove(&ended.call) else { return };
        let spent = ended.spent.unwrap_or(flight.hold);
        self.held = self.held.minus(flight.hold);
        self.spent = self.spent.plus(spent);
        self.tokens.count(run, spent.tokens);
        if own {
            self.history.ended(ended.call, settled(ended));
        }
    }

    /// A proposal of this run or (`own` is false) of a descendant did not start.
    pub(super) fn refused(&mut self, refused: &Refused, own: bool) {
        self.proposals += 1;
        if !own {
            return;
        }
        if refused.code.is_some_and(is_of_the_agent) {
            self.refusals_in_a_row += 1;
        }
        if let (Some(Denial::Repetition), Some(fingerprint)) = (refused.code, refused.fingerprint) {
            self.history.refused(fingerprint);
        }
    }

    /// The run's own course changes. Nothing follows on finished, and only a person's continuing on halted.
    pub(super) fn steered(&mut self, at_ms: u64, steer: &Steer) {
        match (steer, &self.course) {
            (Steer::Finished { .. }, Course::Running | Course::Paused(_)) => self.course = Course::Finished,
            (Steer::Halted(why), Course::Running | Course::Paused(_)) => {
                self.course = Course::Halted(why.clone());
            }
            (Steer::Paused(why), Course::Running) => self.course = Course::Paused(why.clone()),
            (Steer::Continued, Course::Running | Course::Paused(_) | Course::Halted(_)) => {
                self.course = Course::Running;
                self.reviewed = true;
                self.refusals_in_a_row = 0;
                self.history.forget();
            }
            (Steer::Reported, _) => self.reviewed = true,
            (Steer::Refreshed, _) => self.segment_ms = at_ms,
            (
                Steer::Tokens(_)
                | Steer::Halted(_)
                | Steer::Paused(_)
                | Steer::Continued
                | Steer::Finished { .. },
                _,
            ) => {}
        }
    }
}

/// What an ending says in the run's history.
fn settled(ended: &Ended) -> Settled {
    match ended.blame {
        Blame::Works => Settled::Works(ended.result),
        Blame::Fails(_) | Blame::Misused => Settled::Failed(ended.result),
        Blame::Nothing => Settled::Unknown,
    }
}

/// Refusals that the agent brought about and could have avoided; to wait as told is not among them.
fn is_of_the_agent(code: Denial) -> bool {
    match code {
        Denial::Malformed
        | Denial::TooLarge
        | Denial::UnknownTool
        | Denial::InvalidArguments
        | Denial::MissingContext
        | Denial::DeniedByPolicy
        | Denial::BudgetExhausted
        | Denial::DepthExceeded
        | Denial::Repetition
        | Denial::KeyMismatch
        | Denial::InDoubt => true,
        Denial::UnknownRun
        | Denial::NeedsApproval
        | Denial::RateLimited
        | Denial::BreakerOpen
        | Denial::CheckpointAndRefresh
        | Denial::RunPaused
        | Denial::RunHalted
        | Denial::Killed
        | Denial::Conflict
        | Denial::ComponentChanged => false,
    }
}
