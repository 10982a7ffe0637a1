//! A short call beside 64 guests that compute without end: all that one tool may run at once, half of the slots.
//!
//! The baseline is the same call alone, before they begin. Invariant: none of the 64 ended while the call was
//! measured, and all of them had had time to turn out to be long.

use super::call::committed;
use super::place::Place;
use super::stats::{Rounds, spread};
use super::table::{Bound, Table, Unit};
use anyhow::{Result, ensure};
use std::time::Duration;
use tokio::task::JoinSet;
use toolgate::{Gate, RunOptions};

const ROUNDS: usize = 5;
const CALLS: usize = 300;
const SLOTS: usize = 128;
/// How long the spinners take to begin, and what they held to come free again: many ticks for each of them.
const SETTLE: Duration = Duration::from_secs(2);
/// One epoch, in milliseconds: how long a guest computes before it gives its thread back.
const TICK_MS: f64 = 10.0;

pub(crate) fn measure(place: &Place, table: &mut Table) -> Result<()> {
    let endless = place.spinner("fairness", &format!("concurrency = {SLOTS}"))?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let gate = Gate::open(&endless.policy).await?;
        let run = gate.run(RunOptions::default()).await?;
        let (mut p50, mut p99) = (Rounds::default(), Rounds::default());
        for round in 0..=ROUNDS {
            let solo = spread(committed(&run, CALLS).await?)?;
            let mut spinners = JoinSet::new();
            for _ in 0..SLOTS / 2 {
                let (run, tool) = (run.clone(), endless.tool);
                spinners.spawn(async move { run.call(tool, "{}").await });
            }
            tokio::time::sleep(SETTLE).await;
            let beside = spread(committed(&run, CALLS).await?)?;
            ensure!(
                spinners.try_join_next().is_none(),
                "a spinner ended while the short calls were measured"
            );
            spinners.shutdown().await;
            tokio::time::sleep(SETTLE).await;
            if round > 0 {
                p50.push(beside.p50 / 1e3, solo.p50 / 1e3);
                p99.push(beside.p99 / 1e3, solo.p99 / 1e3);
            }
        }
        table.row("short call beside 64 spinners, p50, to alone", Unit::Millis, &p50, Bound::None);
        table.row(
            "short call beside 64 spinners, p99, to alone",
            Unit::Millis,
            &p99,
            Bound::TimesPlus(2.0, TICK_MS),
        );
        gate.close().await?;
        Ok(())
    })
}
