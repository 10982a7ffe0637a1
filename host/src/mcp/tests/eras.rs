//! Both eras of the protocol, and the gaps of rmcp that are closed here.

use super::{Session, modern};
use serde_json::{Value, json};

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

#[tokio::test]
async fn a_modern_client_needs_no_handshake_and_every_result_says_who_answered() {
    let mut session = Session::open();
    for (method, params) in [
        ("server/discover", json!({})),
        ("tools/list", json!({})),
        ("tools/call", json!({"name": "echo", "arguments": {"message": "hi"}})),
        ("tools/call", json!({"name": "fail"})),
    ] {
        let result = session.ask(modern(1, method, params, json!({}))).await["result"].clone();
        assert_eq!(result["resultType"], "complete", "{method}: {result}");
        assert_eq!(result["_meta"][SERVER_INFO]["name"], "toolgate", "{method}");
    }
    session.close().await;
}

#[tokio::test]
async fn discover_lists_versions_capabilities_and_how_long_that_holds() {
    let mut session = Session::open();
    let result = session.ask(modern("d", "server/discover", json!({}), json!({}))).await["result"].clone();
    assert_eq!(result["supportedVersions"][0], "2026-07-28");
    assert!(result["supportedVersions"].as_array().unwrap().contains(&json!("2025-11-25")));
    assert_eq!((&result["capabilities"], &result["cacheScope"]), (&json!({"tools": {}}), &json!("private")));
    assert!(result["ttlMs"].as_u64().is_some() && result["instructions"].is_string());
}

#[tokio::test]
async fn a_legacy_client_gets_the_shapes_of_its_version() {
    let mut session = Session::legacy().await;
    let list =
        session.ask(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).await["result"].clone();
    for key in ["resultType", "ttlMs", "cacheScope"] {
        assert_eq!(list.get(key), None, "{key}");
    }
    let names: Vec<&Value> = list["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
    assert_eq!(names, ["echo", "fail", "list", "progress", "wait"]);
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "echo", "arguments": {"message": "hi"}}});
    let result = session.ask(call).await["result"].clone();
    assert_eq!((&result["structuredContent"], result.get("resultType")), (&json!({"message": "hi"}), None));
    assert_eq!(result["_meta"][SERVER_INFO]["name"], "toolgate");
    let call = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "list"}});
    assert_eq!(session.ask(call).await["result"].get("structuredContent"), None, "no array in this era");
    assert_eq!(session.ask(json!({"jsonrpc": "2.0", "id": 4, "method": "ping"})).await["result"], json!({}));
}

#[tokio::test]
async fn one_process_serves_both_eras_at_once() {
    let mut session = Session::legacy().await;
    let answer = session.ask(modern(1, "tools/call", json!({"name": "list"}), json!({}))).await;
    assert_eq!(
        (&answer["result"]["structuredContent"], &answer["result"]["resultType"]),
        (&json!([1, 2]), &json!("complete"))
    );
    let answer = session.ask(json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})).await;
    assert_eq!(answer["result"].get("resultType"), None);
}

#[tokio::test]
async fn the_newest_handshake_version_answers_a_handshake_for_a_version_without_one() {
    let mut session = Session::open();
    for (asked, answered) in
        [("2026-07-28", "2025-11-25"), ("2099-01-01", "2025-11-25"), ("2025-06-18", "2025-06-18")]
    {
        let request = json!({"jsonrpc": "2.0", "id": asked, "method": "initialize", "params": {"protocolVersion": asked,
            "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}});
        assert_eq!(session.ask(request).await["result"]["protocolVersion"], answered);
    }
}

#[tokio::test]
async fn an_opener_that_is_neither_era_is_refused_and_the_session_goes_on() {
    let mut session = Session::open();
    session
        .send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}))
        .await;
    session.send(&json!({"jsonrpc": "2.0", "id": 1, "result": {}})).await;
    let answer = session.ask(json!({"jsonrpc": "2.0", "id": 5, "method": "tools/list"})).await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(5), &json!(-32602)));
    let mut request = modern(6, "tools/list", json!({}), json!({}));
    request["params"]["_meta"].as_object_mut().unwrap().remove("io.modelcontextprotocol/clientCapabilities");
    assert_eq!(session.ask(request).await["error"]["code"], -32602);
    assert!(session.ask(modern(7, "tools/list", json!({}), json!({}))).await["result"].is_object());
}

#[tokio::test]
async fn a_version_that_is_not_served_is_refused_with_those_that_are() {
    let mut session = Session::open();
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "1900-01-01"});
    let error = session.ask(modern(1, "tools/list", json!({}), meta)).await["error"].clone();
    assert_eq!((&error["code"], &error["data"]["requested"]), (&json!(-32022), &json!("1900-01-01")));
    assert_eq!(error["data"]["supported"][0], "2026-07-28");
}

#[tokio::test]
async fn what_is_not_offered_is_not_found_in_either_era() {
    let methods = [
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "completion/complete",
        "logging/setLevel",
        "subscriptions/listen",
        "tasks/get",
        "nonsense",
    ];
    let (mut old, mut new) = (Session::legacy().await, Session::open());
    for method in methods {
        let answer = old.ask(json!({"jsonrpc": "2.0", "id": method, "method": method, "params": {}})).await;
        assert_eq!(answer["error"]["code"], -32601, "legacy {method}");
        let answer = new.ask(modern(method, method, json!({}), json!({}))).await;
        assert_eq!(answer["error"]["code"], -32601, "modern {method}");
    }
    assert_eq!(
        new.ask(modern(1, "ping", json!({}), json!({}))).await["error"]["code"],
        -32601,
        "modern ping"
    );
}

#[tokio::test]
async fn pages_follow_a_cursor_and_a_foreign_one_is_refused() {
    let mut session = Session::open();
    let page =
        session.ask(modern(1, "tools/list", json!({"cursor": "after:fail"}), json!({}))).await["result"]
            .clone();
    assert_eq!(page["tools"][0]["name"], "list");
    for cursor in [json!("nonsense"), json!(7)] {
        let answer = session.ask(modern(2, "tools/list", json!({"cursor": cursor}), json!({}))).await;
        assert_eq!(answer["error"]["code"], -32602);
    }
}
