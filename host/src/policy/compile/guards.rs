//! `rate`, `breaker` and `retry`, checked: the tool's own, else those of `[defaults]`, else the built-in
//! ones, key by key.

use super::limits::period_ms;
use super::{count, report_zero};
use crate::guard::settings::{Breaker, Rate, Retry};
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::document::decimal::Score;
use crate::policy::document::units::Period;
use crate::policy::document::{self, Cursor, Switch};
use std::time::Duration;

/// Calls are counted for this long.
const WINDOW_MAX: Period = Period(Duration::from_secs(3_600));
/// Within a second, the order of calls is chance.
const WINDOW_MIN: Period = Period(Duration::from_secs(1));
const COOLDOWN_MAX: Period = Period(Duration::from_secs(86_400));
const PAUSE_MAX: Period = Period(Duration::from_secs(3_600));
/// Above a million calls a second apart, no window is a limit.
const CALLS_MAX: u64 = 1_000_000;
/// Every failure within the window is remembered.
const FAILURES_MAX: u64 = 1_000;
/// Pauses double: the tenth is 512 times the first.
const ATTEMPTS_MAX: u64 = 10;

/// A rate, where one is written.
pub(super) fn rate(
    written: Option<document::Rate>,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Rate> {
    let written = written?;
    let per_ms = window_ms(Some(written.per), 0, (cursor, "per"), diagnostics);
    Some(Rate { calls: count(Some(written.calls), 1, CALLS_MAX, (cursor, "calls"), diagnostics), per_ms })
}

/// A breaker over the lower one; `None` where it is off.
pub(super) fn breaker(
    written: Option<Switch<document::Breaker>>,
    lower: Option<Breaker>,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Breaker> {
    let section = match written {
        None => return lower,
        Some(Switch::Off) => return None,
        Some(Switch::On(section)) => section,
    };
    let lower = lower.unwrap_or_default();
    let failures = u64::from(lower.failures);
    let failures = count(section.failures, failures, FAILURES_MAX, (cursor, "failures"), diagnostics);
    Some(Breaker {
        failures: u32::try_from(failures).unwrap_or(u32::MAX),
        percent: section.percent.map_or(lower.percent, |percent| percent.0),
        window_ms: window_ms(section.window, lower.window_ms, (cursor, "window"), diagnostics),
        cooldown_ms: period_ms(
            section.cooldown,
            lower.cooldown_ms,
            COOLDOWN_MAX,
            (cursor, "cooldown"),
            diagnostics,
        ),
    })
}

/// Retries over the lower ones; off is one attempt.
pub(super) fn retry(
    written: Option<Switch<document::Retry>>,
    lower: Retry,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> Retry {
    let section = match written {
        None => return lower,
        Some(Switch::Off) => return Retry { attempts: 1, ..lower },
        Some(Switch::On(section)) => section,
    };
    // A tool that writes `retry` where the defaults have it off means to have it on.
    let on = Retry { attempts: Retry::default().attempts, ..lower };
    let lower = if lower.attempts == 1 { on } else { lower };
    let attempts = u64::from(lower.attempts);
    let attempts = count(section.attempts, attempts, ATTEMPTS_MAX, (cursor, "attempts"), diagnostics);
    let base_ms = period_ms(section.base, lower.base_ms, PAUSE_MAX, (cursor, "base"), diagnostics);
    let max_ms = period_ms(section.max, lower.max_ms, PAUSE_MAX, (cursor, "max"), diagnostics);
    if section.max.is_some() && max_ms < base_ms {
        let (base, max) = (Period(Duration::from_millis(base_ms)), Period(Duration::from_millis(max_ms)));
        let message = format!("no pause is longer than {max}, but the first may take {base}");
        let problem = Diagnostic::error("empty_range", &cursor.key("max").place(), message);
        diagnostics.push(problem.expected(format!("`\"{base}\"` or more")));
    }
    if section.budget == Some(Score(0)) {
        report_zero(cursor, "budget", "1 to 100, or `retry = \"off\"`", diagnostics);
    }
    Retry {
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        base_ms,
        max_ms: max_ms.max(base_ms),
        budget_percent: section.budget.map_or(lower.budget_percent, |budget| u32::from(budget.0)),
    }
}

/// A window that can be counted, in milliseconds; or the lower one.
fn window_ms(
    written: Option<Period>,
    lower_ms: u64,
    at: (&Cursor<'_>, &str),
    diagnostics: &mut Diagnostics,
) -> u64 {
    let (cursor, key) = at;
    match written {
        Some(period) if period.0 < WINDOW_MIN.0 && !period.0.is_zero() => {
            let message = format!("`{key}` is shorter than a window can be");
            let problem = Diagnostic::error("limit_too_small", &cursor.key(key).place(), message);
            diagnostics.push(
                problem.found(format!("`{period}`")).expected(format!("`{WINDOW_MIN}` to `{WINDOW_MAX}`")),
            );
            lower_ms
        }
        _ => period_ms(written, lower_ms, WINDOW_MAX, at, diagnostics),
    }
}
