//! Lines that are wrong: each is answered as the protocol says, and the session goes on.

use super::session::LINE_BYTES_MAX;
use super::{Session, modern};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::HashMap;

async fn still_serves(session: &mut Session) {
    let answer = session.ask(modern("alive", "tools/call", json!({"name": "list"}), json!({}))).await;
    assert_eq!((&answer["id"], &answer["result"]["structuredContent"]), (&json!("alive"), &json!([1, 2])));
}

#[tokio::test]
async fn a_line_that_is_not_json_is_a_parse_error_without_an_id() {
    let mut session = Session::open();
    for line in
        ["{", "nonsense", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} x", "{\"id\":1,}", "\u{feff}{}"]
    {
        let answer = session.ask_raw(line).await;
        assert_eq!((&answer["error"]["code"], answer.get("id")), (&json!(-32700), None), "{line}");
    }
    session.raw(b"{\"id\":1,\"method\":\"\xff\"}\n").await;
    assert_eq!(session.next().await["error"]["code"], -32700);
    still_serves(&mut session).await;
}

#[tokio::test]
async fn empty_lines_and_stray_responses_are_ignored() {
    let mut session = Session::open();
    session.raw(b"\n\r\n   \n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n").await;
    still_serves(&mut session).await;
    assert_eq!(session.close().await, Vec::<Value>::new());
}

#[tokio::test]
async fn json_that_is_no_request_is_an_invalid_request_to_its_sender() {
    let mut session = Session::open();
    for (line, id) in [
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, None),
        ("7", None),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, None),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, None),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, None),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, Some(json!(1))),
        (r#"{"id":"a","method":"ping"}"#, Some(json!("a"))),
        (r#"{"jsonrpc":"2.0","id":2}"#, Some(json!(2))),
        (r#"{"jsonrpc":"2.0","id":3,"method":7}"#, Some(json!(3))),
        (r#"{"jsonrpc":"2.0","id":4,"method":"ping","method":"tools/list"}"#, Some(json!(4))),
        (r#"{"jsonrpc":"2.0","id":5,"method":"ping","params":{"a":1,"a":2}}"#, Some(json!(5))),
        (r#"{"jsonrpc":"2.0","id":9,"method":"\ud800"}"#, Some(json!(9))),
        (r#"{"jsonrpc":"2.0","id":6,"method":"ping","params":{"a":1e999}}"#, Some(json!(6))),
    ] {
        let answer = session.ask_raw(line).await;
        assert_eq!(
            (&answer["error"]["code"], answer.get("id")),
            (&json!(-32600), id.as_ref()),
            "{line}: {answer}"
        );
    }
    let deep = format!(r#"{{"params":{}{},"id":8}}"#, "[".repeat(1000), "]".repeat(1000));
    let answer = session.ask_raw(&deep).await;
    assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32600), &json!(8)));
    still_serves(&mut session).await;
}

#[tokio::test]
async fn a_line_over_the_cap_is_answered_by_its_id_wherever_that_stands() {
    let mut session = Session::open();
    let fill = "a".repeat(LINE_BYTES_MAX);
    for line in [
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{fill}"}}}}"#),
        format!(r#"{{"params":{{"id":1,"name":"{fill}"}},"jsonrpc":"2.0","id":7}}"#),
    ] {
        let answer = session.ask_raw(&line).await;
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32600), &json!(7)));
    }
    still_serves(&mut session).await;
}

#[tokio::test]
async fn parameters_of_the_wrong_type_are_invalid_params() {
    let mut session = Session::open();
    for params in [
        json!({"name": "echo", "arguments": "x"}),
        json!({"name": "echo", "arguments": []}),
        json!({"name": "echo", "arguments": null}),
        json!({"name": 7}),
        json!({}),
    ] {
        let answer = session.ask(modern(1, "tools/call", params.clone(), json!({}))).await;
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32602), &json!(1)), "{params}");
    }
    for params in ["[]", "7", "null", r#"{"_meta":7}"#] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{params}}}"#);
        assert_eq!(session.ask_raw(&line).await["error"]["code"], -32602, "{params}");
    }
    let answer =
        session.ask(modern(3, "tools/call", json!({"name": "echo"}), json!({"toolgate/run": 7}))).await;
    assert_eq!(answer["error"]["message"], "Invalid params: `toolgate/run` must be a string");
    still_serves(&mut session).await;
}

