//! Resident memory over ten thousand calls.

use super::place::Place;
use super::stats::Rounds;
use super::stdio::Client;
use super::table::{Bound, Table, Unit};
use anyhow::Result;

const WARM_CALLS: usize = 1_000;
const CALLS: usize = 10_000;
/// "Flat": what ten thousand calls may add to what one thousand left.
const GROWTH_MAX: f64 = 1.05;
const RESIDENT_MAX_MIB: f64 = 60.0;

pub(crate) fn measure(place: &Place, table: &mut Table) -> Result<()> {
    let policy = place.echo_policy("memory", "effect = \"read-only\"")?;
    let mut native = Client::start(Place::native()?)?;
    let mut gated = Client::start(Place::serve(&policy))?;
    native.open()?;
    gated.open()?;
    native.sequential(CALLS)?;
    gated.sequential(WARM_CALLS)?;
    let early = gated.resident()?;
    gated.sequential(CALLS - WARM_CALLS)?;
    let (late, floor) = (gated.resident()?, native.resident()?);
    let (mut growth, mut size) = (Rounds::default(), Rounds::default());
    growth.push(late, early);
    size.push(late, floor);
    table.row(
        "resident after 10,000 calls, to after 1,000",
        Unit::MiB,
        &growth,
        Bound::RatioAtMost(GROWTH_MAX),
    );
    table.row(
        "resident after 10,000 calls, to native rmcp",
        Unit::MiB,
        &size,
        Bound::AtMost(RESIDENT_MAX_MIB),
    );
    native.end()?;
    gated.end()
}
