//! Where a run stands, for whoever watches it.
//!
//! Not here: what is done about it. Invariant: what is `critical` or asks for a stop here is refused by the guards at
//! the next call, or already was.

use super::board::Board;
use super::budget::{Budget, is_near};
use super::inquiry;
use super::review;
use super::run::{Course, RunState};
use super::settings::{RunGuards, SpendGuards};
use super::spend::{self, PrincipalState, Window};
use super::verdict::{Refusal, Why};
use crate::call::RunId;
use serde::Serialize;
use std::cmp::Reverse;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing is near its limit.
    Safe,
    /// Something is near its limit, or a person is waited for.
    Warning,
    /// A limit is reached, or the run was halted.
    Critical,
}

/// What to do next; the gravest that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NextAction {
    /// Go on.
    Continue,
    /// Write a checkpoint, and go on with a fresh agent.
    CheckpointAndRefresh,
    /// A person must look.
    WakeEngineer,
    /// Stop: no call of this run will run.
    EmergencyHalt,
}

/// Where a run stands. Serializes as
/// `{"status","next_action","reasons":[sentence…],"usage":{…},"remaining":{…}}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// How it stands.
    pub status: Status,
    /// What to do next.
    pub next_action: NextAction,
    /// Why, gravest first; empty when safe and running and no tool is switched off.
    pub reasons: Vec<String>,
    /// The lines of the policy that ask for something else than to go on, each once, for the operator. Not serialized:
    /// agents read this too.
    #[serde(skip)]
    pub lines: Vec<String>,
    /// Where its own course stands, whatever its ancestors'. Not serialized: the reasons say it.
    #[serde(skip)]
    pub course: Course,
    /// What every call of it is refused with while it, or a run that it is part of, is paused, halted or finished. Not
    /// serialized.
    #[serde(skip)]
    pub stands: Option<Refusal>,
    /// Used so far, descendants included.
    pub usage: Amounts,
    /// Left, of the run or of the ancestor that has the least; what runs holds its share.
    pub remaining: Left,
}

/// What a run has used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Amounts {
    /// Executed calls.
    pub steps: u64,
    /// Suggested calls.
    pub proposals: u64,
    /// Refusals in a row.
    pub refusals_in_a_row: u64,
    /// Calls that run now.
    pub in_flight: u64,
    /// Money, in USD.
    pub cost_usd: f64,
    /// Tokens.
    pub tokens: u64,
    /// Wall time of the calls together.
    pub wall_ms: u64,
    /// Fuel units.
    pub fuel: u64,
    /// Calls into the host.
    pub host_calls: u64,
    /// Bytes.
    pub output_bytes: u64,
    /// Money of the principal in the last hour, in USD.
    pub hour_cost_usd: f64,
    /// Money of the principal in the last 24 hours, in USD.
    pub day_cost_usd: f64,
    /// Age of the run.
    pub age_ms: u64,
    /// Age of its segment.
    pub segment_age_ms: u64,
}

/// What is left to a run; `null` where there is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Left {
    /// Executed calls.
    pub steps: u64,
    /// Suggested calls.
    pub proposals: u64,
    /// Refusals in a row.
    pub refusals_in_a_row: u64,
    /// Money, in USD.
    pub cost_usd: f64,
    /// Tokens.
    pub tokens: Option<u64>,
    /// Wall time.
    pub wall_ms: Option<u64>,
    /// Fuel units.
    pub fuel: Option<u64>,
    /// Calls into the host.
    pub host_calls: Option<u64>,
    /// Bytes.
    pub output_bytes: Option<u64>,
    /// Money of the principal in this hour, in USD.
    pub hour_cost_usd: f64,
    /// Money of the principal in these 24 hours, in USD.
    pub day_cost_usd: f64,
    /// Until the segment is to be refreshed.
    pub segment_ms: u64,
}

/// One thing to say, with what it calls for.
struct Finding {
    next: NextAction,
    status: Status,
    why: Why,
    /// It is an ancestor's.
    inherited: bool,
}

impl Finding {
    fn new(next: NextAction, status: Status, why: Why) -> Self {
        Self { next, status, why, inherited: false }
    }

