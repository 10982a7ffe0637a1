//! A proposal that does not start, and what follows for its run.
//!
//! The real ledger writes a refusal, what its guard steers and the halt that may follow in one transaction. In memory
//! the host may die between, so that the guards' own way back is seen too: the overdue halt. Not here: who refuses
//! (the guards), what the agent makes of it (`agent.rs`). Invariant: of a run that has overrun its guards nothing is
//! left to run.

use super::agent::Told;
use super::world::{Next, World};
use toolgate::call::{CallId, Denial, RunId};
use toolgate::guard::Refusal;
use toolgate::guard::event::{Fingerprint, Kind, Refused, Steer};

/// What of a proposal that does not start is recorded.
struct Unstarted {
    /// `None`: answered from the ledger.
    code: Option<Denial>,
    fingerprint: Option<Fingerprint>,
    /// What its guard does to a run.
    steer: Option<(RunId, Steer)>,
}

impl World {
    /// A guard says no.
    pub(super) fn refused(&mut self, index: usize, tool: usize, fingerprint: Fingerprint, refusal: &Refusal) {
        let run = self.agents[index].run;
        self.auditor.see_refusal(&self.scenario, tool, run, fingerprint, refusal, self.now);
        self.summary.note_refusal(refusal);
        let why = || refusal.text(self.scenario.tools[tool].name);
        let steer = match (refusal.halts, refusal.pauses) {
            (true, _) => Some((refusal.run, Steer::Halted(why()))),
            (false, true) => Some((refusal.run, Steer::Paused(why()))),
            (false, false) => None,
        };
        let (code, retry_after_ms) = (refusal.code, refusal.retry_after_ms);
        self.agents[index].told = Told::Refused { code, retry_after_ms };
        self.unstarted(index, Unstarted { code: Some(code), fingerprint: Some(fingerprint), steer });
    }

    /// Something else says no.
    pub(super) fn refuse(&mut self, index: usize, code: Denial, fingerprint: Option<Fingerprint>) {
        let retry_after_ms = (code == Denial::Conflict).then_some(500);
        self.agents[index].told = Told::Refused { code, retry_after_ms };
        self.unstarted(index, Unstarted { code: Some(code), fingerprint, steer: None });
    }

    /// The answer of an earlier call is given again.
    pub(super) fn recorded(&mut self, index: usize, fingerprint: Fingerprint) {
        self.summary.note("recorded");
        self.agents[index].told = Told::Ran { works: true, wrap_up: false };
        self.unstarted(index, Unstarted { code: None, fingerprint: Some(fingerprint), steer: None });
    }

    /// A run whose halt is overdue is halted first, and then the proposal is refused for that.
    fn unstarted(&mut self, index: usize, unstarted: Unstarted) {
        let Unstarted { code, fingerprint, steer } = unstarted;
        let (run, host) = (self.agents[index].run, self.agents[index].host);
        let overdue = self.twin.is_none() && self.halt_if_overrun(host, run).is_some();
        let stands = overdue || (self.auditor.stands(run) && code != Some(Denial::RunPaused));
        let code = if stands { Some(Denial::RunHalted) } else { code };
        if let Some(code) = code {
            self.summary.note(code.as_str());
        }
        let call = CallId::new(self.now, self.chance.random());
        // Its tool counts where a clock is set back, and here time only goes on.
        self.write(host, run, Kind::Refused(Refused { code, tool: None, fingerprint }));
        let dies = self.something_dies();
        if dies && self.twin.is_none() {
            return self.crash(host);
        }
        let twins = self.twin.as_ref().map(|twin| {
            let event = self.ledger.events.last().unwrap();
            twin.refuse(host, &self.scenario, call, event, steer.clone())
        });
        if let Some((run, steer)) = steer {
            self.stop(host, run, steer);
        }
        let overrun = self.halt_if_overrun(host, run);
        if let Some(twins) = twins {
            assert_eq!(twins, overrun, "on the real ledger");
        }
        self.auditor.nothing_is_overdue(&self.scenario, run);
        if dies {
            self.crash(host);
        }
    }

    fn halt_if_overrun(&mut self, host: usize, run: RunId) -> Option<(RunId, String)> {
        self.hosts[host].follow(&self.ledger, run, None);
        let (halted, why) = self.hosts[host].board.overrun(run, &self.scenario.run)?;
        self.summary.note("overrun");
        self.stop(host, halted, Steer::Halted(why.sentence()));
        Some((halted, why.sentence()))
    }

    /// By a guard; now and then a person comes.
    fn stop(&mut self, host: usize, run: RunId, steer: Steer) {
        self.summary.note(if matches!(steer, Steer::Paused(_)) { "paused" } else { "halted" });
        self.write(host, run, Kind::Steered(steer));
        if self.chance.percent(30) {
            let after_ms = self.chance.below(600_000);
            self.later(after_ms, Next::Person(run));
        }
    }

    pub(super) fn person(&mut self, run: RunId) {
        let Some(host) = self.hosts.iter().position(|host| host.alive) else { return };
        self.summary.note("continued");
        self.steer(host, run, Steer::Continued);
    }
}
