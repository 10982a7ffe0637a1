//! Advice: guards that can be used and probably do not do what is meant.
//!
//! Over the finished policy, beside the text that it was made of. Not here: errors (each section's own
//! file), rules that never matter (`reach`). Invariant: it only warns, and only of what is written, or of a
//! fallback that is not.

use super::defaults::Defaults;
use crate::guard::settings::ToolGuards;
use crate::policy::approval::Approval;
use crate::policy::compiled::{Effect, Policy, Rule, ToolPolicy, Verdict};
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::document::Cursor;
use crate::policy::document::decimal::Money;
use crate::policy::document::units::Period;
use crate::policy::fallback::Instead;
use std::time::Duration;

pub(super) fn check(policy: &Policy, defaults: &Defaults, root: &Cursor<'_>, diagnostics: &mut Diagnostics) {
    run(policy, &root.key("run"), diagnostics);
    money(policy, &defaults.guards, &defaults.approval, &root.key("defaults"), diagnostics);
    for (name, tool) in &policy.tools {
        let cursor = root.key("tools").key(name);
        money(policy, &tool.guards, &tool.approval, &cursor, diagnostics);
        repeats(tool, &cursor, diagnostics);
        risks(tool, &cursor, diagnostics);
        fallback(policy, tool, &cursor, diagnostics);
    }
}

/// Counts that another count always comes before.
fn run(policy: &Policy, cursor: &Cursor<'_>, diagnostics: &mut Diagnostics) {
    let guards = &policy.run.guards;
    let (steps, proposals) = (guards.budgets.steps, guards.budgets.proposals);
    let budgets = cursor.key("budgets");
    if steps > proposals {
        let key = if budgets.key("steps").is_written() { "steps" } else { "proposals" };
        let message = format!("a run may take {steps} steps, but ends after {proposals} proposals");
        let problem = Diagnostic::warning("never_reached", &budgets.key(key).place(), message);
        diagnostics.push(problem.help("raise `proposals`, or lower `steps`"));
    }
    let (refusals, at) = (guards.refusals_in_a_row, cursor.key("refusals_in_a_row"));
    if at.is_written() && refusals > proposals {
        let message = format!("a run ends after {proposals} proposals, before {refusals} refusals");
        diagnostics.push(Diagnostic::warning("never_reached", &at.place(), message));
    }
}

/// A price above all that may be spent, and a condition on money that runs out before.
fn money(
    policy: &Policy,
    guards: &ToolGuards,
    approval: &Approval,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) {
    let (budget, spend) = (policy.run.guards.budgets.cost_micro_usd, &policy.spend);
    let most = budget.min(spend.hour_micro_usd).min(spend.day_micro_usd);
    let (cost, at) = (guards.cost_micro_usd, cursor.key("cost"));
    if at.is_written() && cost > most {
        let (cost, most) = (Money(cost), Money(most));
        let message = format!("one attempt costs {cost}, and no run may spend more than {most}");
        let problem = Diagnostic::warning("unaffordable", &at.place(), message);
        let help = "raise `run.budgets.cost`, `spend.hour` and `spend.day`, or lower `cost`";
        diagnostics.push(problem.help(help));
    }
    let at = cursor.key("approval").key("spent");
    if let Some(spent) = approval.spent_micro_usd.filter(|spent| at.is_written() && *spent > budget) {
        let (spent, budget) = (Money(spent), Money(budget));
        let message = format!("no run spends {spent}: its budget is {budget}");
        diagnostics.push(Diagnostic::warning("never_reached", &at.place(), message));
    }
}