    fn of(self, inherited: bool) -> Self {
        Self { inherited, ..self }
    }

    fn reason(&self) -> String {
        match self.inherited {
            true => format!("Of a run that this run is part of: {}", self.why.sentence()),
            false => self.why.sentence(),
        }
    }
}

impl Board {
    /// Where the run stands; `None` when it, an ancestor or its principal is not in memory.
    pub fn standing(
        &self,
        run: RunId,
        guards: &RunGuards,
        spend: &SpendGuards,
        at_ms: u64,
    ) -> Option<Standing> {
        if self.missing(run, None).is_some() {
            return None;
        }
        let lineage = self.lineage(run);
        let (_, own) = lineage.first()?;
        let principal = self.principal(own.principal.as_deref()?)?;
        let mut found = Vec::new();
        for (at, state) in &lineage {
            course(state, *at != run, &mut found);
            budgets(state, guards, *at != run, &mut found);
            burn(state, spend, at_ms, &mut found);
        }
        own_limits(own, lineage.len() as u64, guards, at_ms, &mut found);
        money(principal, spend, at_ms, &mut found);
        found.sort_by_key(|finding| (Reverse(finding.status), Reverse(finding.next)));
        Some(Standing {
            status: found.iter().map(|finding| finding.status).max().unwrap_or(Status::Safe),
            next_action: found.iter().map(|finding| finding.next).max().unwrap_or(NextAction::Continue),
            reasons: found.iter().map(Finding::reason).collect(),
            lines: lines(&found),
            course: own.course.clone(),
            stands: inquiry::course(&lineage).err().map(|no| no.refusal(run)),
            usage: used(own, principal, at_ms),
            remaining: left(&lineage, own, principal, guards, spend, at_ms),
        })
    }
}

impl Standing {
    /// Counts in what stops the whole run from outside of the guards.
    pub fn stop(&mut self, reason: String) {
        (self.status, self.next_action) = (Status::Critical, NextAction::EmergencyHalt);
        self.reasons.insert(0, reason);
    }
}

