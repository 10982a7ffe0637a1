//! Agents by script: what each kind does next, given how its last call went.
//!
//! Not here: what becomes of it. Invariant: an agent knows only what a real one is told; a restart forgets even that.

use super::chance::Chance;
use super::scenario::{PAY, POLL, READ};
use toolgate::call::{Denial, RunId};

/// How an agent goes about its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Waits when told, stops when told, wraps up when told.
    Obedient,
    /// Goes round in a circle of one to four calls.
    Looping,
    /// Repeats what failed, at once.
    Retrying,
    /// Opens a run below its own whenever it can, and works there.
    Forking,
    /// Asks the polling tool the same, now and then too soon.
    Polling,
    /// Has something done, and asks for it again.
    Echoing,
    /// Comes back to the same question between others.
    Returning,
    /// Asks what no tool can answer.
    Blundering,
    /// Hears nothing.
    Ignoring,
}

/// Arguments that end so are wrong for every tool.
pub(super) const WRONG: u64 = 99;

/// What it does next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Call {
        tool: u64,
        arguments: u64,
    },
    /// Arguments that do not fit.
    Misshapen,
    /// A run below this one.
    Fork,
    /// A checkpoint, and a new segment.
    Refresh,
    Report,
    Tokens(u64),
    Finish,
    /// It is done.
    Leave,
}

/// What it was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Nothing,
    Ran { works: bool, wrap_up: bool },
    Refused { code: Denial, retry_after_ms: Option<u64> },
}

pub(super) struct Agent {
    pub(super) kind: Kind,
    pub(super) run: RunId,
    pub(super) host: usize,
    pub(super) told: Told,
    /// Turns that it has left to live.
    pub(super) turns: u64,
    /// Arguments of an agent lie in a range of their own, unless it shares them.
    base: u64,
    done: u64,
    last: Option<Act>,
}

impl Agent {
    pub(super) fn new(run: RunId, host: usize, chance: &mut Chance) -> Self {
        use Kind::{Blundering, Echoing, Forking, Ignoring, Looping, Obedient, Polling, Retrying, Returning};
        Self {
            kind: chance.pick(&[
                Obedient, Obedient, Looping, Retrying, Forking, Polling, Echoing, Returning, Blundering,
                Ignoring,
            ]),
            run,
            host,
            told: Told::Nothing,
            turns: 10 + chance.below(60),
            base: chance.below(50) * 1_000_000,
            done: 0,
            last: None,
        }
    }

    /// Its process dies, and its supervisor starts it again.
    pub(super) fn restart(&mut self) {
        (self.told, self.done, self.last) = (Told::Nothing, 0, None);
    }

    /// How long it thinks before it acts.
    pub(super) fn pause_ms(&self, chance: &mut Chance) -> u64 {
        if chance.percent(1) {
            return chance.below(7_200_000);
        }
        let told_ms = match self.told {
            Told::Refused { retry_after_ms: Some(ms), .. } if self.listens(chance) => ms.min(600_000),
            _ => 0,
        };
        told_ms
            + match self.kind {
                Kind::Obedient => chance.below(2_000),
                Kind::Polling => 1_800 + chance.below(2_000),
                _ => chance.below(400),
            }
    }

    pub(super) fn act(&mut self, chance: &mut Chance) -> Act {
        self.turns = self.turns.saturating_sub(1);
        if self.turns == 0 {
            return Act::Leave;
        }
        let act = match self.kind {
            Kind::Obedient => self.obey(chance),
            Kind::Looping => self.next_in_circle(),
            Kind::Retrying => self.retry(chance),
            Kind::Forking if chance.percent(25) => Act::Fork,
            Kind::Forking => self.obey(chance),
            Kind::Polling => Act::Call { tool: POLL, arguments: self.base },
            Kind::Echoing => Act::Call { tool: PAY, arguments: self.base + self.echo(chance) * 100 },
            Kind::Returning if self.done % 2 == 1 => {
                self.done += 1;
                Act::Call { tool: READ, arguments: self.base }
            }
            Kind::Returning => self.work(chance),
            Kind::Blundering => self.blunder(chance),
            Kind::Ignoring if chance.percent(15) => Act::Misshapen,
            Kind::Ignoring => self.work(chance),
        };
        self.last = Some(act);
        act
    }

    fn listens(&self, chance: &mut Chance) -> bool {
        match self.kind {
            Kind::Ignoring => false,
            Kind::Polling => chance.percent(80),
            _ => true,
        }
    }

    fn obey(&mut self, chance: &mut Chance) -> Act {
        match self.told {
            Told::Refused { code: Denial::CheckpointAndRefresh, .. } => Act::Refresh,
            Told::Refused { code: Denial::RunPaused, .. } => Act::Report,
            Told::Refused { code: Denial::RunHalted | Denial::DepthExceeded, .. } => Act::Leave,
            Told::Refused { code: Denial::BudgetExhausted, .. } | Told::Ran { wrap_up: true, .. } => {
                Act::Finish
            }
            _ if chance.percent(5) => Act::Tokens(chance.below(200)),
            _ => self.work(chance),
        }
    }

    /// Something new.
    fn work(&mut self, chance: &mut Chance) -> Act {
        self.done += 1;
        let variant = if chance.percent(10) { 1 } else { 0 };
        Act::Call { tool: chance.below(5), arguments: self.base + self.done * 100 + variant }
    }

    /// The same as before, once it works.
    fn echo(&mut self, chance: &mut Chance) -> u64 {
        let works = matches!(self.told, Told::Ran { works: true, .. });
        self.done += u64::from(!works || chance.percent(5));
        self.done
    }

    fn blunder(&mut self, chance: &mut Chance) -> Act {
        self.done += 1;
        Act::Call { tool: chance.below(5), arguments: self.base + self.done * 100 + WRONG }
    }

    fn next_in_circle(&mut self) -> Act {
        self.done += 1;
        let period = 1 + self.base / 1_000_000 % 4;
        let at = self.done % period;
        Act::Call { tool: (self.base / 1_000_000 + at) % 5, arguments: self.base + at * 100 }
    }

    fn retry(&mut self, chance: &mut Chance) -> Act {
        match (self.told, self.last) {
            (Told::Ran { works: false, .. } | Told::Refused { .. }, Some(act @ Act::Call { .. })) => act,
            _ => self.work(chance),
        }
    }
}