/// `retry` and `poll` of a tool that a repeat may harm, and pauses longer than the call.
fn repeats(tool: &ToolPolicy, cursor: &Cursor<'_>, diagnostics: &mut Diagnostics) {
    let (retry, at) = (&tool.guards.retry, cursor.key("retry"));
    if at.is_written() && retry.attempts > 1 && tool.effect == Effect::Once {
        let message = format!(
            "the effect of `{}` is `once`: only a call whose failure says that nothing was sent is repeated",
            tool.name
        );
        let problem = Diagnostic::warning("retry_of_once", &at.place(), message);
        diagnostics.push(problem.help("name the `effect` if it is another, or write `retry = \"off\"`"));
    }
    let (longest, max) = (Duration::from_millis(retry.max_ms), at.key("max"));
    if max.is_written() && longest > tool.limits.call_deadline {
        let (longest, whole) = (Period(longest), Period(tool.limits.call_deadline));
        let message = format!("a pause may take {longest}, but the whole call only {whole}");
        let problem = Diagnostic::warning("never_reached", &max.place(), message);
        diagnostics.push(problem.help("lower `max`, or raise `limits.call_deadline`"));
    }
    let poll = cursor.key("poll");
    if poll.is_written() && tool.effect != Effect::ReadOnly {
        let message = format!("`{}` is for polling, but it is not read-only", tool.name);
        let problem = Diagnostic::warning("poll_with_effect", &poll.place(), message);
        diagnostics.push(problem.help("write `effect = \"read-only\"` if that is so, or take `poll` out"));
    }
}

/// Risks that change nothing, and a threshold that no call of the tool has.
fn risks(tool: &ToolPolicy, cursor: &Cursor<'_>, diagnostics: &mut Diagnostics) {
    for (index, rule) in tool.rules.iter().enumerate() {
        let Some(risk) = rule.risk else { continue };
        let message = if rule.then == Verdict::Deny {
            "`risk` says nothing, because the rule denies".to_owned()
        } else if risk <= tool.risk {
            format!(
                "`risk` says nothing, because that of the tool is {}, and the higher one counts",
                tool.risk
            )
        } else {
            continue;
        };
        let place = cursor.key("rule").item(index).name("risk").place();
        diagnostics.push(Diagnostic::warning("unused_key", &place, message).help("take it out"));
    }
    let at = cursor.key("approval").key("risk");
    let allowing = tool.rules.iter().filter(|rule| rule.then != Verdict::Deny);
    let highest = allowing.filter_map(|rule: &Rule| rule.risk).fold(tool.risk, u8::max);
    if at.is_written() && tool.approval.risk.is_some_and(|limit| limit > highest) {
        let message = format!("no call of `{}` has a higher risk than {highest}", tool.name);
        let problem = Diagnostic::warning("never_reached", &at.place(), message);
        diagnostics.push(problem.help("write the `risk` of the tool or of its rules"));
    }
}

/// No fallback, and those that give what they should not.
fn fallback(policy: &Policy, tool: &ToolPolicy, cursor: &Cursor<'_>, diagnostics: &mut Diagnostics) {
    let at = cursor.key("fallback");
    if !at.is_written() && tool.can_run() {
        let message = format!("`{}` has no fallback: when it fails, the agent gets the error", tool.name);
        let help = "write what the agent gets instead, or `fallback = \"off\"` where the error is right";
        diagnostics.push(Diagnostic::warning("no_fallback", &cursor.place(), message).help(help));
    }
    match tool.fallback.as_ref().map(|fallback| &fallback.instead) {
        Some(Instead::LastGood { .. }) if tool.effect != Effect::ReadOnly => {
            let message = format!(
                "`{}` is not read-only: its last good result says that something was done which was not",
                tool.name
            );
            let place = at.key("last_good").place();
            let problem = Diagnostic::warning("last_good_with_effect", &place, message);
            diagnostics.push(problem.help("write a `text`, or `effect = \"read-only\"` if that is so"));
        }
        Some(Instead::Tool(target)) if policy.tools.get(target).is_some_and(|tool| !tool.can_run()) => {
            let message = format!("`{target}` can never run, so there is nothing to fall back to");
            diagnostics.push(Diagnostic::warning("never_reached", &at.key("tool").place(), message));
        }
        _ => {}
    }
}
