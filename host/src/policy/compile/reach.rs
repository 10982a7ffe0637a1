//! Reach: rules that can never match, and rules that never change the answer.
//!
//! Sound and not complete: what is reported is so for every argument; what is not reported may still be
//! so. Not here: whether a rule says what its author wants.

use crate::policy::compiled::{Rule, ToolPolicy, Verdict};
use crate::policy::condition::{Condition, Test};
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::number;
use serde_json::{Number, Value};
use std::cmp::Ordering;

/// Rules are compared in pairs, which takes quadratic time; more text than this is a table, not rules.
const REACH_BYTES_MAX: usize = 16 << 10;

pub(super) fn check(tool: &ToolPolicy, diagnostics: &mut Diagnostics) {
    let conditions = tool.rules.iter().flat_map(|rule| &rule.when);
    let bytes: usize = conditions.map(|one| one.test.operand().to_string().len()).sum();
    if bytes > REACH_BYTES_MAX {
        let message =
            format!("the rules of `{}` are too long to tell whether each can be reached", tool.name);
        diagnostics.push(Diagnostic::warning("reach_not_checked", &tool.place(""), message));
        return;
    }
    for (index, rule) in tool.rules.iter().enumerate() {
        let place = tool.place(&format!("rule[{index}]"));
        if let Some((a, b)) = contradiction(&rule.when) {
            let message = format!(
                "the rule never matches: `{}` and `{}` on `{}` cannot both hold",
                a.test.name(),
                b.test.name(),
                a.pointer
            );
            diagnostics.push(Diagnostic::warning("unreachable_rule", &place, message));
            continue;
        }
        let mut others = tool.rules.iter().enumerate().filter(|(at, _)| *at != index);
        if let Some((_, other)) = others.find(|(at, other)| shadows((*at, other), (index, rule), tool.risk)) {
            let message = format!(
                "the rule never changes the answer: whenever it matches, `{}` ({}) on line {} does too",
                other.id, other.then, other.line
            );
            let problem = Diagnostic::warning("unreachable_rule", &place, message);
            diagnostics.push(problem.help("take it out, or narrow the other one"));
        }
    }
    if tool.verdict == Verdict::Deny && !tool.rules.is_empty() && !tool.can_run() {
        let message =
            format!("every rule of `{}` denies, and so does its verdict: it can never run", tool.name);
        let problem = Diagnostic::warning("unreachable_tool", &tool.place(""), message);
        diagnostics.push(problem.help("add a rule that allows, or take the tool out"));
    }
}

/// True when the first rule matches whenever the second does, and its verdict is at least as strong; of
/// two that say the same, the earlier one shadows. A rule that raises the risk of what may run matters.
fn shadows((at, strong): (usize, &Rule), (index, weak): (usize, &Rule), tool_risk: u8) -> bool {
    let otherwise = strong.risk.unwrap_or(0).max(tool_risk);
    if strong.then != Verdict::Deny && weak.risk.is_some_and(|risk| risk > otherwise) {
        return false;
    }
    let covers = |a: &Rule, b: &Rule| a.when.iter().all(|condition| follows(condition, &b.when));
    match strong.then.cmp(&weak.then) {
        Ordering::Greater => covers(strong, weak),
        Ordering::Equal => covers(strong, weak) && (at < index || !covers(weak, strong)),
        Ordering::Less => false,
    }
}

/// True when the condition holds wherever all of the others do.
fn follows(condition: &Condition, others: &[Condition]) -> bool {
    others
        .iter()
        .filter(|other| other.pointer == condition.pointer)
        .any(|other| implies(&other.test, &condition.test))
}

fn implies(a: &Test, b: &Test) -> bool {
    if let Some(values) = candidates(a) {
        return values.iter().all(|value| b.holds(Some(value)));
    }
    match (a, b) {
        (Test::Present(_), Test::Present(_)) => a == b,
        (_, Test::Present(expected)) => *expected,
        (Test::Range { min, max }, Test::Range { min: low, max: high }) => {
            let above = |min: &Number, low: &Number| ordered(low, min);
            ends(min, low, above) && ends(max, high, ordered)
        }
        (Test::Length { min, max }, Test::Length { min: low, max: high }) => {
            ends(min, low, |min, low| low <= min) && ends(max, high, |max, high| max <= high)
        }
        _ => a == b,
    }
}

/// True when the outer end is open, or the inner one is at least as tight.
fn ends<T>(inner: &Option<T>, outer: &Option<T>, tighter: impl Fn(&T, &T) -> bool) -> bool {
    match (inner, outer) {
        (_, None) => true,
        (Some(inner), Some(outer)) => tighter(inner, outer),
        (None, Some(_)) => false,
    }
}

fn ordered(a: &Number, b: &Number) -> bool {
    matches!(number::compare(a, b), Some(Ordering::Less | Ordering::Equal))
}

/// All values that pass, where they are few.
fn candidates(test: &Test) -> Option<&[Value]> {
    match test {
        Test::Equals(value) => Some(std::slice::from_ref(value)),
        Test::In(values) => Some(values),
        _ => None,
    }
}

/// Two tests of one value that no value passes.
fn contradiction(when: &[Condition]) -> Option<(&Condition, &Condition)> {
    let mut pairs = when.iter().enumerate().flat_map(|(at, a)| when.iter().skip(at + 1).map(move |b| (a, b)));
    pairs.find(|(a, b)| a.pointer == b.pointer && excludes(&a.test, &b.test))
}

fn excludes(a: &Test, b: &Test) -> bool {
    let none_of = |values: &[Value], test: &Test| !values.iter().any(|value| test.holds(Some(value)));
    match (a, b) {
        (Test::Present(false), Test::Present(false)) => false,
        (Test::Present(false), _) | (_, Test::Present(false)) => true,
        (Test::Range { min, max }, Test::Range { min: low, max: high }) => {
            apart(min, high, |a, b| !ordered(a, b)) || apart(low, max, |a, b| !ordered(a, b))
        }
        (Test::Length { min, max }, Test::Length { min: low, max: high }) => {
            apart(min, high, |a, b| a > b) || apart(low, max, |a, b| a > b)
        }
        (Test::Matches(_) | Test::Length { .. }, Test::Range { .. })
        | (Test::Range { .. }, Test::Matches(_) | Test::Length { .. }) => true,
        _ => {
            candidates(a).is_some_and(|values| none_of(values, b))
                || candidates(b).is_some_and(|values| none_of(values, a))
        }
    }
}

fn apart<T>(low: &Option<T>, high: &Option<T>, above: impl Fn(&T, &T) -> bool) -> bool {
    low.as_ref().zip(high.as_ref()).is_some_and(|(low, high)| above(low, high))
}
