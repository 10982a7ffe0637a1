//! What all guards together cost a call: the verdict, the intent's event and the ending's, on a warm board.
//!
//! The baseline is the whole committed call of `echo`, measured in turn. Invariant: every guard is on, and has a
//! history to look at.

use super::place::{Place, TEXT};
use super::stats::{Rounds, spread};
use super::table::{Bound, Table, Unit};
use anyhow::{Result, anyhow, ensure};
use std::sync::Arc;
use std::time::{Duration, Instant};
use toolgate::call::{CallId, RunId, Status};
use toolgate::guard::event::{Admitted, Blame, Ended, Event, Fingerprint, Hold, Kind, Opened};
use toolgate::guard::settings::{Rate, RunGuards, SpendGuards, ToolGuards};
use toolgate::guard::{Ask, Board};
use toolgate::{Gate, RunOptions};

const ROUNDS: usize = 15;
const CALLS: u64 = 500;

pub(crate) fn measure(place: &Place, table: &mut Table) -> Result<()> {
    let policy = place.echo_policy("guards", "effect = \"read-only\"")?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let gate = Gate::open(&policy).await?;
        let run = gate.run(RunOptions::default()).await?;
        let mut guards = Guards::new()?;
        let mut p50 = Rounds::default();
        for round in 0..=ROUNDS {
            let mut calls = Vec::new();
            for _ in 0..CALLS {
                let began = Instant::now();
                let outcome = run.call("echo", format!(r#"{{"text":"{TEXT}"}}"#).as_str()).await;
                calls.push(began.elapsed());
                ensure!(outcome.status == Status::Completed, "echo ended with {outcome:?}");
            }
            let ours = guards.calls()?;
            if round > 0 {
                p50.push(spread(ours)?.p50, spread(calls)?.p50);
            }
        }
        table.row("all guards, p50, to the whole call", Unit::Micros, &p50, Bound::AtMost(10.0));
        gate.close().await?;
        Ok(())
    })
}

struct Guards {
    board: Board,
    ask: Ask,
    seq: u64,
}

impl Guards {
    fn new() -> Result<Self> {
        let run = RunId::new(1_000, [1; 10]);
        let rate = Some(Rate { calls: 1_000_000_000, per_ms: 60_000 });
        let mut run_guards = RunGuards { rate, repetition: false, ..RunGuards::default() };
        (run_guards.budgets.steps, run_guards.budgets.proposals) = (u64::MAX, u64::MAX);
        (run_guards.budgets.tokens, run_guards.budgets.fuel) = (Some(u64::MAX), Some(u64::MAX));
        let ask = Ask {
            run,
            call: CallId::new(1_000, [0; 10]),
            tool: "echo".to_owned(),
            fingerprint: Fingerprint::default(),
            worst: Hold { tokens: 65_536, fuel: 1_000_000_000, ..Hold::default() },
            until_ms: 31_000,
            at_ms: 1_000,
            run_guards: Arc::new(run_guards),
            spend: Arc::new(SpendGuards { rate, ..SpendGuards::default() }),
            tool_guards: Arc::new(ToolGuards { rate, ..ToolGuards::default() }),
        };
        let mut guards = Self { board: Board::new(), ask, seq: 0 };
        guards.apply(Kind::Opened(Opened { principal: "default".to_owned(), parent: None, goal: false }))?;
        Ok(guards)
    }

    fn apply(&mut self, kind: Kind) -> Result<()> {
        self.seq += 1;
        let event = Event { seq: self.seq, run: self.ask.run, at_ms: self.ask.at_ms, kind };
        while let Some(scope) = self.board.missing_for(&event) {
            self.board.insert(scope, None)?;
        }
        self.board.apply(&event);
        Ok(())
    }

    fn calls(&mut self) -> Result<Vec<Duration>> {
        while let Some(scope) = self.board.missing(self.ask.run, Some("echo")) {
            self.board.insert(scope, None)?;
        }
        let mut samples = Vec::new();
        for _ in 0..CALLS {
            self.ask.at_ms += 20;
            self.ask.until_ms = self.ask.at_ms + 30_000;
            let mut random = [0; 10];
            let (number, _) = random.split_at_mut(8);
            number.copy_from_slice(&self.seq.to_be_bytes());
            self.ask.call = CallId::new(self.ask.at_ms, random);
            self.ask.fingerprint = Fingerprint { exact: self.seq, near: self.seq };
            let began = Instant::now();
            let admission = self.board.admit(&self.ask).map_err(|no| anyhow!("refused: {no:?}"))?;
            self.apply(Kind::Admitted(Admitted {
                call: self.ask.call,
                tool: self.ask.tool.clone(),
                fingerprint: self.ask.fingerprint,
                hold: admission.allowed,
                until_ms: self.ask.until_ms,
            }))?;
            let spent = Some(Hold { tokens: 5, fuel: 2_000, ..Hold::default() });
            let (call, result) = (self.ask.call, Some(self.seq));
            self.apply(Kind::Ended(Ended { call, blame: Blame::Works, spent, result, slow_ms: None }))?;
            samples.push(began.elapsed());
        }
        Ok(samples)
    }
}