#[tokio::test]
async fn arguments_that_are_not_strict_are_for_the_model_to_mend() {
    let mut session = Session::legacy().await;
    let deep = format!("{}{}", "[".repeat(8), "]".repeat(8));
    let large = "a".repeat(5000);
    for (arguments, reason) in [
        (r#"{"message":1,"message":2}"#.to_owned(), "malformed"),
        (r#"{"message":1e999}"#.to_owned(), "malformed"),
        (format!(r#"{{"message":{deep}}}"#), "malformed"),
        (format!(r#"{{"message":"{large}"}}"#), "too_large"),
    ] {
        let line = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","arguments":{arguments}}}}}"#
        );
        let result = session.ask_raw(&line).await["result"].clone();
        assert_eq!(
            (&result["isError"], &result["_meta"]["toolgate/outcome"]["reason"]),
            (&json!(true), &json!(reason))
        );
    }
    let both = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"arguments":{"a":1,"a":2},"name":"echo","x":{"b":1,"b":2}}}"#;
    assert_eq!(
        session.ask_raw(both).await["error"]["code"],
        -32600,
        "not strict outside of the arguments too"
    );
}

#[tokio::test]
async fn an_id_in_use_is_refused_and_the_first_request_keeps_its_answer() {
    let mut session = Session::open();
    let wait = modern(1, "tools/call", json!({"name": "wait"}), json!({}));
    session.send(&wait).await;
    let second = session.ask(wait.clone()).await;
    assert_eq!((&second["id"], &second["error"]["code"]), (&json!(1), &json!(-32600)));
    session.gate.release.notify_one();
    assert_eq!(session.next().await["result"]["content"][0]["text"], "released");
}

/// Lines of every kind: random bytes, random JSON, and messages that are nearly right.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let pick = |all: &'static [&'static str]| prop::sample::select(all);
    let message = (
        pick(&["1", "2", "\"a\"", "null", "1.5", "{}", "9223372036854775808"]),
        pick(&[
            "ping",
            "tools/list",
            "tools/call",
            "server/discover",
            "initialize",
            "notifications/cancelled",
            "prompts/list",
        ]),
        pick(&[
            "{}",
            "[]",
            r#"{"name":"echo","arguments":{"message":1}}"#,
            r#"{"name":"nothing"}"#,
            r#"{"requestId":1}"#,
            r#"{"name":"echo","arguments":{"a":1,"a":1}}"#,
            r#"{"protocolVersion":"2025-11-25"}"#,
            r#"{"_meta":{"toolgate/run":1}}"#,
        ]),
        pick(&["", ",\"id\":1", ",\"x\":[[]]", "}", "\\"]),
    );
    let message = message.prop_map(|(id, method, params, tail)| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}{tail}}}"#).into_bytes()
    });
    prop_oneof![3 => message, 1 => prop::collection::vec(any::<u8>(), 0..80), 1 => "\\PC{0,80}".prop_map(String::into_bytes)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_lines_leave_a_session_that_answers_each_request_once(lines in prop::collection::vec(line(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answers = runtime.block_on(async {
            let mut session = Session::open();
            let mut bytes = Vec::new();
            for line in &lines {
                bytes.extend(line.iter().filter(|byte| **byte != b'\n'));
                bytes.push(b'\n');
            }
            session.raw(&bytes).await;
            session.send(&modern("alive", "server/discover", json!({}), json!({}))).await;
            session.close().await
        });
        let mut counts: HashMap<String, usize> = HashMap::new();
        for answer in &answers {
            *counts.entry(answer.get("id").map_or_else(String::new, Value::to_string)).or_default() += 1;
        }
        prop_assert_eq!(counts.get("\"alive\""), Some(&1));
        // What was sent with a good id, nothing cancelled it, gets one answer per request.
        let cancels = lines.iter().any(|line| line.windows(9).any(|part| part == b"requestId"));
        for id in ["1", "2", "\"a\""] {
            let sent = lines.iter().filter(|line| asks(line, id)).count();
            let answered = counts.get(id).copied().unwrap_or(0);
            prop_assert!(answered <= sent, "{} answers to {} requests of id {}", answered, sent, id);
            prop_assert!(cancels || answered == sent, "{} answers to {} requests of id {}", answered, sent, id);
        }
    }
}

/// True for a line that is JSON and a request of this id.
fn asks(line: &[u8], id: &str) -> bool {
    let head = format!(r#"{{"jsonrpc":"2.0","id":{id},"#);
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    is_json && line.starts_with(head.as_bytes())
}
