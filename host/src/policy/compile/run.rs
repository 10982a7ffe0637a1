//! `[run]`, checked, with defaults.

use super::{budgets, count, guards, limits};
use crate::guard::settings::RunGuards;
use crate::policy::compiled::{RunFrom, RunSettings};
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::document::units::Period;
use crate::policy::document::{self, Cursor, is_variable_name};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const EXPECTED: &str = "`process`, `name` or `env:VAR`";
/// Past this nobody is counting any more.
const REFUSALS_MAX: u64 = 1_000;
/// A call is checked against every ancestor of its run.
const DEPTH_MAX: u64 = 64;
/// Thirty days.
const SEGMENT_MAX: Period = Period(Duration::from_secs(30 * 86_400));

pub(super) fn compile(
    section: Option<document::Run>,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> RunSettings {
    let mut section = section.unwrap_or_default();
    let from = match section.from.as_deref() {
        None => RunFrom::Process,
        Some(text) => parse_from(text).unwrap_or_else(|| {
            let place = cursor.key("from").place();
            let problem = Diagnostic::error("unknown_word", &place, "not a source of run identity");
            diagnostics.push(problem.found(format!("`{text}`")).expected(EXPECTED));
            RunFrom::Process
        }),
    };
    if section.name.as_deref() == Some("") {
        let place = cursor.key("name").place();
        diagnostics.push(Diagnostic::error("wrong_value", &place, "the run's name is empty"));
    }
    if section.name.is_some() && from != RunFrom::Name {
        let place = cursor.name("name").place();
        let message = "`name` is never read, because `from` is not `name`";
        diagnostics.push(Diagnostic::warning("unused_key", &place, message).help("write `from = \"name\"`"));
    }
    let required_context = section.required_context.take().unwrap_or_default();
    check_context(&required_context, &cursor.key("required_context"), diagnostics);
    let name = section.name.take();
    RunSettings { from, name, required_context, guards: Arc::new(run_guards(section, cursor, diagnostics)) }
}

fn parse_from(text: &str) -> Option<RunFrom> {
    match text {
        "process" => Some(RunFrom::Process),
        "name" => Some(RunFrom::Name),
        _ => {
            let variable = text.strip_prefix("env:")?;
            is_variable_name(variable).then(|| RunFrom::Env(variable.to_owned()))
        }
    }
}

fn check_context(keys: &[String], cursor: &Cursor<'_>, diagnostics: &mut Diagnostics) {
    let mut seen = BTreeSet::new();
    for (index, key) in keys.iter().enumerate() {
        let place = cursor.item(index).place();
        if key.is_empty() {
            diagnostics.push(Diagnostic::error("wrong_value", &place, "a context key is empty"));
        } else if !seen.insert(key) {
            let message = format!("`{key}` is required twice");
            diagnostics.push(Diagnostic::warning("duplicate_value", &place, message));
        }
    }
}

fn run_guards(section: document::Run, cursor: &Cursor<'_>, diagnostics: &mut Diagnostics) -> RunGuards {
    let built_in = RunGuards::default();
    let (refusals, depth) = (built_in.refusals_in_a_row, u64::from(built_in.depth));
    let at = (cursor, "refusals_in_a_row");
    let refusals_in_a_row = count(section.refusals_in_a_row, refusals, REFUSALS_MAX, at, diagnostics);
    let depth = count(section.depth, depth, DEPTH_MAX, (cursor, "depth"), diagnostics);
    let segment = (cursor, "segment");
    RunGuards {
        budgets: budgets::compile(section.budgets, &cursor.key("budgets"), diagnostics),
        refusals_in_a_row,
        depth: u32::try_from(depth).unwrap_or(u32::MAX),
        segment_ms: limits::period_ms(
            section.segment,
            built_in.segment_ms,
            SEGMENT_MAX,
            segment,
            diagnostics,
        ),
        review: section.review.unwrap_or(built_in.review),
        repetition: section.repetition.unwrap_or(built_in.repetition),
        rate: guards::rate(section.rate, &cursor.key("rate"), diagnostics),
    }
}
