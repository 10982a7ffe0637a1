//! `[defaults]`, checked: what a tool has where it says nothing, the built-in ones below.

use super::{approval, guards, limits, money};
use crate::guard::settings::ToolGuards;
use crate::policy::approval::Approval;
use crate::policy::compiled::Limits;
use crate::policy::diagnostic::Diagnostics;
use crate::policy::document::{self, Cursor};

/// What a tool has where it says nothing.
pub(super) struct Defaults {
    pub(super) limits: Limits,
    pub(super) guards: ToolGuards,
    pub(super) approval: Approval,
}

pub(super) fn compile(
    section: Option<document::Defaults>,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> Defaults {
    let section = section.unwrap_or_default();
    let built_in = ToolGuards::default();
    let at = |key: &str| cursor.key(key);
    Defaults {
        limits: limits::defaults(section.limits.as_ref(), &at("limits"), diagnostics),
        guards: ToolGuards {
            cost_micro_usd: money::price(
                section.cost,
                built_in.cost_micro_usd,
                (cursor, "cost"),
                diagnostics,
            ),
            rate: guards::rate(section.rate, &at("rate"), diagnostics),
            breaker: guards::breaker(section.breaker, built_in.breaker, &at("breaker"), diagnostics),
            retry: guards::retry(section.retry, built_in.retry, &at("retry"), diagnostics),
            ..built_in
        },
        approval: approval::layer(section.approval, &Approval::default(), &at("approval"), diagnostics),
    }
}
