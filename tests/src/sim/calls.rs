//! One call, from its proposal to its ending, as the pipeline takes it.
//!
//! Not here: what follows a refusal (`refusals.rs`). Invariant: what the ledger in memory decides, the real one, where
//! there is one, decides too; an attempt is made only by a host that still lives the life in which the call started.

use super::agent::Told;
use super::executor::{Attempt, Key, Running, spent, worst};
use super::host::{Answer, Bound};
use super::scenario::{DEADLINE_MS, Effect};
use super::world::{Next, World};
use std::sync::Arc;
use toolgate::call::{CallId, Denial, RunId};
use toolgate::guard::event::{Admitted, Blame, Ended, Fingerprint, Kind};
use toolgate::guard::{Admission, Ask, Consulted, Notice, Reading, Refusal, Why, pause_ms};

impl World {
    /// One suggested call: the guards, the key, the intent.
    pub(super) fn propose(&mut self, index: usize, tool: usize, arguments: u64) {
        let (run, host) = (self.agents[index].run, self.agents[index].host);
        let key: Key = (run, self.scenario.tools[tool].name, arguments);
        let fingerprint =
            Fingerprint { exact: arguments * 8 + tool as u64, near: arguments / 100 * 8 + tool as u64 };
        let ask = self.ask(run, tool, fingerprint);
        let asked = self.answer(host, &ask, tool, key);
        if let Some(twin) = &self.twin {
            assert_eq!(
                twin.propose(host, &ask, &self.scenario.tools[tool], key),
                asked,
                "on the real ledger"
            );
        }
        match asked.0 {
            Answer::Start(admission) => self.start(index, tool, key, &ask, &admission),
            Answer::Refused(refusal) => self.refused(index, tool, fingerprint, &refusal),
            Answer::Recorded => self.recorded(index, fingerprint),
            Answer::Conflict => self.refuse(index, Denial::Conflict, Some(fingerprint)),
            Answer::InDoubt => self.refuse(index, Denial::InDoubt, Some(fingerprint)),
        }
    }

    fn ask(&mut self, run: RunId, tool: usize, fingerprint: Fingerprint) -> Ask {
        let call = CallId::new(self.now, self.chance.random());
        let tool = &self.scenario.tools[tool];
        Ask {
            run,
            call,
            tool: tool.name.to_owned(),
            fingerprint,
            worst: worst(tool),
            until_ms: self.now + DEADLINE_MS,
            at_ms: self.now,
            run_guards: Arc::clone(&self.scenario.run),
            spend: Arc::clone(&self.scenario.spend),
            tool_guards: Arc::clone(&tool.guards),
        }
    }

    /// What the ledger in memory says: a run that stands gives not even a recorded answer; a key goes before the
    /// other guards. Who is told to wait does not wait for the calls of the dead.
    fn answer(&mut self, host: usize, ask: &Ask, tool: usize, key: Key) -> (Answer, Vec<Reading>) {
        let mut consulted = self.consult(host, ask);
        let probing = Why::BreakerOpen { probing: true };
        let waits = matches!(&consulted.answer, Err(refusal)
            if refusal.code == Denial::RateLimited || refusal.why == probing);
        if waits && self.mark_the_dead(host) {
            self.summary.note("freed");
            consulted = self.consult(host, ask);
        }
        let Consulted { answer, readings } = consulted;
        (self.decide(host, answer, tool, key), readings)
    }

    fn consult(&mut self, host: usize, ask: &Ask) -> Consulted {
        self.hosts[host].follow(&self.ledger, ask.run, Some(&ask.tool));
        self.hosts[host].board.admit(ask)
    }

    fn decide(&mut self, host: usize, verdict: Result<Admission, Refusal>, tool: usize, key: Key) -> Answer {
        let stops = [Denial::RunHalted, Denial::RunPaused, Denial::DepthExceeded];
        let stopped = verdict.as_ref().is_err_and(|refusal| stops.contains(&refusal.code));
        if !stopped {
            self.mark_holder_of(host, key);
            match (self.ledger.keys.get(&key), self.scenario.tools[tool].effect) {
                (Some(Bound::Done), _) => return Answer::Recorded,
                (Some(Bound::Running(_)), _) => return Answer::Conflict,
                (Some(Bound::InDoubt), Effect::Once) => return Answer::InDoubt,
                // Out there, its key makes a second one of it harmless.
                (Some(Bound::InDoubt), _) | (None, _) => {}
            }
        }
        if verdict.is_ok() && self.scenario.tools[tool].effect != Effect::ReadOnly {
            self.mark_the_dead(host);
        }
        match verdict {
            Ok(_) if self.is_doubted(tool, key) => Answer::InDoubt,
            verdict => verdict.map_or_else(Answer::Refused, Answer::Start),
        }
    }

    /// The same call under another key may have had its effect: a new key is no way around a doubt.
    fn is_doubted(&self, tool: usize, (_, name, arguments): Key) -> bool {
        let same = |(key, bound): (&Key, &Bound)| (key.1, key.2, bound) == (name, arguments, &Bound::InDoubt);
        self.scenario.tools[tool].effect == Effect::Once && self.ledger.keys.iter().any(same)
    }

