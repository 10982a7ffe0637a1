//! Calls: in flight together, cancelled, with progress and `_meta`, and at the end of a session.

use super::super::transport::FLUSH_WAIT_MAX;
use super::{Session, modern};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn call(id: impl Into<Value>, name: &str, meta: Value) -> Value {
    modern(id, "tools/call", json!({"name": name}), meta)
}

fn cancelled(id: impl Into<Value>) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id.into(), "reason": "r"}})
}

#[tokio::test]
async fn calls_in_flight_together_are_answered_as_they_end() {
    for mut session in [Session::open(), Session::piped()] {
        session.send(&call("slow", "wait", json!({}))).await;
        for id in 0..100 {
            session
                .send(&modern(
                    id,
                    "tools/call",
                    json!({"name": "echo", "arguments": {"message": id}}),
                    json!({}),
                ))
                .await;
        }
        let mut seen = BTreeSet::new();
        for _ in 0..100 {
            let answer = session.next().await;
            assert_eq!(answer["result"]["structuredContent"]["message"], answer["id"]);
            seen.insert(answer["id"].as_i64().unwrap());
        }
        assert_eq!(seen, (0..100).collect());
        session.gate.release.notify_one();
        assert_eq!(session.next().await["id"], "slow");
    }
}

#[tokio::test]
async fn a_cancelled_call_is_dropped_and_nothing_more_is_said_of_it() {
    let mut session = Session::open();
    session.send(&call(1, "wait", json!({"progressToken": 1}))).await;
    session.gate.waiting.acquire().await.unwrap().forget();
    session.send(&cancelled(1)).await;
    session.gate.dropped.acquire().await.unwrap().forget();
    session.gate.release.notify_one();
    session.send(&cancelled(1)).await;
    session.send(&cancelled("unknown")).await;
    assert_eq!(session.ask(call(2, "list", json!({}))).await["id"], 2);
    assert_eq!(session.close().await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_id_cancelled_and_used_again_gets_its_own_answer_or_none() {
    let mut session = Session::open();
    for _ in 0..50 {
        session.send(&call(1, "wait", json!({}))).await;
        session.send(&cancelled(1)).await;
        let again = session.ask(call(1, "list", json!({}))).await;
        let fresh = again["result"]["structuredContent"] == json!([1, 2]);
        assert!(fresh || again["error"]["code"] == -32600, "{again}");
    }
}

#[tokio::test]
async fn progress_comes_only_with_a_token_increasing_and_before_the_answer() {
    let mut session = Session::open();
    assert_eq!(session.ask(call(1, "progress", json!({}))).await["id"], 1);
    let progress = session.ask(call(2, "progress", json!({"progressToken": "t"}))).await;
    let expected = json!({"jsonrpc": "2.0", "method": "notifications/progress",
        "params": {"progressToken": "t", "progress": 1.0, "message": "m"}});
    assert_eq!(progress, expected);
    assert_eq!(session.next().await["id"], 2, "the falling and the hasty reports are dropped");
}

#[tokio::test]
async fn what_meta_says_reaches_the_gate_and_what_the_gate_says_comes_back() {
    let mut session = Session::open();
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
    let meta = json!({"toolgate/run": "r", "toolgate/idempotency-key": "k", "toolgate/thought": "t",
        "toolgate/expected": [1], "toolgate/context": {"project_id": "p"}, "traceparent": traceparent});
    let result = session.ask(call(1, "progress", meta)).await["result"].clone();
    let said: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(
        said,
        json!({"run": "r", "key": "k", "thought": "t", "expected": [1], "context": {"project_id": "p"},
        "traceparent": traceparent})
    );
    let meta = &result["_meta"];
    assert!(meta["toolgate/run"].as_str().unwrap().starts_with("run_"));
    assert!(meta["toolgate/call"].as_str().unwrap().starts_with("call_"));
    assert_eq!(meta["toolgate/outcome"]["status"], "completed");
}

#[tokio::test]
async fn names_may_be_written_with_escapes() {
    let mut session = Session::legacy().await;
    for (method, name) in [("tools/call", "list"), (r"tools\/call", r"l\u0069st")] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"name":"{name}"}}}}"#);
        assert_eq!(session.ask_raw(&line).await["result"]["content"][0]["text"], "[1,2]", "{line}");
    }
}

#[tokio::test]
async fn an_unknown_tool_is_a_protocol_error_and_a_refusal_a_result() {
    let mut session = Session::open();
    let error = session.ask(call(1, "ecco", json!({}))).await["error"].clone();
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!(-32602), &json!("Unknown tool: ecco; did you mean echo?"))
    );
    let result = session.ask(call(2, "echo", json!({}))).await["result"].clone();
    assert_eq!(result["isError"], true);
    assert_eq!(
        result["content"][0]["text"],
        "Refused: invalid_arguments.\nDo something else.\nReason: invalid_arguments"
    );
}

