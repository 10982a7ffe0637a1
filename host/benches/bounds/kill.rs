//! From the kill command to the acknowledgement of a host whose guest computes without end, at the default memory cap:
//! a plain loop, and the worst there is, a loop of one instruction that writes all of that memory.
//!
//! The baseline is the same command with nothing to stop. Invariant: the guest was running when the command began,
//! and its call ended as killed.

use super::place::{Endless, Place};
use super::stats::Rounds;
use super::table::{Bound, Table, Unit};
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};
use toolgate::control::{self, Kill, Target, path_beside};
use toolgate::{Gate, RunOptions, Seams};

const ROUNDS: usize = 15;
const WAIT: Duration = Duration::from_secs(5);
/// Long enough to be running, and far from its deadline.
const HEAD_START: Duration = Duration::from_millis(50);

pub(crate) fn measure(place: &Place, table: &mut Table) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    for (row, endless) in [
        ("kill to acknowledgement, a guest that spins", place.spinner("kill_spin", "")?),
        ("kill to acknowledgement, one that fills 64 MiB", place.filler("kill_fill")?),
    ] {
        let millis = runtime.block_on(rounds(&endless))?;
        table.row(row, Unit::Millis, &millis, Bound::AtMost(100.0));
    }
    Ok(())
}

async fn rounds(endless: &Endless) -> Result<Rounds> {
    let path = path_beside(&endless.ledger);
    let gate = Gate::open(&endless.policy).await?;
    let mut millis = Rounds::default();
    for round in 0..=ROUNDS {
        let baseline = killed(&path, 0)?;
        let (run, tool) = (gate.run(RunOptions::default()).await?, endless.tool);
        let call = tokio::spawn(async move { run.call(tool, "{}").await });
        tokio::time::sleep(HEAD_START).await;
        let thrown = path.clone();
        let ours = tokio::task::spawn_blocking(move || killed(&thrown, 1)).await??;
        let outcome = call.await?;
        let word = outcome.reason.map_or("completed", |reason| reason.as_str());
        ensure!(word == "killed", "the call of {tool} ended as {word}");
        if round > 0 {
            millis.push(ours, baseline);
        }
    }
    gate.close().await?;
    Ok(millis)
}

/// Milliseconds from the command to the answer of every host; the switch is lifted again.
fn killed(path: &std::path::Path, stopped: u64) -> Result<f64> {
    let order = Kill {
        target: &Target::All,
        why: "bench",
        now_ms: Seams::system().now_ms(),
        wait: WAIT,
        force: false,
    };
    let began = Instant::now();
    let report = control::kill(path, &order)?;
    let took = began.elapsed();
    ensure!(report.all_stopped && report.stopped == stopped, "not what was asked: {report:?}");
    control::unkill(path, &Target::All)?;
    // The host has to see that it is lifted before the next call.
    std::thread::sleep(control::LOOK_EVERY * 3);
    Ok(took.as_secs_f64() * 1e3)
}
