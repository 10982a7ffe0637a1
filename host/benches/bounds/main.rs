//! `make bench`: every bound that Toolgate promises, measured beside its baseline in the same run, as one table.
//!
//! `cargo bench -p toolgate -- call stdio` runs the named sections only. `docs/benchmarks.md` says how to read
//! the table. Invariant: a figure and its baseline are measured in turn, round by round, so that what else the
//! machine does falls on both; a ratio is the median over the rounds.

mod bare;
mod call;
mod fairness;
mod guards;
mod kill;
mod memory;
mod place;
mod sanitizer;
mod start;
mod stats;
mod stdio;
mod synced;
mod table;
mod verdict;

use anyhow::Result;
use place::Place;
use std::io::Write;
use table::Table;

type Section = fn(&Place, &mut Table) -> Result<()>;

const SECTIONS: &[(&str, Section)] = &[
    ("call", call::measure),
    ("guards", guards::measure),
    ("kill", kill::measure),
    ("fairness", fairness::measure),
    ("synced", synced::measure),
    ("start", start::measure),
    ("stdio", stdio::measure),
    ("memory", memory::measure),
    ("sanitizer", sanitizer::measure),
];

fn main() -> Result<()> {
    // Cargo hands `--bench` to every benchmark.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let place = Place::new()?;
    let mut table = Table::default();
    for (name, measure) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            writeln!(std::io::stderr(), "measuring: {name}")?;
            measure(&place, &mut table)?;
        }
    }
    table.print(std::io::stdout())?;
    Ok(())
}
