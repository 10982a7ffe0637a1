//! The world of one seed: virtual time, a queue of what happens next, and whose turn it is.
//!
//! Not here: what becomes of a call (`calls.rs`) and of a refusal (`refusals.rs`), crashes (`crashes.rs`), the checks
//! (`auditor.rs`, `remains.rs`). Invariant: things happen one at a time, in the order of time and, within it, of their making;
//! every record goes past the auditor.

use super::agent::{Act, Agent};
use super::auditor::Auditor;
use super::chance::Chance;
use super::executor::{Outside, Running};
use super::host::{Host, Ledger};
use super::scenario::{PRINCIPAL, START_MS, Scenario};
use super::summary::Summary;
use super::twin::Twin;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use toolgate::call::{Denial, RunId};
use toolgate::guard::event::{Kind, Opened, Steer};

/// Events of a seed, at most; agents end long before.
const TURNS_MAX: u64 = 20_000;

/// What will happen.
pub(super) enum Next {
    Act(usize),
    /// An attempt of a call ends, on a host in that life.
    Attempt {
        host: usize,
        life: u64,
        running: Running,
    },
    /// A host comes back.
    Start(usize),
    /// A person looks at a run that stands.
    Person(RunId),
}

pub(super) struct World {
    pub(super) chance: Chance,
    pub(super) scenario: Scenario,
    pub(super) now: u64,
    made: u64,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    nexts: BTreeMap<u64, Next>,
    pub(super) ledger: Ledger,
    /// The real ledger, where there is one.
    pub(super) twin: Option<Twin>,
    pub(super) hosts: Vec<Host>,
    pub(super) agents: Vec<Agent>,
    pub(super) outside: Outside,
    pub(super) auditor: Auditor,
    pub(super) summary: Summary,
    loud: bool,
}

impl World {
    pub(super) fn in_memory(seed: u64) -> Self {
        Self::new(seed, |_| None)
    }

    /// The same, with a real ledger that must decide likewise.
    pub(super) fn on_sqlite(seed: u64) -> Self {
        Self::new(seed, |hosts| Some(Twin::new(hosts, START_MS)))
    }

    fn new(seed: u64, twin: impl FnOnce(usize) -> Option<Twin>) -> Self {
        let mut chance = Chance::new(seed);
        let scenario = Scenario::new(&mut chance);
        let mut world = Self {
            hosts: (0..scenario.hosts).map(|_| Host::new()).collect(),
            twin: twin(scenario.hosts),
            scenario,
            chance,
            now: START_MS,
            made: 0,
            queue: BinaryHeap::new(),
            nexts: BTreeMap::new(),
            ledger: Ledger::default(),
            agents: Vec::new(),
            outside: Outside::default(),
            auditor: Auditor::default(),
            summary: Summary::default(),
            loud: false,
        };
        for _ in 0..world.scenario.agents {
            let host = world.chance.index(world.scenario.hosts);
            let run = world.open(host, None);
            world.join(run, host);
        }
        world
    }

    /// Prints its records as they are written.
    pub(super) fn loud(mut self) -> Self {
        self.loud = true;
        self
    }

    /// To the end; what happened.
    pub(super) fn live(mut self) -> Summary {
        let mut turns = 0;
        while let Some(Reverse((at_ms, made))) = self.queue.pop() {
            turns += 1;
            assert!(turns < TURNS_MAX, "agents without end");
            self.now = at_ms;
            match self.nexts.remove(&made).unwrap() {
                Next::Act(agent) => self.turn(agent),
                Next::Attempt { host, life, running } => self.attempt_ends(host, life, running),
                Next::Start(host) => self.start_host(host),
                Next::Person(run) => self.person(run),
            }
        }
        self.all_hosts_agree();
        self.nothing_is_held();
        self.summary
    }

    pub(super) fn later(&mut self, after_ms: u64, next: Next) {
        self.made += 1;
        self.queue.push(Reverse((self.now + after_ms, self.made)));
        self.nexts.insert(self.made, next);
    }

    /// Writes a record through a host, and checks.
    pub(super) fn write(&mut self, host: usize, run: RunId, kind: Kind) {
        let event = self.ledger.append(run, self.now, kind);
        if self.loud {
            println!("{event:?}");
        }
        self.auditor.see(&self.scenario, &event);
        let host = &mut self.hosts[host];
        host.follow(&self.ledger, run, None);
        self.auditor.compare(&self.scenario, &host.board, run, self.now);
        if self.chance.percent(3) {
            let forget = self.chance.percent(30);
            host.save(&mut self.ledger, forget);
        }
    }

    /// By a person or the agent.
    pub(super) fn steer(&mut self, host: usize, run: RunId, steer: Steer) {
        if let Some(twin) = &self.twin {
            twin.steer(host, run, steer.clone(), self.now);
        }
        self.write(host, run, Kind::Steered(steer));
    }

    pub(super) fn open(&mut self, host: usize, parent: Option<RunId>) -> RunId {
        let run = RunId::new(self.now, self.chance.random());
        let goal = self.chance.percent(30);
        let opened = Opened { principal: PRINCIPAL.to_owned(), parent, goal };
        if let Some(twin) = &self.twin {
            twin.open_run(host, run, &opened, self.now);
        }
        self.write(host, run, Kind::Opened(opened));
        run
    }

    fn join(&mut self, run: RunId, host: usize) {
        let agent = Agent::new(run, host, &mut self.chance);
        self.agents.push(agent);
        let after_ms = self.chance.below(30_000);
        self.later(after_ms, Next::Act(self.agents.len() - 1));
    }

    fn turn(&mut self, index: usize) {
        let host = self.agents[index].host;
        if !self.hosts[host].alive {
            if self.chance.percent(10) {
                self.restart(index);
            }
            return self.later(1_000, Next::Act(index));
        }
        if self.something_dies() {
            self.crash(host);
            return self.later(1_000, Next::Act(index));
        }
        if self.chance.percent(3) {
            self.restart(index);
        }
        let (run, host) = (self.agents[index].run, self.agents[index].host);
        match self.agents[index].act(&mut self.chance) {
            Act::Call { tool, arguments } => self.propose(index, tool as usize, arguments),
            Act::Misshapen => self.refuse(index, Denial::InvalidArguments, None),
            Act::Fork => self.fork(index),
            Act::Refresh => self.steer(host, run, Steer::Refreshed),
            Act::Report => self.steer(host, run, Steer::Reported),
            Act::Tokens(tokens) => self.steer(host, run, Steer::Tokens(tokens)),
            Act::Finish => return self.steer(host, run, Steer::Finished { reached: true }),
            Act::Leave => return,
        }
        let pause_ms = self.agents[index].pause_ms(&mut self.chance);
        self.later(pause_ms, Next::Act(index));
    }

    /// The agent's process, on whichever host is there, in the same run.
    fn restart(&mut self, index: usize) {
        let host = self.chance.index(self.scenario.hosts);
        let agent = &mut self.agents[index];
        agent.restart();
        agent.host = if self.hosts[host].alive { host } else { agent.host };
    }

    fn fork(&mut self, index: usize) {
        let (run, host) = (self.agents[index].run, self.agents[index].host);
        let room = self.agents.len() < 2 * self.scenario.agents as usize;
        let child = self.open(host, Some(run));
        self.summary.note("child");
        match self.chance.percent(50) && room {
            true => self.join(child, host),
            false => self.agents[index].run = child,
        }
    }
}
