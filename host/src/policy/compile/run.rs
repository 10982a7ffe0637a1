//! `[run]`, checked, with defaults.

use crate::policy::compiled::{RunFrom, RunSettings};
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::document::{self, Cursor, is_variable_name};
use std::collections::BTreeSet;

const EXPECTED: &str = "`process`, `name` or `env:VAR`";

pub(super) fn compile(
    section: Option<document::Run>,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> RunSettings {
    let section = section.unwrap_or_default();
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
    let required_context = section.required_context.unwrap_or_default();
    let mut seen = BTreeSet::new();
    for (index, key) in required_context.iter().enumerate() {
        let place = cursor.key("required_context").item(index).place();
        if key.is_empty() {
            diagnostics.push(Diagnostic::error("wrong_value", &place, "a context key is empty"));
        } else if !seen.insert(key) {
            let message = format!("`{key}` is required twice");
            diagnostics.push(Diagnostic::warning("duplicate_value", &place, message));
        }
    }
    RunSettings { from, name: section.name, required_context }
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
