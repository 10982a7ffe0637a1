//! `[tools.NAME.fallback]`, checked: exactly one way out, no way that leads in a circle, a text whose places are known.

use super::limits::period_ms;
use crate::call::nearest;
use crate::policy::compiled::{Effect, ToolPolicy};
use crate::policy::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::policy::document::units::Period;
use crate::policy::document::{self, Cursor, Switch};
use crate::policy::fallback::{Fallback, Instead};
use crate::policy::template::Template;
use std::collections::BTreeMap;
use std::time::Duration;

/// Thirty days: what is older is no stand-in for the truth.
const AGE_MAX: Period = Period(Duration::from_secs(30 * 86_400));
/// A sentence is read by a model and a person, in the middle of something else.
const SENTENCE_CHARS_MAX: usize = 500;
const EXPECTED: &str = "exactly one of `value`, `last_good`, `tool` and `text`, or `fallback = \"off\"`";
const PLACEHOLDERS: &str =
    "`{tool}`, `{reason}` or `{/json/pointer}` into the call's arguments; `{{` is a plain `{`";

pub(super) fn compile(
    written: Option<Switch<document::Fallback>>,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Fallback> {
    let section = match written {
        None | Some(Switch::Off) => return None,
        Some(Switch::On(section)) => section,
    };
    let mut ways = Vec::new();
    ways.extend(section.value.map(Instead::Value));
    ways.extend(section.last_good.map(|age| {
        let max_age_ms = period_ms(Some(age), 0, AGE_MAX, (cursor, "last_good"), diagnostics);
        Instead::LastGood { max_age_ms }
    }));
    ways.extend(section.tool.map(Instead::Tool));
    ways.extend(section.text.map(|text| {
        check_sentence(&text, (cursor, "text"), diagnostics);
        Instead::Text(template(&text, (cursor, "text"), diagnostics))
    }));
    if let Some(say) = &section.say {
        check_sentence(say, (cursor, "say"), diagnostics);
    }
    let found: Vec<String> = ways.iter().map(|way| format!("`{}`", way.as_str())).collect();
    let mut ways = ways.into_iter();
    match (ways.next(), ways.next()) {
        (Some(instead), None) => return Some(Fallback { instead, say: section.say }),
        // What was meant was at fault, and reported.
        (None, _) if !cursor.is_whole() => {}
        _ => {
            let message = "a fallback is one thing";
            let problem = Diagnostic::error("bad_fallback", &cursor.place(), message).expected(EXPECTED);
            let problem = if found.is_empty() { problem } else { problem.found(found.join(", ")) };
            diagnostics.push(problem);
        }
    }
    None
}

fn check_sentence(text: &str, at: (&Cursor<'_>, &str), diagnostics: &mut Diagnostics) {
    let (cursor, key) = at;
    let place = cursor.key(key).place();
    if text.trim().is_empty() {
        let message = format!("`{key}` says nothing");
        diagnostics.push(Diagnostic::error("wrong_value", &place, message).expected("a sentence"));
    } else if text.chars().count() > SENTENCE_CHARS_MAX {
        let message = format!("`{key}` is longer than {SENTENCE_CHARS_MAX} characters");
        diagnostics.push(Diagnostic::error("too_large", &place, message));
    }
}

/// A text that is none is reported, and stands for nothing.
fn template(text: &str, at: (&Cursor<'_>, &str), diagnostics: &mut Diagnostics) -> Template {
    Template::parse(text).unwrap_or_else(|error| {
        let (cursor, key) = at;
        let problem = Diagnostic::error("bad_template", &cursor.key(key).place(), error.to_string());
        diagnostics.push(problem.expected(PLACEHOLDERS));
        Template::default()
    })
}

/// Every `fallback.tool` names another tool, which only reads, and following them comes to an end. `section` is `tools`.
pub(super) fn check_targets(
    tools: &BTreeMap<String, ToolPolicy>,
    section: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) {
    for (name, tool) in tools {
        let Some(target) = target(tool) else { continue };
        let place = section.key(name).key("fallback").key("tool").place();
        match tools.get(target) {
            // A tool that is missing may be one that was at fault, and reported.
            None if section.is_whole() => {
                let message = format!("the policy has no tool `{target}` to fall back to");
                let problem = Diagnostic::error("unknown_tool", &place, message);
                diagnostics.push(match nearest(target, tools.keys().map(String::as_str)) {
                    Some(right) => problem.help(format!("did you mean `{right}`?")),
                    None => problem,
                });
            }
            None => {}
            Some(other) => {
                if other.effect != Effect::ReadOnly {
                    diagnostics.push(with_effect(name, target, &place));
                }
                if let Some(circle) = circle(tools, name) {
                    let message = format!("falling back never ends: {}", circle.join(" → "));
                    let problem = Diagnostic::error("fallback_cycle", &place, message);
                    diagnostics.push(problem.help("end it with a `value`, a `text` or `fallback = \"off\"`"));
                }
            }
        }
    }
}

/// The other tool would do something on top of what the failed one may have done.
fn with_effect(name: &str, target: &str, place: &Place) -> Diagnostic {
    let message = format!(
        "`{target}` is not read-only: what it does would come on top of what `{name}` may have done before it failed"
    );
    let help = format!(
        "fall back to a tool that only reads, or write `effect = \"read-only\"` in [tools.{target}] if that is so"
    );
    Diagnostic::error("fallback_with_effect", place, message).help(help)
}

/// The circle that this tool begins, as its names; told once, by the first of them in the order of names.
fn circle<'a>(tools: &'a BTreeMap<String, ToolPolicy>, first: &'a str) -> Option<Vec<&'a str>> {
    let mut path = vec![first];
    let mut at = first;
    while let Some(next) = tools.get(at).and_then(target) {
        if next < first || path.len() > tools.len() {
            return None;
        }
        path.push(next);
        if next == first {
            return Some(path);
        }
        at = next;
    }
    None
}

fn target(tool: &ToolPolicy) -> Option<&str> {
    match &tool.fallback.as_ref()?.instead {
        Instead::Tool(target) => Some(target),
        _ => None,
    }
}
