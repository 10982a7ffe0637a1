//! `[[tools.NAME.rule]]`, checked: ids, pointers, patterns, bounds.

use super::pattern;
use crate::policy::compiled::{Rule, RuleId, Verdict};
use crate::policy::condition::{Condition, Pointer, Test};
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::document::{self, Cursor};
use crate::policy::number;
use std::cmp::Ordering;

/// An id is printed in every refusal.
const ID_CHARS_MAX: usize = 128;
/// A hint is text for a model, not a manual.
const HINT_CHARS_MAX: usize = 500;

pub(super) fn compile(
    written: document::Rule,
    index: usize,
    tool: &str,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> Rule {
    if let Some(id) = &written.id {
        check_id(id, cursor, diagnostics);
    }
    if written.hint.as_ref().is_some_and(|hint| hint.chars().count() > HINT_CHARS_MAX) {
        let message = format!("the hint is longer than {HINT_CHARS_MAX} characters");
        diagnostics.push(Diagnostic::error("too_large", &cursor.key("hint").place(), message));
    }
    let mut when = Vec::new();
    for (at, condition) in written.when.into_iter().enumerate() {
        let cursor = cursor.key("when").item(at);
        conditions(condition, written.then, &cursor, &mut when, diagnostics);
    }
    Rule {
        id: RuleId(written.id.unwrap_or_else(|| format!("tools.{tool}.rule[{index}]"))),
        then: written.then,
        when,
        hint: written.hint,
        risk: written.risk.map(|risk| risk.0),
        line: cursor.place().line,
    }
}

fn check_id(id: &str, cursor: &Cursor<'_>, diagnostics: &mut Diagnostics) {
    let place = cursor.key("id").place();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
    if id.is_empty() || id.len() > ID_CHARS_MAX || !id.chars().all(is_plain) {
        let expected = format!("1 to {ID_CHARS_MAX} ASCII letters, digits, `-`, `_`, `.`, `/` or `:`");
        let problem = Diagnostic::error("bad_id", &place, "the rule's id is not a plain name");
        diagnostics.push(problem.found(format!("`{}`", id.escape_debug())).expected(expected));
    } else if id.starts_with("tools.") {
        let message = "ids that begin with `tools.` are those of rules without one";
        diagnostics.push(Diagnostic::error("bad_id", &place, message).found(format!("`{id}`")));
    }
}

/// One written condition is one or more tests on the same value.
fn conditions(
    written: document::Condition,
    then: Verdict,
    cursor: &Cursor<'_>,
    when: &mut Vec<Condition>,
    diagnostics: &mut Diagnostics,
) {
    let pointer = Pointer::parse(&written.pointer);
    if pointer.is_none() {
        let place = cursor.key("pointer").place();
        let problem = Diagnostic::error("bad_pointer", &place, "not a JSON Pointer (RFC 6901)");
        let found = format!("`{}`", written.pointer.escape_debug());
        let problem =
            problem.found(found).expected("`/`-led steps with `~0` for `~` and `~1` for `/`, or nothing");
        diagnostics.push(problem.help(format!("did you mean `/{}`?", written.pointer.replace('.', "/"))));
    }
    let tests = tests(written, then, cursor, diagnostics);
    if tests.is_empty() && cursor.is_whole() {
        let message = "the condition tests nothing, so it would always hold";
        let problem = Diagnostic::error("empty_condition", &cursor.place(), message);
        diagnostics.push(problem.expected("`equals`, `in`, `matches`, `range`, `length` or `present`"));
    }
    for test in tests {
        if let (Some(pointer), Some(test)) = (&pointer, test) {
            let place = cursor.key(test.name()).place();
            when.push(Condition { pointer: pointer.clone(), test, place });
        }
    }
}

/// Every test that is written; `None` for one that cannot be used, which was reported.
fn tests(
    written: document::Condition,
    then: Verdict,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<Option<Test>> {
    let mut tests = Vec::new();
    tests.extend(written.equals.map(|value| Some(Test::Equals(value))));
    tests.extend(written.one_of.map(|values| {
        let place = cursor.key("in").place();
        let problem =
            || Diagnostic::error("empty_condition", &place, "`in` lists nothing, so it never holds");
        unless(values.is_empty(), problem, diagnostics).then_some(Test::In(values))
    }));
    tests.extend(written.matches.map(|text| matches(&text, then, cursor, diagnostics)));
    tests.extend(written.range.map(|document::Range { min, max }| {
        let order = min.as_ref().zip(max.as_ref()).and_then(|(min, max)| number::compare(min, max));
        let ends = (min.is_none() && max.is_none(), order == Some(Ordering::Greater));
        bounds(ends, "range", cursor, diagnostics).then_some(Test::Range { min, max })
    }));
    tests.extend(written.length.map(|document::Length { min, max }| {
        let inverted = min.zip(max).is_some_and(|(min, max)| min > max);
        let ends = (min.is_none() && max.is_none(), inverted);
        bounds(ends, "length", cursor, diagnostics).then_some(Test::Length { min, max })
    }));
    tests.extend(written.present.map(|expected| Some(Test::Present(expected))));
    tests
}

fn matches(text: &str, then: Verdict, cursor: &Cursor<'_>, diagnostics: &mut Diagnostics) -> Option<Test> {
    let place = cursor.key("matches").place();
    let pattern = match pattern::compile(text) {
        Ok(pattern) => pattern,
        Err(error) => {
            let message = format!("the pattern cannot be used: {error}");
            let expected = "a pattern of Rust's `regex`: linear time, no look-around, no back-references";
            let problem = Diagnostic::error("bad_pattern", &place, message);
            diagnostics.push(problem.expected(expected));
            return None;
        }
    };
    if then == Verdict::Allow && !pattern::is_anchored(text) {
        let message = "the pattern may match anywhere in the text, and the rule allows";
        let problem = Diagnostic::warning("unanchored_allow", &place, message);
        diagnostics.push(problem.help("begin it with `^`, or with `^.*` where anywhere is meant"));
    }
    Some(Test::Matches(pattern))
}

/// True when the ends, (both missing, in the wrong order), can be used.
fn bounds(ends: (bool, bool), key: &str, cursor: &Cursor<'_>, diagnostics: &mut Diagnostics) -> bool {
    let place = cursor.key(key).place();
    let (missing, inverted) = ends;
    let missing = missing && cursor.key(key).is_whole();
    let no_end = || {
        let message = format!("`{key}` has no end, so it tests nothing");
        Diagnostic::error("empty_condition", &place, message).expected("`min`, `max` or both")
    };
    let wrong_order = || {
        let message = format!("`{key}` holds nothing, because `min` is above `max`");
        Diagnostic::error("empty_range", &place, message)
    };
    unless(missing, no_end, diagnostics) && unless(inverted, wrong_order, diagnostics)
}

fn unless(wrong: bool, problem: impl FnOnce() -> Diagnostic, diagnostics: &mut Diagnostics) -> bool {
    if wrong {
        diagnostics.push(problem());
    }
    !wrong
}
