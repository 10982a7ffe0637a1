//! The one table: a row per bound.

use super::stats::Rounds;
use comfy_table::presets::ASCII_MARKDOWN;
use std::io::Write;

/// What a row promises.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// Ours ÷ baseline at most.
    RatioAtMost(f64),
    /// Ours ÷ baseline at least.
    RatioAtLeast(f64),
    /// Our own figure at most, in the row's unit.
    AtMost(f64),
    /// Ours at most so many times the baseline and so much more, in the row's unit.
    TimesPlus(f64, f64),
    /// Printed for comparison.
    None,
}

/// The unit of a row's figures.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    Micros,
    Millis,
    PerSecond,
    MiB,
    MegabytesPerSecond,
    Count,
}

/// The rows so far.
#[derive(Default)]
pub(crate) struct Table(Vec<[String; 6]>);

impl Table {
    /// Adds a row from figures taken in turn with their baseline.
    pub(crate) fn row(&mut self, what: &str, unit: Unit, rounds: &Rounds, bound: Bound) {
        let (ours, ratio) = (rounds.ours(), rounds.ratio());
        let (bound, met) = match bound {
            Bound::RatioAtMost(max) => (format!("≤ {max} ×"), Some(ratio <= max)),
            Bound::RatioAtLeast(min) => (format!("≥ {min} ×"), Some(ratio >= min)),
            Bound::AtMost(max) => (format!("≤ {}", unit.show(max)), Some(ours <= max)),
            Bound::TimesPlus(times, more) => {
                (format!("≤ {times} × + {}", unit.show(more)), Some(rounds.beyond(times) <= more))
            }
            Bound::None => ("–".to_owned(), None),
        };
        let met = match met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "–",
        };
        let (ours, baseline) = (unit.show(ours), unit.show(rounds.baseline()));
        self.0.push([what.to_owned(), ours, baseline, format!("{ratio:.2} ×"), bound, met.to_owned()]);
    }

    /// Prints everything, as a table that Markdown shows as one too.
    pub(crate) fn print(&self, mut to: impl Write) -> std::io::Result<()> {
        let mut table = comfy_table::Table::new();
        table.load_style(ASCII_MARKDOWN);
        table.set_header(["", "measured", "baseline", "ratio", "bound", ""]);
        table.add_rows(self.0.iter());
        writeln!(to, "{table}")
    }
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Self::Micros => format!("{figure:.0} µs"),
            Self::Millis => format!("{figure:.1} ms"),
            Self::PerSecond => format!("{figure:.0}/s"),
            Self::MiB => format!("{figure:.1} MiB"),
            Self::MegabytesPerSecond => format!("{figure:.0} MB/s"),
            Self::Count => format!("{figure:.2}"),
        }
    }
}
