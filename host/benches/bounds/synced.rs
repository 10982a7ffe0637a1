//! Calls with an effect: their intent and their ending are each synced, and callers share the syncs.

use super::place::{Place, TEXT};
use super::stats::Rounds;
use super::table::{Bound, Table, Unit};
use anyhow::{Result, ensure};
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use toolgate::call::Status;
use toolgate::ledger::{Disk, Sync as What, SystemDisk};
use toolgate::{Gate, GateOptions, Run, RunOptions};

const ROUNDS: usize = 5;
const CALLERS: usize = 64;
/// How long one caller, or all of them, call in a round.
const SPELL: Duration = Duration::from_secs(1);
/// What an injected sync takes.
const LATENCY: Duration = Duration::from_millis(4);

/// Counts syncs, and makes each take as long as it should.
struct Counted {
    syncs: AtomicU64,
    latency: Option<Duration>,
}

impl Disk for Counted {
    fn vfs(&self) -> Option<&str> {
        None
    }

    fn before_commit(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self, what: What, file: &File) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        match self.latency {
            Some(latency) => {
                std::thread::sleep(latency);
                Ok(())
            }
            None => SystemDisk.sync(what, file),
        }
    }
}

pub(crate) fn measure(place: &Place, table: &mut Table) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let (rates, syncs) = crowd(place, "injected", Some(LATENCY)).await?;
        table.row(
            "synced calls, 64 callers to 1, 4 ms a sync",
            Unit::PerSecond,
            &rates,
            Bound::RatioAtLeast(20.0),
        );
        table.row("syncs a call, 64 callers to 1", Unit::Count, &syncs, Bound::None);
        let (rates, syncs) = crowd(place, "real", None).await?;
        table.row("synced calls, 64 callers to 1, this disk", Unit::PerSecond, &rates, Bound::None);
        table.row("syncs a call, 64 callers to 1, this disk", Unit::Count, &syncs, Bound::None);
        Ok(())
    })
}

/// The rate of many callers beside that of one, and the syncs that each call took.
async fn crowd(place: &Place, name: &str, latency: Option<Duration>) -> Result<(Rounds, Rounds)> {
    let policy = place.echo_policy(name, "effect = \"idempotent\"\nkey = \"client\"")?;
    let disk = Arc::new(Counted { syncs: AtomicU64::new(0), latency });
    let gate = Gate::open_with(
        &policy,
        GateOptions { disk: Arc::clone(&disk) as Arc<dyn Disk>, ..GateOptions::default() },
    )
    .await?;
    let run = gate.run(RunOptions::default()).await?;
    let (mut rates, mut syncs) = (Rounds::default(), Rounds::default());
    for round in 0..=ROUNDS {
        let one = spell(&run, 1, &disk).await?;
        let many = spell(&run, CALLERS, &disk).await?;
        if round > 0 {
            rates.push(many.0, one.0);
            syncs.push(many.1, one.1);
        }
    }
    gate.close().await?;
    Ok((rates, syncs))
}

/// Calls a second and syncs a call.
async fn spell(run: &Run, callers: usize, disk: &Counted) -> Result<(f64, f64)> {
    let (began, before) = (Instant::now(), disk.syncs.load(Ordering::Relaxed));
    let tasks: Vec<_> = (0..callers).map(|_| tokio::spawn(caller(run.clone(), began + SPELL))).collect();
    let mut calls = 0.0;
    for task in tasks {
        calls += task.await??;
    }
    let syncs = disk.syncs.load(Ordering::Relaxed) - before;
    Ok((calls / began.elapsed().as_secs_f64(), syncs as f64 / calls))
}

async fn caller(run: Run, until: Instant) -> Result<f64> {
    let arguments = format!(r#"{{"text":"{TEXT}"}}"#);
    let mut calls = 0.0;
    while Instant::now() < until {
        let outcome = run.call("echo", arguments.as_str()).await;
        ensure!(outcome.status == Status::Completed, "echo ended with {outcome:?}");
        calls += 1.0;
    }
    Ok(calls)
}
