//! The example policies beside their cases, and the schema beside its types.

use crate::policy::{Policy, cases, compile, json_schema};
use serde_json::Value;

fn check(file: &str, text: &str, cases_text: &str) -> Policy {
    let compiled = compile(text, file, &|_| None).unwrap_or_else(|found| panic!("{file}\n{found}"));
    // Examples name no digest, because each compiler gives another, and not each of them is about failing.
    let expected = ["missing_sha256", "no_fallback"];
    let unexpected: Vec<_> = compiled.warnings.iter().filter(|one| !expected.contains(&one.code)).collect();
    assert!(unexpected.is_empty(), "{file}: {unexpected:?}");
    let cases = cases::parse(cases_text, &|_| None).unwrap_or_else(|found| panic!("{file} cases\n{found}"));
    let results = cases::run(&compiled.policy, &cases);
    let failed: Vec<_> = results.iter().filter(|one| !one.passed).collect();
    assert!(failed.is_empty(), "{file}: {failed:#?}");
    let asked = |id: &str| results.iter().any(|one| one.rule.as_deref() == Some(id));
    let rules = compiled.policy.tools.values().flat_map(|tool| &tool.rules);
    let untested: Vec<_> = rules.filter(|rule| !asked(&rule.id.0)).map(|rule| &rule.id).collect();
    assert!(untested.is_empty(), "{file}: no case is decided by {untested:?}");
    compiled.policy
}

macro_rules! example {
    ($test:ident, $name:literal) => {
        #[test]
        fn $test() {
            check(
                concat!("policies/", $name, ".toml"),
                include_str!(concat!("../../../../policies/", $name, ".toml")),
                include_str!(concat!("../../../../policies/", $name, ".cases.toml")),
            );
        }
    };
}

example!(deny_all_answers_as_its_cases_say, "deny-all");
example!(read_only_answers_as_its_cases_say, "read-only");
example!(workspace_write_answers_as_its_cases_say, "workspace-write");
example!(demo_answers_as_its_cases_say, "demo");
example!(control_plane_answers_as_its_cases_say, "control-plane");

#[test]
fn deny_all_can_run_nothing() {
    let policy =
        compile(include_str!("../../../../policies/deny-all.toml"), "deny-all", &|_| None).unwrap().policy;
    assert!(policy.tools.values().all(|tool| !tool.can_run()));
}

#[test]
fn read_only_grants_no_writing() {
    use crate::policy::{Access, Effect};
    let policy =
        compile(include_str!("../../../../policies/read-only.toml"), "read-only", &|_| None).unwrap().policy;
    for tool in policy.tools.values() {
        assert!(tool.grants.fs.iter().all(|grant| grant.access == Access::Read), "{}", tool.name);
        assert_eq!(tool.effect, Effect::ReadOnly, "{}", tool.name);
    }
}

/// The policy that shows the guards shows them all, so that nobody has to look elsewhere for a key.
#[test]
fn control_plane_sets_every_key_of_the_guards_and_every_tool_has_a_fallback() {
    let text = include_str!("../../../../policies/control-plane.toml");
    let warnings = compile(text, "control-plane", &|_| None).unwrap().warnings;
    assert!(warnings.iter().all(|one| one.code == "missing_sha256"), "{warnings}");
    let schema = json_schema();
    let sections = [
        "Run",
        "Budgets",
        "Spend",
        "Escalation",
        "Defaults",
        "Rate",
        "Breaker",
        "Retry",
        "Approval",
        "Fallback",
    ];
    let identity = ["from", "name", "required_context", "limits"];
    let of = |section: &str| schema["$defs"][section]["properties"].as_object().unwrap().keys().cloned();
    let keys = sections.into_iter().flat_map(of).filter(|key| !identity.contains(&key.as_str()));
    let keys = keys.chain(["charge", "poll", "risk"].map(str::to_owned));
    let written = |key: &str| {
        let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or(""));
        let words: Vec<&str> = lines.flat_map(|line| line.split(|c| !is_key(c))).collect();
        words.contains(&key)
    };
    let missing: Vec<String> = keys.filter(|key| !written(key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_schema_file_is_what_the_types_say() {
    let file: Value =
        serde_json::from_str(include_str!("../../../../policies/toolgate-policy.schema.json")).unwrap();
    let now = json_schema();
    let help = "`toolgate policy-schema > policies/toolgate-policy.schema.json` brings them in step";
    assert!(file == now, "{help}\n{}", serde_json::to_string_pretty(&now).unwrap());
}
