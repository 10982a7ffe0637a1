//! The guards' facts, each as a sentence, over a small world: a board, a clock and numbers for ids.
//!
//! Not here: the simulator (`tests/` of the workspace), which lets agents loose on the same board.

mod board;
mod breaker;
mod breaker_model;
mod budget;
mod clock;
mod course;
mod random;
mod repetition;
mod spend;
mod status;
mod turn;
mod words;

use super::event::{Admitted, Blame, Ended, Event, Fingerprint, Hold, Kind, Opened, Refused, Steer};
use super::settings::{Breaker, RunGuards, SpendGuards, ToolGuards};
use super::{Admission, Ask, Board, Consulted, Notice, Pattern, Reading, Refusal};
use crate::call::{CallId, Denial, RunId};
use std::sync::Arc;

/// The n-th run.
fn run(n: u8) -> RunId {
    RunId::new(1, [n; 10])
}

/// A fingerprint of arguments by number: those of the same hundred are nearly equal.
fn print(arguments: u64) -> Fingerprint {
    Fingerprint { exact: arguments, near: arguments / 100 }
}

struct World {
    board: Board,
    events: Vec<Event>,
    now: u64,
    calls: u64,
    guards: RunGuards,
    spend: SpendGuards,
    tool: ToolGuards,
    /// What each call asks to hold.
    worst: Hold,
}

impl World {
    /// With one open run, `run(1)`, of the principal `p`.
    fn new() -> Self {
        let mut world = Self {
            board: Board::new(),
            events: Vec::new(),
            now: 1_000_000,
            calls: 0,
            guards: RunGuards::default(),
            spend: SpendGuards::default(),
            tool: ToolGuards::default(),
            worst: Hold::default(),
        };
        world.open(1, None);
        world
    }

    fn open(&mut self, n: u8, parent: Option<u8>) {
        self.open_as(n, parent, "p", false);
    }

    fn open_as(&mut self, n: u8, parent: Option<u8>, principal: &str, goal: bool) {
        let opened = Opened { principal: principal.to_owned(), parent: parent.map(run), goal };
        self.happen(n, Kind::Opened(opened));
    }

    fn happen(&mut self, n: u8, kind: Kind) {
        let event = Event { seq: self.events.len() as u64 + 1, run: run(n), at_ms: self.now, kind };
        while let Some(scope) = self.board.missing_for(&event) {
            self.board.insert(scope, None).unwrap();
        }
        self.board.apply(&event);
        self.events.push(event);
    }

    fn steer(&mut self, n: u8, steer: Steer) {
        self.happen(n, Kind::Steered(steer));
    }

    /// How one more call of run `n` on tool `t` would be answered.
    fn asked(&mut self, n: u8, arguments: u64) -> Result<Admission, Refusal> {
        let ask = self.ask(n, "t", arguments);
        self.decide(&ask)
    }

    /// What the guards read when they are asked.
    fn readings(&mut self, n: u8, arguments: u64) -> Vec<Reading> {
        let ask = self.ask(n, "t", arguments);
        self.consult(&ask).readings
    }

    fn ask(&mut self, n: u8, tool: &str, arguments: u64) -> Ask {
        self.calls += 1;
        Ask {
            run: run(n),
            call: CallId::new(self.calls, [0; 10]),
            tool: tool.to_owned(),
            fingerprint: print(arguments),
            worst: self.worst,
            until_ms: self.now + 30_000,
            at_ms: self.now,
            run_guards: Arc::new(self.guards.clone()),
            spend: Arc::new(self.spend.clone()),
            tool_guards: Arc::new(self.tool.clone()),
        }
    }

    fn decide(&mut self, ask: &Ask) -> Result<Admission, Refusal> {
        self.consult(ask).answer
    }

    fn consult(&mut self, ask: &Ask) -> Consulted {
        while let Some(scope) = self.board.missing(ask.run, Some(&ask.tool)) {
            self.board.insert(scope, None).unwrap();
        }
        self.board.admit(ask)
    }

    /// Asks, and writes the intent or the refusal.
    fn start(&mut self, n: u8, arguments: u64) -> Result<(CallId, Admission), Refusal> {
        let ask = self.ask(n, "t", arguments);
        self.start_ask(n, &ask)
    }

    fn start_ask(&mut self, n: u8, ask: &Ask) -> Result<(CallId, Admission), Refusal> {
        match self.decide(ask) {
            Ok(admission) => {
                let Ask { call, fingerprint, until_ms, .. } = *ask;
                let hold = admission.allowed;
                let admitted = Admitted { call, tool: ask.tool.clone(), fingerprint, hold, until_ms };
                self.happen(n, Kind::Admitted(admitted));
                Ok((call, admission))
            }
            Err(refusal) => {
                let (code, tool) = (Some(refusal.code), Some(ask.tool.clone()));
                let fingerprint = Some(ask.fingerprint);
                self.happen(n, Kind::Refused(Refused { code, tool, fingerprint }));
                Err(refusal)
            }
        }
    }

    fn refuse(&mut self, n: u8, code: Option<Denial>, fingerprint: Option<Fingerprint>) {
        let tool = fingerprint.map(|_| "t".to_owned());
        self.happen(n, Kind::Refused(Refused { code, tool, fingerprint }));
    }

    fn end(&mut self, n: u8, call: CallId, blame: Blame, spent: Option<Hold>, result: Option<u64>) {
        self.happen(n, Kind::Ended(Ended { call, blame, spent, result, slow_ms: None }));
    }

    /// A call from start to end, working, with a result of its own.
    fn call(&mut self, n: u8, arguments: u64) -> Result<Admission, Refusal> {
        let result = self.events.len() as u64 + 1_000_000;
        self.call_for(n, arguments, Blame::Works, Some(result))
    }

    fn call_for(
        &mut self,
        n: u8,
        arguments: u64,
        blame: Blame,
        result: Option<u64>,
    ) -> Result<Admission, Refusal> {
        let (call, admission) = self.start(n, arguments)?;
        self.end(n, call, blame, Some(admission.allowed), result);
        Ok(admission)
    }

    /// A call that fails, by the tool's breaker.
    fn fail(&mut self, n: u8, arguments: u64) -> Result<Admission, Refusal> {
        self.call_for(n, arguments, Blame::Fails(self.tool.breaker), None)
    }
}

/// A world with the principal in memory.
fn world() -> World {
    let mut world = World::new();
    drop(world.asked(1, 1));
    world
}

/// The pattern that the agent is told of.
fn noticed(admission: &Admission) -> Option<Pattern> {
    admission.notices.iter().find_map(|notice| match notice {
        Notice::Repeated(pattern) => Some(*pattern),
        Notice::WrapUp { .. } | Notice::Halted { .. } => None,
    })
}

fn money(cost_micro_usd: u64) -> Hold {
    Hold { cost_micro_usd, ..Hold::default() }
}
