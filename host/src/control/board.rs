//! What a host knows in memory: the switches that are on, the calls that run, and what is still to be acknowledged.
//!
//! Not here: the lock around it (`running.rs`), where switches come from (`watch.rs`); no I/O and no clock. Invariants:
//! a call that a known switch means is not let in, so the number of such calls only falls; what is due for a switch
//! is counted from the calls themselves, never kept beside them.

use super::target::{Killed, Switch, Target};
use crate::call::{Lineage, RunId};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

/// The state of one host.
#[derive(Debug, Default)]
pub(super) struct Board {
    all: Option<Killed>,
    tools: HashMap<String, Killed>,
    runs: HashMap<RunId, Killed>,
    shut: Option<Killed>,
    calls: HashMap<u64, Arc<Call>>,
    next: u64,
    dying: usize,
    orders: BTreeMap<u64, Order>,
}

/// A call that may run guest instructions.
#[derive(Debug)]
pub(super) struct Call {
    run: Lineage,
    tool: Box<str>,
    killed: OnceLock<Killed>,
    pub(super) wake: Notify,
}

/// What a switch asks of this host, by the switch's generation.
#[derive(Debug)]
struct Order {
    target: Target,
    /// Calls that ran when the switch was seen.
    found: u64,
    /// How many of them ran still, as last told to the operator.
    told: Option<u64>,
}

/// What is to be told to the operator about a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acknowledgement {
    pub(super) generation: u64,
    /// Calls that the switch means and that run still; 0 is the acknowledgement proper.
    pub(super) running: u64,
    /// Calls that it has stopped.
    pub(super) stopped: u64,
}

impl Board {
    /// Why a call of this run and tool may not run.
    pub(super) fn stopped(&self, run: &Lineage, tool: &str) -> Option<&Killed> {
        let Self { all, tools, shut, .. } = self;
        all.as_ref().or_else(|| tools.get(tool)).or_else(|| self.of_run(run).next()).or(shut.as_ref())
    }

    /// All that stops this run, and after it what stops a tool, by its name.
    pub(super) fn about(&self, run: &Lineage) -> Vec<Killed> {
        let mut tools: Vec<(&String, &Killed)> = self.tools.iter().collect();
        tools.sort_by_key(|(name, _)| *name);
        let whole = self.all.iter().chain(self.of_run(run)).chain(&self.shut);
        whole.chain(tools.into_iter().map(|(_, killed)| killed)).cloned().collect()
    }

    fn of_run(&self, run: &Lineage) -> impl Iterator<Item = &Killed> {
        run.runs().filter_map(|run| self.runs.get(&run))
    }

    /// Lets a call in.
    pub(super) fn enter(&mut self, run: Lineage, tool: &str) -> Result<(u64, Arc<Call>), Killed> {
        if let Some(killed) = self.stopped(&run, tool) {
            return Err(killed.clone());
        }
        let call = Call { run, tool: tool.into(), killed: OnceLock::new(), wake: Notify::new() };
        let call = Arc::new(call);
        self.next += 1;
        self.calls.insert(self.next, Arc::clone(&call));
        Ok((self.next, call))
    }

    /// A call has ended. True when it was the last of those that were told to.
    pub(super) fn leave(&mut self, id: u64) -> bool {
        let was_killed = self.calls.remove(&id).is_some_and(|call| call.killed().is_some());
        self.dying -= usize::from(was_killed);
        was_killed && self.dying == 0
    }

    /// True when no call runs.
    pub(super) fn is_idle(&self) -> bool {
        self.calls.is_empty()
    }

    /// Takes the switches that are on, all of them; tells the calls that a new one means to end.
    pub(super) fn set(&mut self, switches: &[Switch]) {
        (self.all, self.tools, self.runs) = (None, HashMap::new(), HashMap::new());
        for switch in switches {
            let killed = Killed::from(switch);
            match &switch.target {
                Target::All => self.all = Some(killed),
                Target::Tool(tool) => drop(self.tools.insert(tool.clone(), killed)),
                Target::Run(run) => drop(self.runs.insert(*run, killed)),
            }
        }
        self.orders.retain(|generation, _| switches.iter().any(|switch| switch.generation == *generation));
        for switch in switches {
            if !self.orders.contains_key(&switch.generation) {
                let found = self.tell(&switch.target, &Killed::from(switch));
                let order = Order { target: switch.target.clone(), found, told: None };
                self.orders.insert(switch.generation, order);
            }
        }
    }

    /// The host cannot go on: no call is let in, and those that run are told to end.
    pub(super) fn shut(&mut self, killed: Killed) {
        self.tell(&Target::All, &killed);
        self.shut = Some(killed);
    }

    /// The host sees the switches again.
    pub(super) fn reopen(&mut self) {
        self.shut = None;
    }

    /// What the operator does not know yet.
    pub(super) fn due(&self) -> Vec<Acknowledgement> {
        let unsaid = self.orders.iter().filter(|(_, order)| order.told != Some(0));
        let due = unsaid.filter_map(|(generation, order)| {
            let running = self.running(&order.target);
            let stopped = order.found.saturating_sub(running);
            let due = Acknowledgement { generation: *generation, running, stopped };
            (order.told != Some(running)).then_some(due)
        });
        due.collect()
    }

    /// The operator knows this now.
    pub(super) fn told(&mut self, said: &[Acknowledgement]) {
        for said in said {
            if let Some(order) = self.orders.get_mut(&said.generation) {
                order.told = Some(said.running);
            }
        }
    }

    fn running(&self, target: &Target) -> u64 {
        self.calls.values().filter(|call| target.means(&call.run, &call.tool)).count() as u64
    }

    /// Tells the calls that are meant to end, and says how many there are.
    fn tell(&mut self, target: &Target, killed: &Killed) -> u64 {
        let mut meant = 0;
        for call in self.calls.values().filter(|call| target.means(&call.run, &call.tool)) {
            meant += 1;
            if call.killed.set(killed.clone()).is_ok() {
                self.dying += 1;
                call.wake.notify_waiters();
            }
        }
        meant
    }
}

impl Call {
    /// Why it must end.
    pub(super) fn killed(&self) -> Option<&Killed> {
        self.killed.get()
    }
}
