//! What the guards cost a call, in two ways: what a whole committed call takes longer with every guard on than with
//! each one off that can be, and what verdict and events take by themselves (`verdict.rs`).
//!
//! The first leaves out what no policy can turn off, the second what the guards make the ledger write and read.
//! Invariant: the calls with and without take turns, and never repeat themselves.

use super::place::{Place, TEXT};
use super::stats::{Rounds, spread};
use super::table::{Bound, Table, Unit};
use super::verdict::Verdicts;
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};
use toolgate::call::Status;
use toolgate::{Gate, Run, RunOptions};

const ROUNDS: usize = 15;
const CALLS: usize = 500;
const MICROS_MAX: f64 = 10.0;

pub(crate) fn measure(place: &Place, table: &mut Table) -> Result<()> {
    let (on, off) = (place.guarded_policy("guards_on")?, place.unguarded_policy("guards_off")?);
    tokio::runtime::Runtime::new()?.block_on(async {
        let (on, off) = (Gate::open(&on).await?, Gate::open(&off).await?);
        let goal = RunOptions { goal: Some("measure".to_owned()), ..RunOptions::default() };
        let parent = on.run(goal.clone()).await?;
        let mut calls =
            Calls { on: parent.child(goal).await?, off: off.run(RunOptions::default()).await?, made: 0 };
        let mut verdicts = Verdicts::new()?;
        let (mut alone, mut more) = (Rounds::default(), Rounds::default());
        for round in 0..=ROUNDS {
            let (with, without) = calls.in_turn().await?;
            let verdict = spread(verdicts.calls(CALLS)?)?.p50;
            if round > 0 {
                alone.push(verdict, with);
                more.push(with - without, without);
            }
        }
        table.row("guards' verdict alone, p50, to the call", Unit::Micros, &alone, Bound::AtMost(MICROS_MAX));
        table.row(
            "call with all guards less call without, p50",
            Unit::Micros,
            &more,
            Bound::AtMost(MICROS_MAX),
        );
        on.close().await?;
        off.close().await?;
        Ok(())
    })
}

/// The two runs, and how many calls each has had.
struct Calls {
    on: Run,
    off: Run,
    made: usize,
}

impl Calls {
    /// The medians of one round, in microseconds: with the guards on, with them off.
    async fn in_turn(&mut self) -> Result<(f64, f64)> {
        let (mut on, mut off) = (Vec::with_capacity(CALLS), Vec::with_capacity(CALLS));
        for _ in 0..CALLS {
            self.made += 1;
            let arguments = format!(r#"{{"text":"{TEXT} {}"}}"#, self.made);
            // Neither always comes second, to what the other left in the caches.
            if self.made.is_multiple_of(2) {
                on.push(timed(&self.on, &arguments).await?);
                off.push(timed(&self.off, &arguments).await?);
            } else {
                off.push(timed(&self.off, &arguments).await?);
                on.push(timed(&self.on, &arguments).await?);
            }
        }
        Ok((spread(on)?.p50, spread(off)?.p50))
    }
}

async fn timed(run: &Run, arguments: &str) -> Result<Duration> {
    let began = Instant::now();
    let outcome = run.call("echo", arguments).await;
    let took = began.elapsed();
    ensure!(outcome.status == Status::Completed && outcome.notices.is_empty(), "echo ended with {outcome:?}");
    Ok(took)
}
