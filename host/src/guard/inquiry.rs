//! One ask, taken past every guard in order.
//!
//! Course → depth → refusals → segment → budgets → review → spend → burn rate → repetition → rates → breaker. The
//! breaker is last: only a call that all others allow may take the probe. What a run shares with its ancestors is
//! asked of each of them under the same settings. Not here: where the states come from (`admit.rs`). Invariant:
//! reads states, changes none.

use super::breaker::Gate;
use super::budget::{self, Budget, HELD_RETRY_MS};
use super::event::Hold;
use super::rate::{self, Limited};
use super::repetition::Sight;
use super::review;
use super::run::{Course, RunState};
use super::settings::Rate;
use super::spend::{self, PrincipalState};
use super::tally::Rolling;
use super::tool::ToolState;
use super::verdict::{Ask, GuardName, Notice, Reading, Refusal, Why};
use crate::call::{Denial, Lineage, RunId};

/// What one ask is about, and what it has met so far.
pub(super) struct Inquiry<'a> {
    pub(super) ask: &'a Ask,
    /// The run, then its ancestors.
    pub(super) lineage: &'a [(RunId, &'a RunState)],
    pub(super) own: &'a RunState,
    pub(super) tool: &'a ToolState,
    pub(super) principal: &'a PrincipalState,
    pub(super) readings: Vec<Reading>,
    pub(super) notices: Vec<Notice>,
}

/// A refusal, before it is known who asks.
pub(super) struct No {
    code: Denial,
    why: Why,
    run: RunId,
    retry_after_ms: Option<u64>,
    halts: bool,
    pauses: bool,
}

impl No {
    pub(super) fn new(code: Denial, run: RunId, why: Why) -> Self {
        Self { code, why, run, retry_after_ms: None, halts: false, pauses: false }
    }

    fn after(self, retry_after_ms: impl Into<Option<u64>>) -> Self {
        Self { retry_after_ms: retry_after_ms.into(), ..self }
    }

    fn halting(self, halts: bool) -> Self {
        Self { halts, ..self }
    }

    fn pausing(self) -> Self {
        Self { pauses: true, ..self }
    }

    pub(super) fn refusal(self, asking: RunId) -> Refusal {
        Refusal {
            code: self.code,
            why: self.why,
            run: self.run,
            inherited: self.run != asking,
            retry_after_ms: self.retry_after_ms,
            halts: self.halts,
            pauses: self.pauses,
        }
    }
}

