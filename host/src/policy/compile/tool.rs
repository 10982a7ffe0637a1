//! `[tools.NAME]`, checked, with defaults.

use super::{grants, limits, reach, rule};
use crate::policy::capability::Capability;
use crate::policy::compiled::{Channel, Effect, Grants, KeySource, Limits, Rule, ToolPolicy, Trust, Verdict};
use crate::policy::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::policy::document::{self, Cursor};
use std::collections::BTreeMap;
use std::path::PathBuf;

const NAME_CHARS_MAX: usize = 64;
/// Rules and conditions of the whole policy: each may hold a compiled pattern, and rules are compared in
/// pairs.
const RULES_MAX: usize = 4_000;
const EXPECTED_NAME: &str =
    "a lowercase letter, then up to 63 lowercase letters, digits or `_`, as the component defines it";

pub(super) fn compile_all(
    tools: BTreeMap<String, document::Tool>,
    defaults: Option<document::Defaults>,
    root: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, ToolPolicy> {
    let limits = defaults.and_then(|defaults| defaults.limits);
    let cursor = root.key("defaults").key("limits");
    let limits = limits::defaults(limits.as_ref(), &cursor, diagnostics);
    let mut compiled = BTreeMap::new();
    let rules = tools.values().flat_map(|tool| &tool.rule);
    let count: usize = rules.map(|rule| 1 + rule.when.len()).sum();
    if count > RULES_MAX {
        let message = format!("the policy has {count} rules and conditions");
        let problem = Diagnostic::error("too_large", &root.key("tools").place(), message);
        diagnostics.push(problem.expected(format!("at most {RULES_MAX}")));
        return compiled;
    }
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    let mut components: BTreeMap<PathBuf, (String, [u8; 32])> = BTreeMap::new();
    let section = root.key("tools");
    for (name, tool) in tools {
        let tool = compile(&name, tool, limits, &section.key(&name), diagnostics);
        if !is_tool_name(&name) {
            let place = section.name(&name).place();
            let problem = Diagnostic::error("bad_tool_name", &place, "not the name of a tool");
            let found = format!("`{}`", name.escape_debug());
            diagnostics.push(problem.found(found).expected(EXPECTED_NAME));
        }
        check_ids(&tool, &mut ids, diagnostics);
        check_digests(&tool, &mut components, diagnostics);
        reach::check(&tool, diagnostics);
        compiled.insert(name, tool);
    }
    compiled
}

fn compile(
    name: &str,
    written: document::Tool,
    lower: Limits,
    cursor: &Cursor<'_>,
    diagnostics: &mut Diagnostics,
) -> ToolPolicy {
    let effect = written.effect.unwrap_or(Effect::Once);
    let default_key = if effect == Effect::Once { KeySource::Arguments } else { KeySource::Client };
    let component =
        super::host::host_path(Some(written.component), "", &cursor.key("component"), diagnostics);
    let rules = written.rule.into_iter().enumerate();
    let rules: Vec<Rule> = rules
        .map(|(at, one)| rule::compile(one, at, name, &cursor.key("rule").item(at), diagnostics))
        .collect();
    let limits = limits::layer(written.limits.as_ref(), lower, &cursor.key("limits"), diagnostics);
    let grants = grants::compile(written.grants, &cursor.key("grants"), diagnostics);
    ToolPolicy {
        name: name.to_owned(),
        component,
        sha256: digest(written.sha256.as_deref(), name, cursor, diagnostics),
        verdict: written.verdict.unwrap_or(Verdict::Deny),
        effect,
        key: written.key.unwrap_or(default_key),
        trust: written.trust.unwrap_or(Trust::Outside),
        output: written.output.and_then(|output| output.channel).unwrap_or(Channel::Both),
        places: places(cursor, rules.len(), &grants),
        rules,
        limits,
        grants,
    }
}

/// `[a-z][a-z0-9_]{0,63}`, as `definition.name` in `sdk/wit/toolgate.wit`.
fn is_tool_name(name: &str) -> bool {
    let is_part = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_');
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= NAME_CHARS_MAX
        && name.chars().all(is_part)
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

fn parse_digest(text: &str) -> Option<[u8; 32]> {
    let is_plain = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let mut digest = [0; 32];
    for (at, byte) in digest.iter_mut().enumerate().take_while(|_| is_plain) {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    is_plain.then_some(digest)
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
    for key in ["component", "sha256", "verdict", "effect"] {
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
