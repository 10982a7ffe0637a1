//! A committed, read-only call of `echo` through all stages, beside the runtime alone.

use super::bare::{Bare, Settings};
use super::place::{Place, TEXT};
use super::stats::{Rounds, spread};
use super::table::{Bound, Table, Unit};
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};
use toolgate::call::Status;
use toolgate::{Gate, Run, RunOptions};

const ROUNDS: usize = 15;
const CALLS: usize = 500;

pub(crate) fn measure(place: &Place, table: &mut Table) -> Result<()> {
    let policy = place.echo_policy("call", "effect = \"read-only\"")?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let bare = Bare::open(&place.echo(), Settings::Host)?;
        let floor = Bare::open(&place.echo(), Settings::Floor)?;
        let as_it_comes = Bare::open(&place.echo(), Settings::Default)?;
        let gate = Gate::open(&policy).await?;
        let run = gate.run(RunOptions::default()).await?;
        let (mut p50, mut p99, mut usual) = (Rounds::default(), Rounds::default(), Rounds::default());
        let (mut floor_p50, mut floor_p99) = (Rounds::default(), Rounds::default());
        for round in 0..=ROUNDS {
            let baseline = spread(alone(&bare).await?)?;
            let ours = spread(committed(&run, CALLS).await?)?;
            let metered = spread(alone(&floor).await?)?;
            let unset = spread(alone(&as_it_comes).await?)?;
            // The first round fills caches and pools.
            if round > 0 {
                p50.push(ours.p50, baseline.p50);
                p99.push(ours.p99, baseline.p99);
                floor_p50.push(ours.p50, metered.p50);
                floor_p99.push(ours.p99, metered.p99);
                usual.push(ours.p50, unset.p50);
            }
        }
        let (p50_max, p99_max) = (Bound::RatioAtMost(3.0), Bound::RatioAtMost(5.0));
        table.row("committed call, p50, to bare wasmtime, metered", Unit::Micros, &floor_p50, p50_max);
        table.row("committed call, p99", Unit::Micros, &floor_p99, p99_max);
        table.row("committed call, p50, to bare wasmtime, tuned as ours", Unit::Micros, &p50, p50_max);
        table.row("committed call, p99", Unit::Micros, &p99, p99_max);
        table.row("committed call, p50, to wasmtime as it comes", Unit::Micros, &usual, Bound::None);
        gate.close().await?;
        Ok(())
    })
}

async fn alone(bare: &Bare) -> Result<Vec<Duration>> {
    let arguments = format!(r#"{{"text":"{TEXT}"}}"#);
    let mut samples = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let began = Instant::now();
        let answer = bare.call("echo", &arguments).await?;
        samples.push(began.elapsed());
        ensure!(answer == arguments, "bare echo answered {answer}");
    }
    Ok(samples)
}

/// How long each of so many calls took.
pub(super) async fn committed(run: &Run, calls: usize) -> Result<Vec<Duration>> {
    let arguments = format!(r#"{{"text":"{TEXT}"}}"#);
    let mut samples = Vec::with_capacity(calls);
    for _ in 0..calls {
        let began = Instant::now();
        let outcome = run.call("echo", arguments.as_str()).await;
        samples.push(began.elapsed());
        ensure!(outcome.status == Status::Completed, "echo ended with {outcome:?}");
    }
    Ok(samples)
}