impl Inquiry<'_> {
    /// Past all guards; what the call may spend.
    pub(super) fn walk(&mut self) -> Result<Hold, No> {
        course(self.lineage)?;
        self.depth()?;
        self.refusals()?;
        self.segment()?;
        let allowed = self.budgets()?;
        self.review()?;
        self.spend()?;
        self.repetition()?;
        self.rates()?;
        self.breaker()?;
        self.wrap_up();
        Ok(allowed)
    }

    fn read(&mut self, guard: GuardName, used: u64, limit: u64) {
        self.readings.push(Reading { guard, used, limit });
    }

    fn depth(&mut self) -> Result<(), No> {
        let more = self.lineage.last().is_some_and(|(_, eldest)| eldest.parent.is_some());
        let depth = self.lineage.len() as u64 + u64::from(more);
        let limit = u64::from(self.ask.run_guards.depth).min(Lineage::RUNS_MAX as u64);
        self.read(GuardName::Depth, depth, limit);
        match depth > limit {
            true => Err(No::new(Denial::DepthExceeded, self.ask.run, Why::Depth { depth, limit })),
            false => Ok(()),
        }
    }

    /// The halt that should have followed the last refusal, had its host not died between.
    fn refusals(&mut self) -> Result<(), No> {
        let (used, limit) = (self.own.refusals_in_a_row, self.ask.run_guards.refusals_in_a_row);
        self.read(GuardName::Refusals, used, limit);
        match used >= limit {
            true => {
                let why = Why::Refusals { used, limit };
                Err(No::new(Denial::RunHalted, self.ask.run, why).halting(true))
            }
            false => Ok(()),
        }
    }

    fn segment(&mut self) -> Result<(), No> {
        let age_ms = self.own.segment_age_ms(self.ask.at_ms);
        let limit_ms = self.ask.run_guards.segment_ms;
        self.read(GuardName::Segment, age_ms, limit_ms);
        match age_ms >= limit_ms {
            true => {
                let why = Why::Segment { age_ms, limit_ms };
                Err(No::new(Denial::CheckpointAndRefresh, self.ask.run, why))
            }
            false => Ok(()),
        }
    }

    /// The readings are the run's own, and the ancestor's that refuses.
    fn budgets(&mut self) -> Result<Hold, No> {
        let mut allowed = self.ask.worst;
        for (run, state) in self.lineage {
            let mut theirs = Vec::new();
            let readings = if *run == self.ask.run { &mut self.readings } else { &mut theirs };
            let budgets = &self.ask.run_guards.budgets;
            if let Err(why) = budget::cover(state, budgets, &mut allowed, readings) {
                self.readings.extend(theirs.pop());
                return Err(uncovered(*run, why));
            }
        }
        Ok(allowed)
    }

    fn review(&mut self) -> Result<(), No> {
        for (run, state) in self.lineage {
            if let Some(why) = review::due(state, &self.ask.run_guards) {
                if let Why::Review { used, limit, .. } = why {
                    self.read(GuardName::Review, used, limit);
                }
                return Err(No::new(Denial::RunPaused, *run, why).pausing());
            }
        }
        Ok(())
    }

    fn spend(&mut self) -> Result<(), No> {
        let (at_ms, asked) = (self.ask.at_ms, self.ask.worst.cost_micro_usd);
        self.principal
            .cover(&self.ask.spend, asked, at_ms, &mut self.readings)
            .map_err(|(why, retry_after_ms)| too_little(self.ask.run, why).after(retry_after_ms))?;
        let limit = self.ask.spend.hour_micro_usd;
        for (run, state) in self.lineage {
            let Some(hourly) = spend::burn_rate(state, at_ms) else { continue };
            if *run == self.ask.run || hourly > limit {
                self.readings.push(Reading { guard: GuardName::BurnRate, used: hourly, limit });
            }
            if hourly > limit {
                let why = Why::BurnRate { hourly, limit };
                return Err(No::new(Denial::BudgetExhausted, *run, why).halting(true));
            }
        }
        Ok(())
    }

    fn repetition(&mut self) -> Result<(), No> {
        let (ask, poll_ms) = (self.ask, self.ask.tool_guards.poll_ms);
        let sight = self.own.history.sight(&ask.tool, ask.fingerprint, poll_ms, ask.at_ms);
        if let Some((used, limit)) = sight.numbers().filter(|_| ask.run_guards.repetition) {
            self.read(GuardName::Repetition, used, limit);
        }
        match sight {
            Sight::New => Ok(()),
            Sight::Notice(_) | Sight::Refuse { .. } if !ask.run_guards.repetition => Ok(()),
            Sight::Notice(pattern) => {
                self.notices.push(Notice::Repeated(pattern));
                Ok(())
            }
            Sight::Early { retry_after_ms } => {
                let poll_ms = poll_ms.unwrap_or(0);
                self.read(GuardName::Poll, poll_ms.saturating_sub(retry_after_ms), poll_ms);
                let why = Why::PolledEarly { poll_ms };
                Err(No::new(Denial::RateLimited, ask.run, why).after(retry_after_ms))
            }
            Sight::Refuse { pattern, retry_after_ms, halts } => {
                let why = Why::Repeated(pattern);
                let no = No::new(Denial::Repetition, ask.run, why);
                Err(no.after(retry_after_ms).halting(halts))
            }
        }
    }

    fn rates(&mut self) -> Result<(), No> {
        let ask = self.ask;
        let slow_ms = self.tool.slow_ms(ask.at_ms);
        if slow_ms > 0 {
            self.read(GuardName::Slowed, slow_ms, 0);
            let no = No::new(Denial::RateLimited, ask.run, Why::Slowed);
            return Err(no.after(slow_ms));
        }
        self.rate(Limited::Tool, ask.run, &self.tool.arrivals, ask.tool_guards.rate)?;
        for (run, state) in self.lineage {
            self.rate(Limited::Run, *run, &state.arrivals, ask.run_guards.rate)?;
        }
        self.rate(Limited::Principal, ask.run, &self.principal.arrivals, ask.spend.rate)
    }

    fn rate(&mut self, of: Limited, run: RunId, arrivals: &Rolling, rate: Option<Rate>) -> Result<(), No> {
        let Some(rate) = rate else { return Ok(()) };
        let (used, wait_ms) = rate::room(arrivals, rate, self.ask.at_ms);
        self.read(of.guard(), used, rate.calls);
        match wait_ms {
            0 => Ok(()),
            wait_ms => {
                let why = Why::Rate { of, calls: rate.calls, per_ms: rate.per_ms };
                Err(No::new(Denial::RateLimited, run, why).after(wait_ms))
            }
        }
    }

    fn breaker(&mut self) -> Result<(), No> {
        let Some(settings) = self.ask.tool_guards.breaker else { return Ok(()) };
        let at_ms = self.ask.at_ms;
        self.read(GuardName::Breaker, self.tool.breaker.failures(&settings, at_ms), settings.failures.into());
        match self.tool.breaker.gate(&settings, at_ms) {
            Gate::Pass | Gate::Probe => Ok(()),
            Gate::Wait { retry_after_ms, probing } => {
                let why = Why::BreakerOpen { probing };
                let no = No::new(Denial::BreakerOpen, self.ask.run, why);
                Err(no.after(retry_after_ms))
            }
        }
    }

    /// Most of the steps are used once this call is: of the run or of the ancestor that has the least left.
    fn wrap_up(&mut self) {
        let limit = self.ask.run_guards.budgets.steps;
        let most = self.lineage.iter().enumerate().rev().max_by_key(|(_, (_, state))| state.steps);
        let Some((index, (_, state))) = most else { return };
        let used = state.steps.saturating_add(1);
        if budget::is_near(used, limit) {
            self.notices.push(Notice::WrapUp { used, limit, inherited: index > 0 });
        }
    }
}

