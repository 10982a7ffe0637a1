//! From the start of the process to the first answers, with a warm cache.

use super::place::Place;
use super::stats::Rounds;
use super::stdio::Client;
use super::table::{Bound, Table, Unit};
use anyhow::Result;
use std::process::Command;
use std::time::Instant;

const ROUNDS: usize = 15;
const TOOLS: usize = 10;

pub(crate) fn measure(place: &Place, table: &mut Table) -> Result<()> {
    let (policy, tools) = place.policy_of(TOOLS)?;
    let mut millis = Rounds::default();
    for round in 0..=ROUNDS {
        let baseline = started(Place::native()?)?;
        let ours = started(Place::serve(&policy))?;
        // The first start fills the cache.
        if round > 0 {
            millis.push(ours, baseline);
        }
    }
    table.row(
        &format!("start to first tools/list, {tools} tools, warm"),
        Unit::Millis,
        &millis,
        Bound::AtMost(100.0),
    );
    Ok(())
}

/// Milliseconds until the session was open and the tools were listed.
fn started(command: Command) -> Result<f64> {
    let began = Instant::now();
    let mut client = Client::start(command)?;
    client.open()?;
    let took = began.elapsed();
    client.end()?;
    Ok(took.as_secs_f64() * 1e3)
}
