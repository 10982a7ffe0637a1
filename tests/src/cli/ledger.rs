//! `toolgate runs`, `trace`, `verify`, `prune`.

use super::{OUTCOME, USAGE, host};
use crate::support::binary::toolgate;
use crate::support::{TestGate, keys};
use serde_json::{Value, json};

fn with_calls() -> (TestGate, String) {
    let test = host();
    test.policy();
    let mut run = String::new();
    for (tool, arguments, code) in [("echo", r#"{"text":"a"}"#, 0), ("denied", "{}", 3), ("crash", "{}", 4)] {
        let mut args = vec!["call", tool, arguments, "--json"];
        if !run.is_empty() {
            args.extend(["--run", &run]);
        }
        let outcome = toolgate(&test.path(""), args).code(code).json();
        run = outcome["run"].as_str().unwrap().to_owned();
    }
    (test, run)
}

#[test]
fn runs_lists_every_run_with_its_counts() {
    let (test, run) = with_calls();
    let runs = toolgate(&test.path(""), ["runs", "--json"]).code(0).json();
    let row = &runs.as_array().unwrap()[0];
    assert_eq!(
        keys(row),
        [
            "run",
            "principal",
            "name",
            "opened_ms",
            "last_ms",
            "running",
            "completed",
            "failed",
            "refused",
            "unended"
        ]
    );
    assert_eq!(
        (&row["run"], &row["completed"], &row["failed"], &row["refused"]),
        (&json!(run), &json!(1), &json!(1), &json!(1))
    );
    let table = toolgate(&test.path(""), ["runs"]).code(0);
    assert!(table.out.contains(&run) && !table.out.contains('\u{1b}'), "{}", table.out);
}

#[test]
fn trace_shows_each_call_with_what_decided_and_what_it_cost() {
    let (test, run) = with_calls();
    let trace = toolgate(&test.path(""), ["trace", &run, "--json"]).code(0).json();
    let calls = trace["calls"].as_array().unwrap();
    let states: Vec<_> = calls.iter().map(|call| call["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["completed", "refused", "failed"]);
    let expected = [
        "call",
        "seq",
        "state",
        "tool",
        "effect",
        "attempt",
        "at_ms",
        "ended_ms",
        "reason",
        "rules",
        "policy_digest",
        "component_digest",
        "usage",
        "approval",
        "resolved",
        "resolved_by",
        "resolved_ms",
        "content",
        "erased",
    ];
    assert_eq!(keys(&calls[0]), expected);
    assert_eq!(keys(&calls[0]["usage"]), USAGE);
    assert_eq!(keys(&calls[0]["content"]["outcome"]), OUTCOME);
    let tree = toolgate(&test.path(""), ["trace", &run]).code(0).out;
    for part in ["├─ ✓ echo", "✋ denied", "└─ ✗ crash", "failed: trap", "tools.denied.verdict", "fuel"]
    {
        assert!(tree.contains(part), "{part} is not in\n{tree}");
    }
    for unknown in ["0", "1", "f"] {
        toolgate(&test.path(""), ["trace", &format!("run_{}", unknown.repeat(32))]).code(2);
    }
    toolgate(&test.path(""), ["trace", "nonsense"]).code(2);
}

#[test]
fn a_run_is_named_by_the_beginning_of_its_id_if_no_other_begins_so() {
    let (test, run) = with_calls();
    let folder = test.path("");
    let other = toolgate(&folder, ["run", "start", "--json"]).code(0).json();
    let other = other["run"].as_str().unwrap();
    let same = run.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let (of_both, of_one) = (&run[..same], &run[..=same]);
    for command in [&["trace"][..], &["status"], &["run", "status"], &["run", "pause"], &["run", "resume"]] {
        for id in [of_one, &run] {
            toolgate(&folder, command.iter().copied().chain([id])).code(0);
        }
        let refused = toolgate(&folder, command.iter().copied().chain([of_both])).code(2);
        assert!(refused.err.contains(&run) && refused.err.contains(other), "{}", refused.err);
        for nothing in ["", "run_", "run_ffffff"] {
            toolgate(&folder, command.iter().copied().chain([nothing])).code(2);
        }
    }
    assert!(toolgate(&folder, ["trace", of_one]).code(0).out.starts_with(&run));
    let table = toolgate(&folder, ["runs"]).code(0).out;
    assert!(table.contains("1 completed, 1 refused, 1 failed"), "{table}");
}

#[test]
fn verify_says_whether_the_chain_holds() {
    let (test, _) = with_calls();
    let report = toolgate(&test.path(""), ["verify", "--json"]).code(0).json();
    assert_eq!(
        keys(&report),
        [
            "ok",
            "events",
            "batches",
            "runs",
            "calls",
            "running",
            "erased",
            "head",
            "proven_to",
            "broken",
            "proves"
        ]
    );
    assert_eq!((&report["ok"], &report["broken"]), (&json!(true), &json!([])));
    let head = report["head"].as_str().unwrap();
    toolgate(&test.path(""), ["verify", "--head", head]).code(0);
    toolgate(&test.path(""), ["verify", "--head", &"0".repeat(64)]).code(1);
    for never in ["zz", &"z".repeat(64), &head[1..], &format!("{head}0")] {
        let ran = toolgate(&test.path(""), ["verify", "--head", never]).code(2);
        assert!(ran.err.contains("64 hex digits") && ran.out.is_empty(), "{ran:#?}");
    }
}

#[test]
fn prune_erases_contents_and_keeps_the_chain() {
    let (test, run) = with_calls();
    let report = toolgate(&test.path(""), ["prune", "--before", "2999-01-01", "--json"]).code(0).json();
    assert_eq!(keys(&report), ["erased", "bytes", "keys", "kept"]);
    assert!(report["erased"].as_u64().unwrap() > 0);
    let verified = toolgate(&test.path(""), ["verify", "--json"]).code(0).json();
    assert_eq!(verified["ok"], json!(true));
    let trace = toolgate(&test.path(""), ["trace", &run, "--json"]).code(0).json();
    assert!(
        trace["calls"]
            .as_array()
            .unwrap()
            .iter()
            .any(|call| call["erased"] == json!(true) && call["content"] == Value::Null)
    );
    toolgate(&test.path(""), ["prune", "--before", "yesterday"]).code(2);
}

#[test]
fn prune_leaves_alone_what_a_person_may_still_approve() {
    let test = TestGate::answering(r#"{"sent":true}"#, "verdict = \"ask\"");
    test.policy();
    let folder = test.path("");
    let call = |code| toolgate(&folder, ["call", "guest", "{}", "--json"]).code(code).json();
    let kept = || {
        let report = toolgate(&folder, ["prune", "--before", "2999-01-01", "--json"]).code(0).json();
        report["kept"].clone()
    };
    let asked = call(3);
    let id = asked["approval"].as_str().expect("an approval");
    assert_eq!(kept(), json!(1));
    toolgate(&folder, ["approve", id]).code(0);
    assert_eq!(kept(), json!(1), "nobody has used the yes yet");
    assert_eq!(call(0)["output"], json!({"sent": true}));
    assert_eq!(kept(), json!(0));
    toolgate(&folder, ["verify"]).code(0);
}

#[test]
fn reading_makes_no_ledger_and_says_where_one_would_be() {
    let test = host();
    test.policy();
    for args in [vec!["runs"], vec!["verify"], vec!["prune", "--before", "2026-01-01"]] {
        let ran = toolgate(&test.path(""), args).code(2);
        assert!(ran.err.contains("there is no ledger at"), "{}", ran.err);
    }
    assert!(!test.ledger().exists());
}

#[test]
fn forty_hosts_that_open_one_ledger_at_once_all_find_it_whole() {
    let (test, _) = with_calls();
    let folder = test.path("");
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| toolgate(&folder, ["call", "echo", r#"{"text":"a"}"#]).code(0));
        }
    });
    assert_eq!(toolgate(&folder, ["verify", "--json"]).code(0).json()["calls"], 43);
}
