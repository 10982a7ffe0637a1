//! Money of a policy: what may be spent, and what things cost.

use super::{report_over, report_zero};
use crate::policy::diagnostic::Diagnostics;
use crate::policy::document::Cursor;
use crate::policy::document::decimal::Money;

/// A billion dollars. Up to here a TOML float holds every micro-dollar exactly, and no sum overflows.
const MONEY_MAX: Money = Money(1_000_000_000_000_000);

/// What may be spent, above nothing, in micro-USD; or the lower one.
pub(super) fn limit(
    written: Option<Money>,
    lower_micro_usd: u64,
    at: (&Cursor<'_>, &str),
    diagnostics: &mut Diagnostics,
) -> u64 {
    if written == Some(Money(0)) {
        report_zero(at.0, at.1, "`0.000001` or more", diagnostics);
        return lower_micro_usd;
    }
    price(written, lower_micro_usd, at, diagnostics)
}

/// What something costs, in micro-USD; or the lower one.
pub(super) fn price(
    written: Option<Money>,
    lower_micro_usd: u64,
    at: (&Cursor<'_>, &str),
    diagnostics: &mut Diagnostics,
) -> u64 {
    match written {
        Some(money) if money > MONEY_MAX => {
            report_over(at.0, at.1, &format!("`{MONEY_MAX}`"), diagnostics);
            lower_micro_usd
        }
        Some(money) => money.0,
        None => lower_micro_usd,
    }
}
