//! `toolgate check`, `explain`, `policy-schema`, and the policies that are shipped.

use super::host;
use crate::support::binary::toolgate;
use crate::support::gate::repository;
use crate::support::keys;
use serde_json::{Value, json};

#[test]
fn check_says_what_is_wrong_with_line_and_column() {
    let test = host();
    std::fs::write(test.path("bad.toml"), "[host]\nprincipel = 'x'\n").unwrap();
    let report = toolgate(&test.path(""), ["check", "bad.toml", "--json"]).code(2).json();
    assert_eq!(keys(&report), ["file", "ok", "diagnostics", "cases"]);
    let found = &report["diagnostics"][0];
    assert_eq!(
        keys(found),
        ["severity", "code", "message", "span", "line", "column", "found", "expected", "help"]
    );
    assert_eq!(
        (&found["code"], &found["line"], &found["column"]),
        (&json!("unknown_key"), &json!(2), &json!(1))
    );
    let ran = toolgate(&test.path(""), ["check", "bad.toml"]).code(2);
    assert!(ran.err.contains("bad.toml:2:1") && ran.err.contains("did you mean `principal`?"), "{}", ran.err);
    assert!(!ran.err.contains('\u{1b}'), "no colors where nobody looks");
}

#[test]
fn check_warns_of_components_that_are_not_pinned_and_runs_the_cases_beside() {
    let test = host();
    test.policy();
    let case = |verdict: &str| {
        let text = format!(
            "[[case]]\nname = \"n\"\ntool = \"denied\"\narguments = '{{}}'\nverdict = {verdict:?}\nrule = \"tools.denied.verdict\"\n"
        );
        std::fs::write(test.path("toolgate.cases.toml"), text).unwrap();
    };
    case("deny");
    let report = toolgate(&test.path(""), ["check", "--json"]).code(0).json();
    let codes: Vec<_> =
        report["diagnostics"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"missing_sha256"), "{codes:?}");
    assert_eq!((report["cases"].as_array().unwrap().len(), &report["cases"][0]["passed"]), (1, &json!(true)));
    case("allow");
    let ran = toolgate(&test.path(""), ["check"]).code(2);
    assert!(ran.out.contains("case failed") && ran.out.contains("0 of 1 cases pass"), "{}", ran.out);
}

#[test]
fn cases_that_are_there_and_cannot_be_read_are_named_and_never_no_cases() {
    let test = host();
    test.policy();
    let cases = test.path("toolgate.cases.toml");
    let refused = |why: &str| {
        let ran = toolgate(&test.path(""), ["check", "--text-only"]).code(2);
        assert!(ran.err.contains("toolgate.cases.toml") && ran.err.contains(why), "{why}: {}", ran.err);
    };
    std::fs::create_dir(&cases).unwrap();
    refused("not a regular file");
    std::fs::remove_dir(&cases).unwrap();
    for (to, why) in [("nowhere", "No such file"), ("toolgate.cases.toml", "symbolic link")] {
        std::os::unix::fs::symlink(to, &cases).unwrap();
        refused(why);
        std::fs::remove_file(&cases).unwrap();
    }
    std::fs::write(&cases, b"# mine\n# caf\xe9\n").unwrap();
    refused("line 2 is not UTF-8");
    std::fs::remove_file(&cases).unwrap();
    toolgate(&test.path(""), ["check", "--text-only"]).code(0);
}

