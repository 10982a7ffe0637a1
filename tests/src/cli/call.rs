//! `toolgate call`.

use super::{FINDING, OUTCOME, USAGE, host};
use crate::support::binary::{toolgate, toolgate_reading};
use crate::support::keys;
use serde_json::{Value, json};

const ARGUMENTS: &str = r#"{"text":"a"}"#;

#[test]
fn each_way_to_end_has_its_exit_code_and_the_same_shape() {
    let test = host();
    test.policy();
    let cases = [
        ("echo", ARGUMENTS, 0, "completed", Value::Null),
        ("denied", "{}", 3, "refused", json!("denied_by_policy")),
        ("nobody", "{}", 3, "refused", json!("unknown_tool")),
        ("echo", "{", 3, "refused", json!("malformed")),
        ("crash", "{}", 4, "failed", json!("trap")),
    ];
    for (tool, arguments, code, status, reason) in cases {
        let outcome = toolgate(&test.path(""), ["call", tool, arguments, "--json"]).code(code).json();
        assert_eq!(keys(&outcome), OUTCOME);
        assert_eq!(keys(&outcome["usage"]), USAGE);
        assert_eq!((&outcome["status"], &outcome["reason"]), (&json!(status), &reason), "{outcome}");
    }
    let page = toolgate(&test.path(""), ["call", "page", "--json"]).code(0).json();
    assert_eq!(keys(&page["findings"][0]), FINDING);
    assert_eq!(page["taint"], json!(["outside"]));
}

#[test]
fn without_json_the_answer_is_on_stdout_and_the_rest_on_stderr() {
    let test = host();
    test.policy();
    let ran = toolgate(&test.path(""), ["call", "echo", ARGUMENTS]).code(0);
    assert_eq!(ran.out, "{\"text\":\"a\"}\n");
    assert!(ran.err.contains("toolgate trace run_"), "{}", ran.err);
    std::fs::rename(test.policy(), test.path("other.toml")).unwrap();
    let ran = toolgate(&test.path(""), ["call", "echo", ARGUMENTS, "-p", "other.toml"]).code(0);
    let further =
        ran.err.lines().find_map(|line| line.split_once("look further: toolgate ")).expect("a line").1;
    let traced = toolgate(&test.path(""), further.split(' ')).code(0);
    assert!(traced.out.contains("completed"), "{}", traced.out);
    std::fs::rename(test.path("other.toml"), test.policy()).unwrap();
    let ran = toolgate(&test.path(""), ["call", "denied"]).code(3);
    assert!(ran.out.starts_with("denied_by_policy: "), "{}", ran.out);
    assert!(ran.err.contains("why: "), "{}", ran.err);
}

#[test]
fn arguments_come_from_stdin_where_asked() {
    let test = host();
    test.policy();
    let ran = toolgate_reading(&test.path(""), ["call", "echo", "-", "--json"], ARGUMENTS.as_bytes()).code(0);
    assert_eq!(ran.json()["output"], json!({"text": "a"}));
}

#[test]
fn a_key_gives_the_recorded_answer_in_another_process() {
    let test = host();
    test.policy();
    let call =
        || toolgate(&test.path(""), ["call", "echo", ARGUMENTS, "--key", "k", "--json"]).code(0).json();
    let (first, again) = (call(), call());
    assert_eq!((&first["recorded"], &again["recorded"]), (&json!(false), &json!(true)));
    assert_eq!(first["output"], again["output"]);
    assert_ne!(first["run"], again["run"], "each process is a run of its own");
}

#[test]
fn a_run_can_be_named_and_an_unknown_one_is_refused() {
    let test = host();
    test.policy();
    let first = toolgate(&test.path(""), ["call", "echo", ARGUMENTS, "--json"]).code(0).json();
    let run = first["run"].as_str().unwrap();
    let second = toolgate(&test.path(""), ["call", "echo", ARGUMENTS, "--run", run, "--json"]).code(0).json();
    assert_eq!(second["run"], first["run"]);
    let refused =
        toolgate(&test.path(""), ["call", "echo", ARGUMENTS, "--run", "run_0", "--json"]).code(3).json();
    assert_eq!((&refused["run"], &refused["reason"]), (&Value::Null, &json!("unknown_run")));
}

#[test]
fn what_the_user_got_wrong_is_2_and_what_the_host_cannot_do_is_1() {
    let test = host();
    let folder = test.path("");
    toolgate(&folder, ["call", "echo", "--policy", "missing.toml"]).code(2);
    toolgate(&folder, ["call"]).code(2);
    toolgate(&folder, ["no-such-command"]).code(2);
    std::fs::write(test.path("bad.toml"), "[host]\nprincipel = 'x'\n").unwrap();
    let ran = toolgate(&folder, ["call", "echo", "--policy", "bad.toml"]).code(2);
    assert!(ran.err.contains("did you mean `principal`?"), "{}", ran.err);
    assert_eq!(ran.out, "");
    // A ledger that is no ledger is the host's trouble.
    std::fs::create_dir_all(test.ledger().parent().unwrap()).unwrap();
    std::fs::write(
        test.ledger(),
        "this is not a ledger, and longer than a header of one hundred bytes would have to be, so it is read",
    )
    .unwrap();
    let ran = toolgate(&folder, ["call", "echo", ARGUMENTS]).code(1);
    assert!(ran.err.contains("is not a ledger"), "{}", ran.err);
}

#[test]
fn help_and_version_are_answers() {
    let folder = tempfile::tempdir().unwrap();
    for args in [["--help"], ["--version"]] {
        let ran = toolgate(folder.path(), args).code(0);
        assert!(ran.out.contains("toolgate") && ran.err.is_empty());
    }
}