#[tokio::test]
async fn the_end_of_the_input_lets_calls_in_flight_end_and_the_last_line_needs_no_newline() {
    let mut session = Session::open();
    session.send(&call(1, "wait", json!({}))).await;
    session.raw(call(2, "list", json!({})).to_string().as_bytes()).await;
    session.gate.waiting.acquire().await.unwrap().forget();
    session.gate.release.notify_one();
    let answers = session.close().await;
    let ids: BTreeSet<i64> = answers.iter().map(|answer| answer["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, BTreeSet::from([1, 2]));
}

/// Slow: it lets pass what the last answers have where nothing else is allowed.
#[tokio::test]
async fn answers_may_be_read_for_as_long_as_calls_may_go_on_after_the_end_of_the_input() {
    let mut session = Session::cramped();
    for id in 0..20 {
        session.send(&call(id, "list", json!({}))).await;
    }
    session.end_input().await;
    tokio::time::sleep(FLUSH_WAIT_MAX + Duration::from_millis(200)).await;
    assert_eq!(session.rest().await.len(), 20);
}

#[tokio::test]
async fn a_call_that_outlives_the_grace_is_dropped_and_its_caller_told() {
    let mut session = Session::with_grace(Duration::ZERO);
    session.send(&call(1, "wait", json!({}))).await;
    session.gate.waiting.acquire().await.unwrap().forget();
    let dropped = session.gate.dropped.clone();
    let answers = session.close().await;
    assert_eq!((&answers[0]["id"], &answers[0]["error"]["code"]), (&json!(1), &json!(-32603)));
    assert_eq!(dropped.available_permits(), 1);
}

#[tokio::test]
async fn a_stop_lets_calls_in_flight_end_and_nothing_new_begin() {
    let mut session = Session::with_grace(Duration::ZERO);
    session.send(&call(1, "wait", json!({}))).await;
    session.gate.waiting.acquire().await.unwrap().forget();
    session.stop().await;
    // The channel holds one: a second message has room only when the first was taken.
    let place = session.place_for_a_stop().await;
    session.send(&call(2, "list", json!({}))).await;
    session.gate.release.notify_one();
    drop(place);
    assert_eq!(session.next().await["result"]["content"][0]["text"], "released");
    assert_eq!(session.rest().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_stop_goes_before_a_line_that_has_come_with_it() {
    let mut session = Session::open();
    session.stop().await;
    session.send(&call(1, "list", json!({}))).await;
    assert_eq!(session.rest().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_second_stop_drops_the_calls_in_flight() {
    let mut session = Session::open();
    session.send(&call(1, "wait", json!({}))).await;
    session.gate.waiting.acquire().await.unwrap().forget();
    session.stop().await;
    session.stop().await;
    let dropped = session.gate.dropped.clone();
    assert_eq!(session.rest().await[0]["error"]["code"], -32603);
    assert_eq!(dropped.available_permits(), 1);
}

#[tokio::test]
async fn a_client_that_is_gone_ends_the_session_and_its_calls() {
    for mut session in [Session::open(), Session::piped()] {
        for id in [1, 2] {
            session.send(&call(id, "wait", json!({}))).await;
        }
        session.gate.waiting.acquire_many(2).await.unwrap().forget();
        let gate = session.gate.clone();
        // The one answer that cannot be written tells that nobody is there.
        session.vanish(|| gate.release.notify_one()).await;
        assert_eq!(gate.dropped.available_permits(), 1);
    }
}

#[tokio::test]
async fn a_session_that_is_dropped_drops_its_calls() {
    let mut session = Session::open();
    for id in [1, 2] {
        session.send(&call(id, "wait", json!({}))).await;
    }
    session.gate.waiting.acquire_many(2).await.unwrap().forget();
    session.drop_server();
    let dropped = tokio::time::timeout(Duration::from_secs(20), session.gate.dropped.acquire_many(2)).await;
    assert!(dropped.is_ok());
}

#[tokio::test]
async fn a_call_that_panics_is_answered_and_its_id_is_free_again() {
    let mut session = Session::open();
    let panic = call(1, "panic", json!({}));
    // Alone it runs where it was read, beside another call on a worker.
    for _ in 0..2 {
        assert_eq!(session.ask(panic.clone()).await["error"]["code"], -32603);
    }
    session.send(&call(2, "wait", json!({}))).await;
    session.gate.waiting.acquire().await.unwrap().forget();
    for _ in 0..2 {
        let answer = session.ask(panic.clone()).await;
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32603)));
    }
    session.gate.release.notify_one();
    assert_eq!(session.next().await["id"], 2);
}

#[tokio::test]
async fn many_lines_at_once_do_not_keep_the_first_answer_back() {
    const LINES: usize = 200;
    for mut session in [Session::open(), Session::piped()] {
        let lines: String = (0..LINES).map(|id| format!("{}\n", call(id, "list", json!({})))).collect();
        session.raw(lines.as_bytes()).await;
        session.next().await;
        let begun = session.gate.begun.load(Ordering::Relaxed);
        assert!(begun < LINES / 2, "{begun} calls ran before the first answer was out");
        for _ in 1..LINES {
            session.next().await;
        }
    }
}