#[test]
fn check_refuses_a_writable_grant_over_what_the_host_depends_on() {
    for host_folder in [".", "../"] {
        let grant = format!(
            "\n[[tools.echo.grants.fs]]\nhost = {host_folder:?}\nguest = \"/work\"\naccess = \"read-write\"\n"
        );
        let test = crate::support::TestGate::new().built("echo", "echo", &grant);
        test.policy();
        let report = toolgate(&test.path(""), ["check", "--json"]).code(2).json();
        let refused =
            report["diagnostics"].as_array().unwrap().iter().any(|one| one["code"] == json!("grant_refused"));
        assert!(refused, "{report}");
        toolgate(&test.path(""), ["call", "echo", r#"{"text":"a"}"#]).code(2);
    }
}

#[test]
fn a_writable_grant_that_reaches_the_policy_by_a_link_is_refused() {
    let grant =
        "\n[[tools.echo.grants.fs]]\nhost = \"innocent/work\"\nguest = \"/work\"\naccess = \"read-write\"\n";
    let test = crate::support::TestGate::new().built("echo", "echo", grant);
    std::fs::create_dir(test.path("innocent")).unwrap();
    std::os::unix::fs::symlink(test.path(""), test.path("innocent/work")).unwrap();
    test.policy();
    toolgate(&test.path(""), ["call", "echo", r#"{"text":"a"}"#]).code(2);
    toolgate(&test.path(""), ["check"]).code(2);
}

#[test]
fn explain_names_the_rule_and_the_line_that_would_change_the_answer() {
    let test = host();
    test.policy();
    let explained = toolgate(&test.path(""), ["explain", "denied", "{}", "--json"]).code(0).json();
    assert_eq!(keys(&explained), ["tool", "decision", "rules", "change"]);
    assert_eq!(keys(&explained["change"]), ["lines", "text"]);
    assert_eq!(
        (&explained["decision"]["verdict"], &explained["decision"]["rules"]),
        (&json!("deny"), &json!(["tools.denied.verdict"]))
    );
    let ran = toolgate(&test.path(""), ["explain", "denied"]).code(0);
    let line = test.policy_text().lines().position(|line| line == "verdict = \"deny\"").unwrap() + 1;
    assert!(ran.out.contains(&format!("toolgate.toml:{line}")), "line {line} in\n{}", ran.out);
    toolgate(&test.path(""), ["explain", "denied", "{"]).code(2);
}

#[test]
fn policy_docs_says_what_stands_in_for_each_tool_in_the_table_as_in_json() {
    let test = crate::support::TestGate::new()
        .built("echo", "echo", "fallback = { last_good = \"1h\" }")
        .built("calc", "calculate", "fallback = \"off\"");
    test.policy();
    let shown = toolgate(&test.path(""), ["policy", "docs"]).code(0).out;
    let mut lines = shown.lines();
    let head: Vec<&str> = lines.next().expect("a head").split_whitespace().collect();
    assert_eq!(head, ["tool", "effect", "needs", "breaker", "retry", "fallback", "when", "it", "is", "down"]);
    let rows = toolgate(&test.path(""), ["policy", "docs", "--json"]).code(0).json();
    let row = |tool: &str, fallback: &str| {
        let line = shown.lines().find(|line| line.trim_start().starts_with(tool)).expect("a row");
        assert!(line.contains(&format!(" {fallback} ")), "{shown}");
        let rows = rows.as_array().expect("rows");
        let row = rows.iter().find(|row| row["tool"] == json!(tool)).expect("a row");
        assert_eq!(row["fallback"], json!(fallback));
    };
    row("echo", "last_good 1h");
    row("calculate", "none");
}

#[test]
fn the_schema_for_editors_is_the_one_in_the_repository() {
    let printed: Value =
        serde_json::from_str(&toolgate(&repository(), ["policy-schema"]).code(0).out).unwrap();
    let kept = std::fs::read_to_string(repository().join("policies/toolgate-policy.schema.json")).unwrap();
    assert_eq!(
        printed,
        serde_json::from_str::<Value>(&kept).unwrap(),
        "write it anew: toolgate policy-schema > policies/toolgate-policy.schema.json"
    );
}

#[test]
fn every_shipped_policy_holds_its_cases() {
    let mut seen = 0;
    for entry in std::fs::read_dir(repository().join("policies")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.ends_with(".toml") || name.ends_with(".cases.toml") {
            continue;
        }
        let report = toolgate(&repository(), ["check", path.to_str().unwrap(), "--text-only", "--json"])
            .code(0)
            .json();
        let cases = report["cases"].as_array().unwrap();
        assert!(!cases.is_empty(), "{name} has no cases");
        assert!(cases.iter().all(|case| case["passed"] == json!(true)), "{report}");
        seen += 1;
    }
    assert!(seen >= 3, "{seen} policies");
}

#[test]
fn completions_and_connections_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            toolgate(folder.path(), ["completions", shell]).code(0).out.contains("policy-schema"),
            "{shell}"
        );
    }
    for client in ["claude-desktop", "vscode", "cursor", "python"] {
        let ran = toolgate(folder.path(), ["connect", client, "--policy", "my policy.toml"]).code(0);
        assert!(ran.out.contains("my policy.toml") && ran.out.contains("serve"), "{}", ran.out);
        if client != "python" {
            serde_json::from_str::<Value>(&ran.out).unwrap();
        }
    }
}
