//! `[tools.NAME]`, checked, with defaults.

use super::defaults::Defaults;
use super::digest::parse_digest;
use super::{approval, fallback, grants, guards, limits, money, reach, rule};
use crate::call::{OWN_TOOLS_PREFIX, is_tool_name};
use crate::guard::settings::ToolGuards;
use crate::policy::capability::Capability;
use crate::policy::compiled::{Channel, Effect, Grants, KeySource, Rule, ToolPolicy, Trust, Verdict};
use crate::policy::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::policy::document::units::Period;
use crate::policy::document::{self, Cursor};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Rules and conditions of the whole policy: each may hold a compiled pattern, and rules are compared in
/// pairs.
const RULES_MAX: usize = 4_000;
/// A day.
const POLL_MAX: Period = Period(Duration::from_secs(86_400));
const EXPECTED_NAME: &str =
    "a lowercase letter, then up to 63 lowercase letters, digits or `_`, as the component defines it";

pub(super) fn compile_all(
    tools: BTreeMap<String, document::Tool>,
    defaults: &Defaults,
    section: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, ToolPolicy> {
    let mut compiled = BTreeMap::new();
    let rules = tools.values().flat_map(|tool| &tool.rule);
    let count: usize = rules.map(|rule| 1 + rule.when.len()).sum();
    if count > RULES_MAX {
        let message = format!("the policy has {count} rules and conditions");
        let problem = Diagnostic::error("too_large", &section.place(), message);
        diagnostics.push(problem.expected(format!("at most {RULES_MAX}")));
        return compiled;
    }
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    let mut components: BTreeMap<PathBuf, (String, [u8; 32])> = BTreeMap::new();
    for (name, tool) in tools {
        let tool = compile(&name, tool, defaults, &section.key(&name), diagnostics);
        if !is_tool_name(&name) {
            let place = section.name(&name).place();
            let problem = Diagnostic::error("bad_tool_name", &place, "not the name of a tool");
            let found = format!("`{}`", name.escape_debug());
            diagnostics.push(problem.found(found).expected(EXPECTED_NAME));
        } else if name.starts_with(OWN_TOOLS_PREFIX) {
            let place = section.name(&name).place();
            let problem =
                Diagnostic::error("bad_tool_name", &place, "names like this are the host's own tools");
            diagnostics.push(problem.found(format!("`{name}`")).expected("another name"));
        }
        check_ids(&tool, &mut ids, diagnostics);
        check_digests(&tool, &mut components, diagnostics);
        reach::check(&tool, diagnostics);
        compiled.insert(name, tool);
    }
    fallback::check_targets(&compiled, section, diagnostics);
    compiled
}

fn compile(
    name: &str,
    mut written: document::Tool,
    lower: &Defaults,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> ToolPolicy {
    let effect = written.effect.unwrap_or(Effect::Once);
    let default_key = if effect == Effect::Once { KeySource::Arguments } else { KeySource::Client };
    let component = std::mem::take(&mut written.component);
    let component = super::host::host_path(Some(component), "", &cursor.key("component"), diagnostics);
    let rules = std::mem::take(&mut written.rule).into_iter().enumerate();
    let rules: Vec<Rule> = rules
        .map(|(at, one)| rule::compile(one, at, name, &cursor.key("rule").item(at), diagnostics))
        .collect();
    let at = |key: &str| cursor.key(key);
    let limits = limits::layer(written.limits.as_ref(), lower.limits, &at("limits"), diagnostics);
    let grants = grants::compile(written.grants.take(), &at("grants"), diagnostics);
    ToolPolicy {
        name: name.to_owned(),
        component,
        sha256: digest(written.sha256.as_deref(), name, cursor, diagnostics),
        verdict: written.verdict.unwrap_or(Verdict::Deny),
        effect,
        key: written.key.unwrap_or(default_key),
        trust: written.trust.unwrap_or(Trust::Outside),
        output: written.output.take().and_then(|output| output.channel).unwrap_or(Channel::Both),
        risk: written.risk.map_or(0, |risk| risk.0),
        approval: approval::layer(written.approval.take(), &lower.approval, &at("approval"), diagnostics),
        fallback: fallback::compile(written.fallback.take(), &at("fallback"), diagnostics),
        guards: Arc::new(tool_guards(written, &lower.guards, cursor, diagnostics)),
        places: places(cursor, rules.len(), &grants),
        rules,
        limits,
        grants,
    }
}

/// The tool's own guards over those of `[defaults]`.
fn tool_guards(
    written: document::Tool,
    lower: &ToolGuards,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> ToolGuards {
    let at = |key: &str| cursor.key(key);
    let cost = money::price(written.cost, lower.cost_micro_usd, (cursor, "cost"), diagnostics);
    let charge = money::price(written.charge, lower.charge_micro_usd_max, (cursor, "charge"), diagnostics);
    let poll = (cursor, "poll");
    ToolGuards {
        cost_micro_usd: cost,
        charge_micro_usd_max: charge,
        poll_ms: written.poll.map(|every| limits::period_ms(Some(every), 0, POLL_MAX, poll, diagnostics)),
        rate: guards::rate(written.rate, &at("rate"), diagnostics).or(lower.rate),
        breaker: guards::breaker(written.breaker, lower.breaker, &at("breaker"), diagnostics),
        retry: guards::retry(written.retry, lower.retry, &at("retry"), diagnostics),
    }
}

fn digest(
    written: Option<&str>,
    name: &str,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<[u8; 32]> {
    let Some(text) = written else {
        let message = format!("`{name}` names no `sha256`, so whatever lies at its path runs");
        let problem = Diagnostic::warning("missing_sha256", &cursor.place(), message);
        diagnostics.push(problem.help("`toolgate inspect FILE` prints it; `serve --locked` demands it"));
        return None;
    };
    let digest = parse_digest(text);
    if digest.is_none() {
        let place = cursor.key("sha256").place();
        let problem = Diagnostic::error("bad_sha256", &place, "not a SHA-256 digest");
        diagnostics.push(
            problem.found(format!("{} characters", text.chars().count())).expected("64 lowercase hex digits"),
        );
    }
    digest
}

fn check_ids(tool: &ToolPolicy, ids: &mut BTreeMap<String, usize>, diagnostics: &mut Diagnostics) {
    for (index, rule) in tool.rules.iter().enumerate() {
        if let Some(line) = ids.insert(rule.id.to_string(), rule.line) {
            let place = tool.place(&format!("rule[{index}].id"));
            let message = format!("the id `{}` is already that of the rule on line {line}", rule.id);
            diagnostics.push(
                Diagnostic::error("duplicate_id", &place, message).help("ids are unique in the whole policy"),
            );
        }
    }
}

/// One file has one digest, whichever of its tools names it.
fn check_digests(
    tool: &ToolPolicy,
    components: &mut BTreeMap<PathBuf, (String, [u8; 32])>,
    diagnostics: &mut Diagnostics,
) {
    let Some(digest) = tool.sha256 else { return };
    let (first, known) =
        components.entry(tool.component.clone()).or_insert_with(|| (tool.name.clone(), digest));
    if *known != digest {
        let message = format!("`{first}` names another `sha256` for the same component");
        diagnostics.push(Diagnostic::error("conflicting_sha256", &tool.place("sha256"), message));
    }
}

fn places(cursor: &Cursor<'_>, rules: usize, grants: &Grants) -> BTreeMap<String, Place> {
    let mut places = BTreeMap::from([(String::new(), cursor.place())]);
    for key in ["component", "sha256", "verdict", "effect", "fallback"] {
        places.insert(key.to_owned(), cursor.key(key).place());
    }
    for index in 0..rules {
        let rule = cursor.key("rule").item(index);
        for key in ["id", "then"] {
            places.insert(format!("rule[{index}].{key}"), rule.key(key).place());
        }
        places.insert(format!("rule[{index}]"), rule.place());
    }
    let at = cursor.key("grants");
    for capability in Capability::ALL {
        let place = at.name(capability.as_str()).place();
        places.insert(format!("grants.{capability}"), place);
    }
    for index in 0..grants.fs.len() {
        let folder = at.key("fs").item(index);
        places.insert(format!("grants.fs[{index}].host"), folder.key("host").place());
    }
    places
}
