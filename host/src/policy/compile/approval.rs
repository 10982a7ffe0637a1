//! `approval` and `[escalation]`, checked, with defaults.

use super::digest::parse_digest;
use super::limits::period_ms;
use super::money;
use crate::policy::approval::{Approval, Escalation};
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::document::units::Period;
use crate::policy::document::{self, Cursor};
use std::time::Duration;

/// Thirty days: an older yes was about another world.
const EXPIRES_MAX: Period = Period(Duration::from_secs(30 * 86_400));

/// Written conditions over lower ones, key by key: a tool that adds one keeps those of `[defaults]`.
pub(super) fn layer(
    section: Option<document::Approval>,
    lower: &Approval,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> Approval {
    let Some(section) = section else {
        return lower.clone();
    };
    let spent = section.spent.map(|spent| money::limit(Some(spent), 0, (cursor, "spent"), diagnostics));
    let (risk, ambiguity) = (section.risk.map(|risk| risk.0), section.ambiguity.map(|share| share.0));
    for (key, value) in [("risk", risk), ("ambiguity", ambiguity)] {
        if value == Some(0) {
            let message = format!("`{key}` is zero, so a person would be asked for every call");
            let problem = Diagnostic::error("zero_limit", &cursor.key(key).place(), message);
            diagnostics.push(problem.found("0").help("write `verdict = \"ask\"` where that is meant"));
        }
    }
    Approval {
        expires_ms: period_ms(
            section.expires,
            lower.expires_ms,
            EXPIRES_MAX,
            (cursor, "expires"),
            diagnostics,
        ),
        risk: risk.or(lower.risk),
        spent_micro_usd: spent.or(lower.spent_micro_usd),
        ambiguity_percent: ambiguity.or(lower.ambiguity_percent),
        client: section.client.unwrap_or(lower.client),
    }
}

pub(super) fn escalation(
    section: Option<document::Escalation>,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> Escalation {
    let written = section.unwrap_or_default().approver_key;
    let approver_key = written.as_deref().and_then(parse_digest);
    if let (Some(text), None) = (&written, approver_key) {
        let place = cursor.key("approver_key").place();
        let problem = Diagnostic::error("bad_key", &place, "not an ed25519 public key");
        let found = format!("{} characters", text.chars().count());
        diagnostics.push(problem.found(found).expected("64 lowercase hex digits"));
    }
    Escalation { approver_key }
}
