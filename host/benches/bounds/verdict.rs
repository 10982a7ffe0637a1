//! The guards' part of a call by itself: the verdict, the intent's event and the ending's, on a warm board.
//!
//! Not here: what the ledger does for them. Invariant: every guard is on and has a history to look at, the run has a
//! parent and a goal, and no call repeats another.

use anyhow::{Result, anyhow};
use std::sync::Arc;
use std::time::{Duration, Instant};
use toolgate::call::{CallId, RunId};
use toolgate::guard::event::{Admitted, Blame, Ended, Event, Fingerprint, Hold, Kind, Opened};
use toolgate::guard::settings::{Budgets, Rate, RunGuards, SpendGuards, ToolGuards};
use toolgate::guard::{Ask, Board};

/// Time between two calls.
const PACE_MS: u64 = 20;

/// A board, and the next call to ask it about.
pub(crate) struct Verdicts {
    board: Board,
    ask: Ask,
    seq: u64,
}

impl Verdicts {
    pub(crate) fn new() -> Result<Self> {
        let (parent, run) = (RunId::new(1_000, [1; 10]), RunId::new(1_000, [2; 10]));
        let rate = Some(Rate { calls: 1_000_000_000, per_ms: 60_000 });
        let (most, none_left_out) = (u64::MAX, Some(u64::MAX));
        let budgets = Budgets {
            steps: most,
            proposals: most,
            cost_micro_usd: most,
            tokens: none_left_out,
            wall_ms: none_left_out,
            fuel: none_left_out,
            host_calls: none_left_out,
            output_bytes: none_left_out,
        };
        let spend =
            SpendGuards { hour_micro_usd: most, day_micro_usd: most, hour_steps: none_left_out, rate };
        let ask = Ask {
            run,
            call: CallId::new(1_000, [0; 10]),
            tool: "echo".to_owned(),
            fingerprint: Fingerprint::default(),
            worst: Hold {
                cost_micro_usd: 1,
                tokens: 65_536,
                wall_ms: 30_000,
                fuel: 1_000_000_000,
                host_calls: 1_000_000,
                output_bytes: 262_144,
            },
            until_ms: 31_000,
            at_ms: 1_000,
            // Time goes on faster here than it passes.
            run_guards: Arc::new(RunGuards { budgets, rate, segment_ms: most, ..RunGuards::default() }),
            spend: Arc::new(spend),
            tool_guards: Arc::new(ToolGuards { cost_micro_usd: 1, rate, ..ToolGuards::default() }),
        };
        let mut verdicts = Self { board: Board::new(), ask, seq: 0 };
        verdicts.open(parent, None)?;
        verdicts.open(run, Some(parent))?;
        Ok(verdicts)
    }

    /// What each of so many calls took.
    pub(crate) fn calls(&mut self, count: usize) -> Result<Vec<Duration>> {
        while let Some(scope) = self.board.missing(self.ask.run, Some("echo")) {
            self.board.insert(scope, None)?;
        }
        (0..count).map(|_| self.one_call()).collect()
    }

    fn one_call(&mut self) -> Result<Duration> {
        self.ask.at_ms += PACE_MS;
        self.ask.until_ms = self.ask.at_ms + 30_000;
        let mut random = [0; 10];
        let (number, _) = random.split_at_mut(8);
        number.copy_from_slice(&self.seq.to_be_bytes());
        self.ask.call = CallId::new(self.ask.at_ms, random);
        self.ask.fingerprint = Fingerprint { exact: self.seq, near: self.seq };
        let began = Instant::now();
        let admission = self.board.admit(&self.ask).answer.map_err(|no| anyhow!("refused: {no:?}"))?;
        self.apply(
            self.ask.run,
            Kind::Admitted(Admitted {
                call: self.ask.call,
                tool: self.ask.tool.clone(),
                fingerprint: self.ask.fingerprint,
                hold: admission.allowed,
                until_ms: self.ask.until_ms,
            }),
        )?;
        let spent =
            Some(Hold { cost_micro_usd: 1, tokens: 5, fuel: 2_000, output_bytes: 22, ..Hold::default() });
        let (call, result) = (self.ask.call, Some(self.seq));
        let ended = Ended { call, blame: Blame::Works, spent, result, slow_ms: None };
        self.apply(self.ask.run, Kind::Ended(ended))?;
        Ok(began.elapsed())
    }

    fn open(&mut self, run: RunId, parent: Option<RunId>) -> Result<()> {
        self.apply(run, Kind::Opened(Opened { principal: "default".to_owned(), parent, goal: true }))
    }

    fn apply(&mut self, run: RunId, kind: Kind) -> Result<()> {
        self.seq += 1;
        let event = Event { seq: self.seq, run, at_ms: self.ask.at_ms, kind };
        while let Some(scope) = self.board.missing_for(&event) {
            self.board.insert(scope, None)?;
        }
        self.board.apply(&event);
        Ok(())
    }
}