    fn start(&mut self, index: usize, tool: usize, key: Key, ask: &Ask, admission: &Admission) {
        let host = self.agents[index].host;
        let Ask { run, call, fingerprint, until_ms, .. } = *ask;
        let hold = admission.allowed;
        self.summary.note("admitted");
        if self.scenario.tools[tool].effect != Effect::ReadOnly {
            self.ledger.keys.insert(key, Bound::Running(call));
        }
        self.hosts[host].running.push((run, call, key));
        self.write(
            host,
            run,
            Kind::Admitted(Admitted { call, tool: ask.tool.clone(), fingerprint, hold, until_ms }),
        );
        if admission.notices.iter().any(|notice| matches!(notice, Notice::Repeated(_))) {
            self.summary.note("noticed");
        }
        let wrap_up = admission.notices.iter().any(|notice| matches!(notice, Notice::WrapUp { .. }));
        let running = Running { agent: index, run, call, tool, key, hold, until_ms, attempts: 1, wrap_up };
        let life = self.hosts[host].life;
        let latency_ms = self.latency(tool);
        self.later(latency_ms, Next::Attempt { host, life, running });
    }

    fn latency(&mut self, tool: usize) -> u64 {
        let most = self.scenario.tools[tool].latency_ms;
        if self.chance.percent(2) { DEADLINE_MS - 1 } else { self.chance.below(most) }
    }

    pub(super) fn attempt_ends(&mut self, host: usize, life: u64, running: Running) {
        if self.hosts[host].life != life {
            return;
        }
        let tool = &self.scenario.tools[running.tool];
        let attempt = self.outside.attempt(tool, running.key, self.now, &mut self.chance);
        if self.something_dies() {
            return self.crash(host);
        }
        if self.tries_again(host, life, &running, attempt) {
            return;
        }
        let tool = &self.scenario.tools[running.tool];
        self.summary.note(if tool.effect == Effect::Once { "once" } else { "ended" });
        let blame = match attempt {
            Attempt { works: true, .. } => Blame::Works,
            Attempt { misused: true, .. } => Blame::Misused,
            _ => Blame::Fails(tool.guards.breaker),
        };
        let price = tool.guards.cost_micro_usd * u64::from(running.attempts);
        let spent = Some(spent(running.hold, price, &mut self.chance));
        let result = attempt.works.then(|| self.chance.below(tool.results));
        let ended = Ended { call: running.call, blame, spent, result, slow_ms: attempt.slow_ms };
        self.end(host, &running, attempt, ended);
    }

    /// The ending: done, in doubt when an effect may have happened, or free again.
    fn end(&mut self, host: usize, running: &Running, attempt: Attempt, ended: Ended) {
        let Running { run, call, agent, wrap_up, key, .. } = *running;
        let effect = self.scenario.tools[running.tool].effect;
        let in_doubt = effect == Effect::Once && attempt.sent && !attempt.works;
        match (effect, attempt.works) {
            (Effect::ReadOnly, _) => {}
            (_, true) => drop(self.ledger.keys.insert(key, Bound::Done)),
            (_, false) if in_doubt => drop(self.ledger.keys.insert(key, Bound::InDoubt)),
            (_, false) => drop(self.ledger.keys.remove(&key)),
        }
        self.hosts[host].running.retain(|(_, running, _)| *running != call);
        self.agents[agent].told = Told::Ran { works: attempt.works, wrap_up };
        if let Some(twin) = &self.twin {
            twin.end(host, running, &ended, in_doubt, self.now);
        }
        self.write(host, run, Kind::Ended(ended));
    }

    /// Where a repeat is safe and the run does not stand, within attempts, deadline and retry budget.
    fn tries_again(&mut self, host: usize, life: u64, running: &Running, attempt: Attempt) -> bool {
        let tool = &self.scenario.tools[running.tool];
        let retry = tool.guards.retry;
        let safe = tool.effect != Effect::Once || !attempt.sent;
        if attempt.works || attempt.misused || !safe || running.attempts >= retry.attempts {
            return false;
        }
        let wait_ms = pause_ms(&retry, running.attempts, attempt.slow_ms, self.chance.next())
            + self.latency(running.tool);
        if self.now + wait_ms >= running.until_ms || !self.may_retry(host, running, attempt.slow_ms) {
            return false;
        }
        self.summary.note("retried");
        self.write(host, running.run, Kind::Retried { call: running.call, slow_ms: attempt.slow_ms });
        let running = Running { attempts: running.attempts + 1, ..*running };
        self.later(wait_ms, Next::Attempt { host, life, running });
        true
    }

    fn may_retry(&mut self, host: usize, running: &Running, slow_ms: Option<u64>) -> bool {
        let tool = &self.scenario.tools[running.tool];
        self.hosts[host].follow(&self.ledger, running.run, Some(tool.name));
        let board = &self.hosts[host].board;
        let stands = board.stands(running.run);
        let may = !stands && board.may_retry(tool.name, &tool.guards.retry, self.now);
        if let Some(twin) = &self.twin {
            assert_eq!(twin.try_again(host, running, tool, slow_ms, self.now), may, "on the real ledger");
        }
        match (stands, may) {
            (_, true) => {}
            (true, false) => {
                self.auditor.see_stands(running.run);
                self.summary.note("not_retried");
            }
            (false, false) => {
                self.auditor.see_no_retry(tool, self.now);
                self.summary.note("retry_budget");
            }
        }
        may
    }
}
