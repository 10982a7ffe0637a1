//! Limits of one call: the tool's own, else those of `[defaults]`, else the built-in ones.

use super::{report_over, report_zero};
use crate::policy::compiled::Limits;
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::document::units::{Bytes, Fuel, Period};
use crate::policy::document::{self, Cursor};
use std::time::Duration;

/// A day: every clock arithmetic on it is safe, and no client waits longer.
const DEADLINE_MAX: Period = Period(Duration::from_secs(86_400));
/// What a 32-bit memory can address.
const MEMORY_MAX: Bytes = Bytes(4 << 30);
/// The host holds an output several times over while it checks and sanitizes it.
const OUTPUT_MAX: Bytes = Bytes(64 << 20);

/// The built-in limits with those of `[defaults]` over them.
pub(super) fn defaults(
    section: Option<&document::Limits>,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> Limits {
    layer(section, Limits::BUILT_IN, cursor, diagnostics)
}

/// Written limits over lower ones.
pub(super) fn layer(
    section: Option<&document::Limits>,
    lower: Limits,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> Limits {
    let Some(section) = section else {
        return lower;
    };
    if section.fuel == Some(Fuel(0)) {
        report_zero(cursor, "fuel", "1 or more", diagnostics);
    }
    let limits = Limits {
        fuel: section.fuel.map_or(lower.fuel, |fuel| fuel.0),
        deadline: period(section.deadline, lower.deadline, DEADLINE_MAX, (cursor, "deadline"), diagnostics),
        call_deadline: period(
            section.call_deadline,
            lower.call_deadline,
            DEADLINE_MAX,
            (cursor, "call_deadline"),
            diagnostics,
        ),
        memory_bytes: size(
            section.memory,
            Bytes(lower.memory_bytes),
            MEMORY_MAX,
            (cursor, "memory"),
            diagnostics,
        ),
        output_bytes: size(
            section.output,
            Bytes(lower.output_bytes),
            OUTPUT_MAX,
            (cursor, "output"),
            diagnostics,
        ),
    };
    if limits.deadline > limits.call_deadline {
        let key = if section.deadline.is_some() { "deadline" } else { "call_deadline" };
        let (deadline, whole) = (Period(limits.deadline), Period(limits.call_deadline));
        let message = format!("one execution may take {deadline}, but the whole call only {whole}");
        let problem = Diagnostic::error("deadline_over_call_deadline", &cursor.key(key).place(), message);
        diagnostics.push(problem.help(format!("raise `call_deadline` to `\"{deadline}\"` or more")));
    }
    limits
}

/// A span of time in `1ms..=max`, or the lower one.
fn period(
    written: Option<Period>,
    lower: Duration,
    max: Period,
    at: (&Cursor<'_>, &str),
    diagnostics: &mut Diagnostics,
) -> Duration {
    let (cursor, key) = at;
    match written {
        Some(Period(Duration::ZERO)) => report_zero(cursor, key, "`1ms` or more", diagnostics),
        Some(period) if period.0 > max.0 => report_over(cursor, key, &format!("`{max}`"), diagnostics),
        Some(period) => return period.0,
        None => {}
    }
    lower
}

/// The same, in milliseconds.
pub(super) fn period_ms(
    written: Option<Period>,
    lower_ms: u64,
    max: Period,
    at: (&Cursor<'_>, &str),
    diagnostics: &mut Diagnostics,
) -> u64 {
    let lower = Duration::from_millis(lower_ms);
    let taken = period(written, lower, max, at, diagnostics);
    u64::try_from(taken.as_millis()).unwrap_or(u64::MAX)
}

/// A size in `1..=max`, or the lower one.
pub(super) fn size(
    written: Option<Bytes>,
    lower: Bytes,
    max: Bytes,
    at: (&Cursor<'_>, &str),
    diagnostics: &mut Diagnostics,
) -> u64 {
    let (cursor, key) = at;
    match written {
        Some(Bytes(0)) => report_zero(cursor, key, "`1B` or more", diagnostics),
        Some(bytes) if bytes.0 > max.0 => report_over(cursor, key, &format!("`{max}`"), diagnostics),
        Some(bytes) => return bytes.0,
        None => {}
    }
    lower.0
}
