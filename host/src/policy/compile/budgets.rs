//! `[run.budgets]`, checked, with defaults.

use super::limits::{period_ms, size};
use super::{count, money, report_zero};
use crate::guard::settings::Budgets;
use crate::policy::diagnostic::Diagnostics;
use crate::policy::document::units::{Bytes, Fuel, Period};
use crate::policy::document::{self, Cursor};
use std::time::Duration;

/// A thousand billion: no run counts further, and no sum of two overflows.
const COUNT_MAX: u64 = 1_000_000_000_000;
/// Thirty days.
const WALL_MAX: Period = Period(Duration::from_secs(30 * 86_400));
/// A pebibyte.
const OUTPUT_MAX: Bytes = Bytes(1 << 50);

pub(super) fn compile(
    section: Option<document::Budgets>,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> Budgets {
    let section = section.unwrap_or_default();
    let built_in = Budgets::default();
    if section.fuel == Some(Fuel(0)) {
        report_zero(cursor, "fuel", "1 or more", diagnostics);
    }
    let wall_time = section.wall_time.is_some().then(|| {
        let at = (cursor, "wall_time");
        period_ms(section.wall_time, 0, WALL_MAX, at, diagnostics)
    });
    let output = section.output.is_some().then(|| {
        let at = (cursor, "output");
        size(section.output, Bytes(0), OUTPUT_MAX, at, diagnostics)
    });
    Budgets {
        steps: count(section.steps, built_in.steps, COUNT_MAX, (cursor, "steps"), diagnostics),
        proposals: count(
            section.proposals,
            built_in.proposals,
            COUNT_MAX,
            (cursor, "proposals"),
            diagnostics,
        ),
        cost_micro_usd: money::limit(section.cost, built_in.cost_micro_usd, (cursor, "cost"), diagnostics),
        tokens: optional(section.tokens, (cursor, "tokens"), diagnostics),
        wall_ms: wall_time,
        fuel: section.fuel.map(|fuel| fuel.0),
        host_calls: optional(section.host_calls, (cursor, "host_calls"), diagnostics),
        output_bytes: output,
    }
}

/// A count of 1 or more, where one is written.
pub(super) fn optional(
    written: Option<u64>,
    at: (&Cursor<'_>, &str),
    diagnostics: &mut Diagnostics,
) -> Option<u64> {
    written.map(|number| count(Some(number), 1, COUNT_MAX, at, diagnostics))
}
