//! `[spend]`, checked, with defaults.

use super::{budgets, guards, money};
use crate::guard::settings::SpendGuards;
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::document::decimal::Money;
use crate::policy::document::{self, Cursor};

pub(super) fn compile(
    section: Option<document::Spend>,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> SpendGuards {
    let section = section.unwrap_or_default();
    let built_in = SpendGuards::default();
    let day = money::limit(section.day, built_in.day_micro_usd, (cursor, "day"), diagnostics);
    // A day that is written below the built-in hour leaves no more for the hour.
    let hour = built_in.hour_micro_usd.min(day);
    let hour = money::limit(section.hour, hour, (cursor, "hour"), diagnostics);
    if day < hour {
        let key = if section.day.is_some() { "day" } else { "hour" };
        let (day, hour) = (Money(day), Money(hour));
        let message = format!("an hour may cost {hour}, but the whole day only {day}");
        let problem = Diagnostic::error("day_under_hour", &cursor.key(key).place(), message);
        diagnostics.push(problem.help(format!("write `day = \"{hour}\"` or more, or lower `hour`")));
    }
    SpendGuards {
        hour_micro_usd: hour,
        day_micro_usd: day,
        hour_steps: budgets::optional(section.hour_steps, (cursor, "hour_steps"), diagnostics),
        rate: guards::rate(section.rate, &cursor.key("rate"), diagnostics),
    }
}