fn lines(found: &[Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in found.iter().filter(|finding| finding.next != NextAction::Continue) {
        lines.extend(finding.why.line().filter(|line| !lines.contains(line)));
    }
    lines
}

fn course(state: &RunState, inherited: bool, found: &mut Vec<Finding>) {
    let (next, status, why) = match &state.course {
        Course::Running => return,
        Course::Paused(why) => (NextAction::WakeEngineer, Status::Warning, Why::Paused(why.clone())),
        Course::Halted(why) => (NextAction::EmergencyHalt, Status::Critical, Why::Halted(why.clone())),
        Course::Finished => (NextAction::EmergencyHalt, Status::Safe, Why::Finished),
    };
    found.push(Finding::new(next, status, why).of(inherited));
}

/// A used-up budget of money or proposals stops the run, any other needs a person; a review does too.
fn budgets(state: &RunState, guards: &RunGuards, inherited: bool, found: &mut Vec<Finding>) {
    for budget in Budget::ALL {
        let Some(limit) = budget.limit(&guards.budgets) else { continue };
        let (used, held) = (budget.used(state), budget.held(state));
        let why = Why::Budget { budget, used, held, asked: 0, limit };
        if used >= limit {
            let next = match budget {
                Budget::Cost | Budget::Proposals => NextAction::EmergencyHalt,
                _ => NextAction::WakeEngineer,
            };
            found.push(Finding::new(next, Status::Critical, why).of(inherited));
        } else if is_near(used, limit) {
            found.push(Finding::new(NextAction::Continue, Status::Warning, why).of(inherited));
        }
    }
    if let Some(why) = review::due(state, guards) {
        found.push(Finding::new(NextAction::WakeEngineer, Status::Warning, why).of(inherited));
    }
}

fn burn(state: &RunState, spend: &SpendGuards, at_ms: u64, found: &mut Vec<Finding>) {
    let limit = spend.hour_micro_usd;
    if let Some(hourly) = spend::burn_rate(state, at_ms).filter(|hourly| *hourly > limit) {
        let why = Why::BurnRate { hourly, limit };
        found.push(Finding::new(NextAction::EmergencyHalt, Status::Critical, why));
    }
}

fn own_limits(own: &RunState, depth: u64, guards: &RunGuards, at_ms: u64, found: &mut Vec<Finding>) {
    let (used, limit) = (own.refusals_in_a_row, guards.refusals_in_a_row);
    let refusals = Why::Refusals { used, limit };
    if used >= limit {
        found.push(Finding::new(NextAction::EmergencyHalt, Status::Critical, refusals));
    } else if used > 0 && is_near(used, limit) {
        found.push(Finding::new(NextAction::Continue, Status::Warning, refusals));
    }
    let limit = u64::from(guards.depth);
    if depth > limit {
        let why = Why::Depth { depth, limit };
        found.push(Finding::new(NextAction::WakeEngineer, Status::Critical, why));
    }
    let (age_ms, limit_ms) = (own.segment_age_ms(at_ms), guards.segment_ms);
    if age_ms >= limit_ms {
        let why = Why::Segment { age_ms, limit_ms };
        found.push(Finding::new(NextAction::CheckpointAndRefresh, Status::Warning, why));
    }
}

fn money(principal: &PrincipalState, spend: &SpendGuards, at_ms: u64, found: &mut Vec<Finding>) {
    for window in [Window::Hour, Window::Day] {
        let (used, limit) = (principal.spent(window, at_ms), window.limit(spend));
        let why = Why::Spend { window, used, held: 0, asked: 0, limit };
        if used >= limit {
            found.push(Finding::new(NextAction::EmergencyHalt, Status::Critical, why));
        } else if is_near(used, limit) {
            found.push(Finding::new(NextAction::Continue, Status::Warning, why));
        }
    }
    if let Some(limit) = spend.hour_steps {
        let used = principal.hour_steps(at_ms);
        if used >= limit {
            let why = Why::HourSteps { used, limit };
            found.push(Finding::new(NextAction::WakeEngineer, Status::Critical, why));
        }
    }
}

fn used(own: &RunState, principal: &PrincipalState, at_ms: u64) -> Amounts {
    Amounts {
        steps: own.steps,
        proposals: own.proposals,
        refusals_in_a_row: own.refusals_in_a_row,
        in_flight: own.in_flight.len() as u64,
        cost_usd: usd(own.spent.cost_micro_usd),
        tokens: own.tokens.used(),
        wall_ms: own.spent.wall_ms,
        fuel: own.spent.fuel,
        host_calls: own.spent.host_calls,
        output_bytes: own.spent.output_bytes,
        hour_cost_usd: usd(principal.spent(Window::Hour, at_ms)),
        day_cost_usd: usd(principal.spent(Window::Day, at_ms)),
        age_ms: own.age_ms(at_ms),
        segment_age_ms: own.segment_age_ms(at_ms),
    }
}

fn left(
    lineage: &[(RunId, &RunState)],
    own: &RunState,
    principal: &PrincipalState,
    guards: &RunGuards,
    spend: &SpendGuards,
    at_ms: u64,
) -> Left {
    let of = |budget: Budget| {
        let limit = budget.limit(&guards.budgets)?;
        let taken = |state: &RunState| budget.used(state).saturating_add(budget.held(state));
        lineage.iter().map(|(_, state)| limit.saturating_sub(taken(state))).min()
    };
    let in_window = |window: Window| usd(window.limit(spend).saturating_sub(principal.spent(window, at_ms)));
    Left {
        steps: of(Budget::Steps).unwrap_or(0),
        proposals: of(Budget::Proposals).unwrap_or(0),
        refusals_in_a_row: guards.refusals_in_a_row.saturating_sub(own.refusals_in_a_row),
        cost_usd: usd(of(Budget::Cost).unwrap_or(0)),
        tokens: of(Budget::Tokens),
        wall_ms: of(Budget::WallTime),
        fuel: of(Budget::Fuel),
        host_calls: of(Budget::HostCalls),
        output_bytes: of(Budget::OutputBytes),
        hour_cost_usd: in_window(Window::Hour),
        day_cost_usd: in_window(Window::Day),
        segment_ms: guards.segment_ms.saturating_sub(own.segment_age_ms(at_ms)),
    }
}

fn usd(micro_usd: u64) -> f64 {
    micro_usd as f64 / 1e6
}
