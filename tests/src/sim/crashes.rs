//! Hosts that die and come back, and what they must agree on then.
//!
//! Now and then one of several stays away for good. Not here: what a crash interrupts. Invariant: a call of a dead host
//! gets its one mark: when any host starts, when its key is asked for, or when it may be what another call waits for.

use super::executor::Key;
use super::host::{Bound, Host};
use super::world::{Next, World};
use std::collections::BTreeSet;
use toolgate::call::RunId;
use toolgate::guard::event::{Blame, Ended, Kind};

/// Away for so long, a host is gone: agents do not live that long, and a day's window is over.
const GONE_MS: u64 = 25 * 3_600_000;

impl World {
    pub(super) fn something_dies(&mut self) -> bool {
        self.chance.below(1_000) < self.scenario.crashes
    }

    pub(super) fn crash(&mut self, host: usize) {
        self.summary.note("crash");
        self.hosts[host].crash();
        let closes = self.chance.percent(30);
        if let Some(twin) = &mut self.twin {
            twin.crash(host, closes);
        }
        // Only ever one host, and never the only one, so that the agents have somewhere to go.
        let last_of_several = host > 0 && host + 1 == self.hosts.len();
        let after_ms = match last_of_several && self.chance.percent(20) {
            true => {
                self.summary.note("gone");
                GONE_MS
            }
            false => self.chance.below(20_000),
        };
        self.later(after_ms, Next::Start(host));
    }

    /// The host comes back, and marks the calls that dead hosts left behind, its own last life's among them.
    pub(super) fn start_host(&mut self, host: usize) {
        if let Some(twin) = &mut self.twin {
            twin.start_host(host, self.now);
        }
        let dead: Vec<usize> = (0..self.hosts.len()).filter(|host| !self.hosts[*host].alive).collect();
        self.hosts[host].start(&self.ledger);
        for dead in dead {
            self.mark(host, dead);
        }
        let runs = self.agents.iter().map(|agent| agent.run).collect();
        self.agrees_with_its_twin(host, &runs);
    }

    /// A key that a dead host's call holds: first that host's calls get their marks.
    pub(super) fn mark_holder_of(&mut self, host: usize, key: Key) {
        let Some(Bound::Running(holder)) = self.ledger.keys.get(&key) else { return };
        let holds = |host: &Host| !host.alive && host.running.iter().any(|(_, call, _)| call == holder);
        if let Some(dead) = self.hosts.iter().position(holds) {
            self.mark(host, dead);
        }
    }

    /// Every dead host's calls get their marks. Whether there were any.
    pub(super) fn mark_the_dead(&mut self, host: usize) -> bool {
        let mut marked = false;
        for dead in 0..self.hosts.len() {
            marked |= !self.hosts[dead].alive && self.mark(host, dead);
        }
        marked
    }

    /// Whether there were any.
    fn mark(&mut self, host: usize, dead: usize) -> bool {
        let left = std::mem::take(&mut self.hosts[dead].running);
        let marked = !left.is_empty();
        for (run, call, key) in left {
            self.summary.note("mark");
            if self.ledger.keys.get(&key) == Some(&Bound::Running(call)) {
                self.ledger.keys.insert(key, Bound::InDoubt);
            }
            let ended = Ended { call, blame: Blame::Nothing, spent: None, result: None, slow_ms: None };
            self.write(host, run, Kind::Ended(ended));
        }
        marked
    }

    pub(super) fn all_hosts_agree(&mut self) {
        let mut fresh = Host::new();
        let runs = self.auditor.runs();
        for run in runs.iter().copied() {
            fresh.follow(&self.ledger, run, None);
            let (settings, spend) = (&self.scenario.run, &self.scenario.spend);
            let truth = fresh.board.standing(run, settings, spend, self.now);
            for host in &mut self.hosts {
                host.follow(&self.ledger, run, None);
                assert_eq!(host.board.standing(run, settings, spend, self.now), truth);
            }
        }
        (0..self.hosts.len()).for_each(|host| self.agrees_with_its_twin(host, &runs));
        if let Some(twin) = &self.twin {
            twin.verify(0);
        }
    }

    /// Where every run stands, in memory and on the real ledger: its host's word and, for one run, what is read.
    pub(super) fn agrees_with_its_twin(&mut self, host: usize, runs: &BTreeSet<RunId>) {
        let Some(twin) = &self.twin else { return };
        for run in runs {
            self.hosts[host].follow(&self.ledger, *run, None);
            let board = &self.hosts[host].board;
            let ours = board.standing(*run, &self.scenario.run, &self.scenario.spend, self.now);
            assert_eq!(twin.standing(host, &self.scenario, *run, self.now), ours, "{run} on the real ledger");
            if runs.first() == Some(run) {
                let read = twin.standing_read(host, &self.scenario, *run, self.now);
                assert_eq!(read, ours, "{run} as it is read");
            }
        }
    }
}