/// A run stands when any of its ancestors does.
pub(super) fn course(lineage: &[(RunId, &RunState)]) -> Result<(), No> {
    for (run, state) in lineage {
        let (code, why) = match &state.course {
            Course::Running => continue,
            Course::Paused(why) => (Denial::RunPaused, Why::Paused(why.clone())),
            Course::Halted(why) => (Denial::RunHalted, Why::Halted(why.clone())),
            Course::Finished => (Denial::RunHalted, Why::Finished),
        };
        return Err(No::new(code, *run, why));
    }
    Ok(())
}

/// A budget that does not cover the call.
pub(super) fn uncovered(run: RunId, why: Why) -> No {
    let held = fits_alone(&why).then_some(HELD_RETRY_MS);
    let halts = matches!(why, Why::Budget { budget: Budget::Proposals, .. });
    too_little(run, why).after(held).halting(halts)
}

/// Too little is left: for good, or only while other calls hold it.
fn too_little(run: RunId, why: Why) -> No {
    let code = if fits_alone(&why) { Denial::RateLimited } else { Denial::BudgetExhausted };
    No::new(code, run, why)
}

/// Whether the call would be covered if no other held anything.
fn fits_alone(why: &Why) -> bool {
    match why {
        Why::Budget { used, asked, limit, .. } | Why::Spend { used, asked, limit, .. } => {
            used.saturating_add(*asked) <= *limit
        }
        _ => false,
    }
}
