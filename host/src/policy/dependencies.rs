//! Dependencies: every tool of a policy and what happens when it is down, for `toolgate policy docs`.
//!
//! Texts for a table and plain JSON; the numbers themselves are the policy's. Not here: whether a tool is
//! down, and drawing the table. Invariant: no value of an environment grant shows.

use super::capability::Capability;
use super::compiled::{Access, Effect, Policy, ToolPolicy};
use super::document::units::Period;
use super::fallback::{Fallback, Instead};
use crate::guard::settings::{Breaker, Retry};
use serde::Serialize;
use std::time::Duration;

/// One tool as a dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dependency {
    /// The tool.
    pub tool: String,
    /// The component's file, as the policy names it.
    pub component: String,
    /// What a repeat of a call may do.
    pub effect: Effect,
    /// What it is granted, one text each: `fs docs → /work (read)`, `env LANG`, `clock`.
    pub needs: Vec<String>,
    /// When it is left alone: `5 failures in 1m, then 1m alone`, or `off`.
    pub breaker: String,
    /// When it is tried again: `3 attempts, pauses 200ms to 10s, 10 % of calls`, or `off`.
    pub retry: String,
    /// What the agent gets instead: `value`, `last_good 1h`, `tool NAME`, `text`, or `none`.
    pub fallback: String,
    /// What happens when it is down, in one sentence.
    pub when_down: String,
}

/// Every tool of the policy, in the order of names.
pub fn dependencies(policy: &Policy) -> Vec<Dependency> {
    policy.tools.values().map(dependency).collect()
}

fn dependency(tool: &ToolPolicy) -> Dependency {
    Dependency {
        tool: tool.name.clone(),
        component: tool.component.display().to_string(),
        effect: tool.effect,
        needs: needs(tool),
        breaker: breaker(tool.guards.breaker),
        retry: retry(tool.guards.retry),
        fallback: tool.fallback.as_ref().map_or_else(|| "none".to_owned(), fallback),
        when_down: when_down(tool),
    }
}

fn needs(tool: &ToolPolicy) -> Vec<String> {
    let grants = &tool.grants;
    let folders = grants.fs.iter().map(|folder| {
        let access = match folder.access {
            Access::Read => "read",
            Access::ReadWrite => "read-write",
        };
        format!("{} {} → {} ({access})", Capability::Fs, folder.host.display(), folder.guest)
    });
    let variables = grants.env.keys().map(|name| format!("{} {name}", Capability::Env));
    let flags = [
        (Capability::Clock, grants.clock),
        (Capability::Random, grants.random),
        (Capability::Log, grants.log),
    ];
    let flags = flags.into_iter().filter(|(_, granted)| *granted).map(|(one, _)| one.to_string());
    folders.chain(variables).chain(flags).collect()
}

fn breaker(breaker: Option<Breaker>) -> String {
    let Some(Breaker { failures, percent, window_ms, cooldown_ms }) = breaker else {
        return "off".to_owned();
    };
    let share = if percent > 0 { format!(" and {percent} % of calls") } else { String::new() };
    format!(
        "{}{share} in {}, then {} alone",
        counted(failures, "failure"),
        span(window_ms),
        span(cooldown_ms)
    )
}

fn retry(retry: Retry) -> String {
    let Retry { attempts, base_ms, max_ms, budget_percent } = retry;
    match attempts {
        1 => "off".to_owned(),
        _ => format!(
            "{attempts} attempts, pauses {} to {}, {budget_percent} % of calls",
            span(base_ms),
            span(max_ms)
        ),
    }
}

fn fallback(fallback: &Fallback) -> String {
    let word = fallback.instead.as_str();
    match &fallback.instead {
        Instead::Value(_) | Instead::Text(_) => word.to_owned(),
        Instead::LastGood { max_age_ms } => format!("{word} {}", span(*max_age_ms)),
        Instead::Tool(name) => format!("{word} {name}"),
    }
}

/// `It is tried again …, then left alone …; the agent gets ….`
fn when_down(tool: &ToolPolicy) -> String {
    if !tool.can_run() {
        return "It never runs: the policy denies every call.".to_owned();
    }
    let steps = [again(tool), alone(tool)];
    let steps: Vec<String> = steps.into_iter().flatten().collect();
    let gets = gets(tool.fallback.as_ref());
    match steps.is_empty() {
        true => format!("The agent gets {gets}."),
        false => format!("It is {}; the agent gets {gets}.", steps.join(", then ")),
    }
}

fn again(tool: &ToolPolicy) -> Option<String> {
    let again = tool.guards.retry.attempts.checked_sub(1).filter(|again| *again > 0)?;
    let safe = match tool.effect {
        Effect::ReadOnly | Effect::Idempotent | Effect::Keyed => "",
        Effect::Once => " where nothing was sent",
    };
    let times = if again == 1 { "once".to_owned() } else { format!("up to {again} times") };
    Some(format!("tried again {times}{safe}"))
}

fn alone(tool: &ToolPolicy) -> Option<String> {
    let Breaker { failures, window_ms, cooldown_ms, .. } = tool.guards.breaker?;
    let failures = counted(failures, "failure");
    Some(format!("left alone for {} after {failures} in {}", span(cooldown_ms), span(window_ms)))
}

fn gets(fallback: Option<&Fallback>) -> String {
    let Some(Fallback { instead, say }) = fallback else {
        return "the error, and when to come back".to_owned();
    };
    let instead = match instead {
        Instead::Value(value) => format!("{}, marked degraded", cut(&value.to_string())),
        Instead::LastGood { max_age_ms } => {
            format!(
                "its last good result of the past {}, marked degraded, or else the error",
                span(*max_age_ms)
            )
        }
        Instead::Tool(name) => format!("what `{name}` gives, marked degraded"),
        Instead::Text(text) => format!("the text “{}”, marked degraded", cut(text.as_str())),
    };
    match say {
        Some(say) => format!("{instead}, and the user may be told “{}”", cut(say)),
        None => instead,
    }
}

fn counted(number: u32, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn span(ms: u64) -> Period {
    Period(Duration::from_millis(ms))
}

/// One line of bounded length, without characters that a terminal would obey.
fn cut(text: &str) -> String {
    const CHARS_MAX: usize = 120;
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let cut: String = text.chars().take(CHARS_MAX).map(plain).collect();
    if text.chars().nth(CHARS_MAX).is_some() { format!("{cut}…") } else { cut }
}
