//! `toolgate serve`: what only the process shows; the protocol itself is tested in the host.

use super::host;
use crate::support::binary::toolgate;
use crate::support::gate::TestGate;
use crate::support::guest::Guest;
use crate::support::mcp::Served;
use serde_json::json;
use toolgate::ledger::CallState;

/// A guest's body: it waits for two seconds, and gives its arguments back.
const NAPS: &str =
    "(call $sleep (i64.const 2_000_000_000)) (call $ok (local.get $args) (local.get $args_len))";

#[test]
fn the_tools_of_the_policy_are_listed_and_called() {
    let test = host();
    let mut served = Served::start(&test.policy());
    served.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}));
    let tools = served.answer();
    let names: Vec<_> = tools["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["crash", "denied", "echo", "page", "toolgate_finish", "toolgate_status"]);
    served.call(2, "echo", &json!({"text": "a"}));
    let answer = served.answer();
    assert_eq!(answer["result"]["structuredContent"], json!({"text": "a"}));
    assert!(answer["result"]["_meta"]["toolgate/run"].as_str().unwrap().starts_with("run_"));
    served.call(3, "denied", &json!({}));
    let answer = served.answer();
    assert_eq!(answer["result"]["isError"], json!(true));
    assert_eq!(answer["result"]["_meta"]["toolgate/outcome"]["reason"], json!("denied_by_policy"));
    assert_eq!(served.close().1, Some(0));
    test.verified();
}

#[test]
fn the_run_of_a_server_is_named_on_its_command_line() {
    let test = host();
    let run = || {
        let mut served = Served::start_with(&test.policy(), &["--run", "nightly"]);
        served.call(1, "echo", &json!({"text": "a"}));
        let run = served.answer()["result"]["_meta"]["toolgate/run"].clone();
        served.close();
        run
    };
    assert_eq!(run(), run());
    assert_eq!(test.reader().runs().unwrap()[0].name.as_deref(), Some("nightly"));
}

#[test]
fn a_locked_server_refuses_what_is_not_pinned() {
    let test = TestGate::new().built("echo", "echo", "");
    test.policy();
    let ran = toolgate(&test.path(""), ["serve", "--locked"]).code(2);
    assert!(ran.err.contains("tools.echo has no sha256"), "{}", ran.err);
    assert_eq!(ran.out, "");
}

/// The request that meets the signal may still be read before it, so requests follow until one is not answered.
#[tokio::test]
async fn at_sigterm_the_call_in_flight_is_answered_and_no_later_request_is() {
    let test = TestGate::new().guest(&Guest::new(NAPS).with_sleep(), "");
    let mut served = Served::start(&test.policy());
    served.call(1, "guest", &json!({"text": "a"}));
    test.until_started().await;
    served.terminate();
    let last = (2_u64..).find_map(|id| {
        served.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"}));
        let answer = served.answer();
        (answer["id"] != json!(id)).then_some(answer)
    });
    let last = last.expect("numbers do not end");
    assert_eq!((&last["id"], &last["result"]["structuredContent"]), (&json!(1), &json!({"text": "a"})));
    assert_eq!(served.close(), (Vec::new(), Some(0)));
    assert_eq!(test.verified().running, 0);
    assert_eq!(test.all_calls()[0].state, CallState::Completed);
}

#[test]
fn a_server_whose_ledger_is_removed_runs_nothing_more_and_does_not_end_well() {
    let test = TestGate::new().guest(&Guest::answering(r#"{"sent":true}"#), "effect = \"once\"");
    let log = test.path("serve.log");
    let mut served = Served::start_logging(&test.policy(), &log);
    served.call(1, "guest", &json!({"text": "a"}));
    assert_eq!(served.answer()["result"]["_meta"]["toolgate/outcome"]["status"], json!("completed"));
    for suffix in ["", "-wal", "-shm", "-host-1"] {
        std::fs::remove_file(format!("{}{suffix}", test.ledger().display())).unwrap();
    }
    served.call(2, "guest", &json!({"text": "b"}));
    let answer = served.answer();
    assert_eq!(answer["result"]["_meta"]["toolgate/outcome"]["reason"], json!("ledger_unavailable"));
    assert!(!answer.to_string().contains("moved"), "the agent is told nothing of the host's files: {answer}");
    assert_eq!(served.close().1, Some(1));
    let said = std::fs::read_to_string(log).unwrap();
    assert!(said.contains("was removed, moved or replaced"), "{said}");
}
