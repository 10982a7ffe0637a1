//! Approval by the client's own person, through the real program: asked in an `input_required` result, answered in the
//! retry (2026-07-28, "Multi Round-Trip Requests").
//!
//! Invariant of the tests: what ran is what the ledger says has completed.

use super::{choosing, ran, short};
use crate::support::TestGate;
use crate::support::binary::toolgate;
use crate::support::mcp::Served;
use serde_json::{Value, json};
use toolgate::ledger::ApprovalRow;

/// A person decides, and the client's may.
const ASKS: &str = "verdict = \"ask\"\napproval = { client = true }";

fn host(section: &str, policy: &str) -> TestGate {
    TestGate::new().section(section).guest(&choosing(&[]), policy)
}

fn forms() -> Value {
    json!({"elicitation": {}})
}

/// A client of 2026-07-28: every request says what the client can do.
struct Client {
    served: Served,
    capabilities: Value,
    id: u64,
}

impl Client {
    fn start(test: &TestGate, capabilities: Value) -> Self {
        Self { served: Served::start(&test.policy()), capabilities, id: 0 }
    }

    /// Sends a call with this text; `more` goes beside its arguments.
    fn send(&mut self, text: &str, more: &Value) {
        self.id += 1;
        let mut params = json!({"name": "guest", "arguments": {"text": text}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": self.capabilities,
        }});
        for (key, value) in more.as_object().expect("an object") {
            params[key] = value.clone();
        }
        let id = self.id;
        self.served.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}));
    }

    fn call(&mut self, text: &str, more: &Value) -> Value {
        self.send(text, more);
        self.served.answer()
    }

    /// A call that a person is asked about.
    #[track_caller]
    fn asked(&mut self, text: &str) -> Value {
        let answer = self.call(text, &json!({}));
        assert_question(&answer);
        answer
    }
}

#[track_caller]
fn assert_question(answer: &Value) {
    assert_eq!(answer["result"]["resultType"], "input_required", "{answer}");
    assert_eq!(short(answer)["reason"], "needs_approval", "{answer}");
}

/// The old answer: an error for the model, with the approval's id for a person.
#[track_caller]
fn assert_refused(answer: &Value) {
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    assert_eq!(short(answer)["reason"], "needs_approval", "{answer}");
    assert!(approval(answer).starts_with("apr_"), "{answer}");
}

fn approval(answer: &Value) -> &str {
    short(answer)["approval"].as_str().unwrap_or_default()
}

/// The retry of a question with this answer.
fn reply(asked: &Value, response: Value) -> Value {
    json!({"requestState": asked["result"]["requestState"], "inputResponses": {"approval": response}})
}

fn yes(asked: &Value) -> Value {
    reply(asked, json!({"action": "accept", "content": {"allow": true}}))
}

fn approvals(test: &TestGate, state: &str) -> Vec<ApprovalRow> {
    let mut rows = test.reader().approvals(true, 0).expect("a readable ledger");
    rows.retain(|row| row.state == state);
    rows
}

#[test]
fn a_yes_runs_the_call_once_and_the_same_yes_again_only_asks_again() {
    let test = host("", ASKS);
    let mut client = Client::start(&test, forms());
    let asked = client.asked("a");
    let form = &asked["result"]["inputRequests"]["approval"]["params"];
    let message = form["message"].as_str().unwrap();
    assert!(message.contains("`guest`") && message.contains(r#"{"text":"a"}"#), "{message}");
    assert_eq!(form["requestedSchema"]["properties"]["allow"]["type"], "boolean");
    assert_eq!(ran(&test), 0);

    let done = client.call("a", &yes(&asked));
    assert_eq!(done["result"]["structuredContent"], json!({"text": "a"}), "{done}");
    let used = approvals(&test, "used");
    assert_eq!(
        (used.len(), used[0].id.as_str(), used[0].by.as_deref()),
        (1, approval(&asked), Some("client"))
    );

    let again = client.call("a", &yes(&asked));
    assert_question(&again);
    assert_ne!(approval(&again), approval(&asked));
    assert_eq!(ran(&test), 1);
    test.verified();
}

#[test]
fn one_yes_sent_twice_at_once_runs_the_call_once() {
    let test = host("", ASKS);
    let mut client = Client::start(&test, forms());
    for round in 0..20 {
        let text = format!("round {round}");
        let more = yes(&client.asked(&text));
        client.send(&text, &more);
        client.send(&text, &more);
        let answers = [client.served.answer(), client.served.answer()];
        let asks = answers.iter().filter(|answer| answer["result"]["resultType"] == "input_required").count();
        assert_eq!((asks, ran(&test)), (1, round + 1), "{answers:#?}");
    }
}

#[test]
fn a_no_is_a_no_until_it_expires() {
    let test = host("", ASKS);
    let mut client = Client::start(&test, forms());
    for (text, response) in [
        ("a", json!({"action": "decline"})),
        ("b", json!({"action": "cancel"})),
        ("c", json!({"action": "accept", "content": {"allow": false}})),
    ] {
        let asked = client.asked(text);
        for more in [reply(&asked, response), json!({}), yes(&asked)] {
            let answer = client.call(text, &more);
            assert_refused(&answer);
            assert_eq!(approval(&answer), approval(&asked));
            assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("said no"), "{answer}");
        }
    }
    assert_eq!((approvals(&test, "denied").len(), ran(&test)), (3, 0));
}

#[test]
fn what_does_not_answer_the_question_is_asked_again() {
    let test = host("", ASKS);
    let mut client = Client::start(&test, forms());
    let asked = client.asked("a");
    let other = client.asked("b");
    let state = asked["result"]["requestState"].as_str().unwrap();
    let accepts = json!({"action": "accept", "content": {"allow": true}});
    let tampered = format!("{}{}", &state[..state.len() - 1], if state.ends_with('0') { '1' } else { '0' });
    for more in [
        json!({"requestState": tampered, "inputResponses": {"approval": accepts}}),
        json!({"requestState": approval(&asked), "inputResponses": {"approval": accepts}}),
        json!({"inputResponses": {"approval": accepts}}),
        json!({"requestState": state}),
        json!({"requestState": state, "inputResponses": {"else": accepts}}),
        reply(&asked, json!({"action": "accept"})),
        reply(&asked, json!({"action": "accept", "content": {"allow": "yes"}})),
        yes(&other),
    ] {
        let answer = client.call("a", &more);
        assert_question(&answer);
        assert_eq!(approval(&answer), approval(&asked), "{more}");
    }
    for more in [json!({"requestState": 7}), json!({"requestState": state, "inputResponses": []})] {
        assert_eq!(client.call("a", &more)["error"]["code"], -32602, "{more}");
    }
    let no = reply(&other, json!({"action": "decline"}));
    assert_eq!(client.call("a", &no)["error"]["code"], -32602, "a no to another question lets nothing run");
    assert_eq!((approvals(&test, "asked").len(), ran(&test)), (2, 0));
    assert_eq!(client.call("a", &yes(&asked))["result"]["structuredContent"], json!({"text": "a"}));
    assert_eq!(ran(&test), 1);
}

#[test]
fn after_a_restart_the_person_is_asked_anew_about_the_same_approval() {
    let test = host("", ASKS);
    let mut client = Client::start(&test, forms());
    let asked = client.asked("a");
    client.served.close();
    let mut client = Client::start(&test, forms());
    let anew = client.call("a", &yes(&asked));
    assert_question(&anew);
    assert_eq!((approval(&anew), ran(&test)), (approval(&asked), 0));
    assert_eq!(client.call("a", &yes(&anew))["result"]["structuredContent"], json!({"text": "a"}));
    assert_eq!(ran(&test), 1);
}

#[test]
fn a_no_of_the_clients_person_stops_its_call_also_when_an_operator_said_yes() {
    let test = host("", ASKS);
    let mut client = Client::start(&test, forms());
    let asked = client.asked("a");
    toolgate(&test.path(""), ["approve", approval(&asked)]).code(0);
    let answer = client.call("a", &reply(&asked, json!({"action": "decline"})));
    assert_eq!((&answer["error"]["code"], ran(&test)), (&json!(-32602), 0), "{answer}");
    // The operator's yes still stands, for a call that nobody says no to.
    assert_eq!(client.call("a", &json!({}))["result"]["structuredContent"], json!({"text": "a"}));
}

#[test]
fn without_the_policys_word_the_clients_form_or_a_readable_call_it_is_the_operator_who_answers() {
    let key = format!("[escalation]\napprover_key = \"{}\"", "ab".repeat(32));
    for (section, policy, capabilities, text) in [
        ("", ASKS, json!({}), "a"),
        ("", ASKS, json!({"elicitation": {"url": {}}}), "a"),
        ("", "verdict = \"ask\"", forms(), "a"),
        ("", "verdict = \"ask\"\napproval = { client = false }", forms(), "a"),
        (key.as_str(), ASKS, forms(), "a"),
        ("", ASKS, forms(), "reversed \u{202e}txet"),
    ] {
        let test = host(section, policy);
        let mut client = Client::start(&test, capabilities);
        let answer = client.call(text, &json!({}));
        assert_refused(&answer);
        let state = format!("{}.{}.{}", approval(&answer), u64::MAX, "00".repeat(32));
        let forged = json!({"requestState": state, "inputResponses": yes(&answer)["inputResponses"]});
        assert_refused(&client.call(text, &forged));
        assert_eq!((approvals(&test, "asked").len(), ran(&test)), (1, 0), "{policy}");
    }
}

#[test]
fn an_older_client_gets_the_approvals_id() {
    let test = host("", ASKS);
    let mut served = Served::start(&test.policy());
    served.call(1, "guest", &json!({"text": "a"}));
    let answer = served.answer();
    assert_refused(&answer);
    assert_eq!(answer["result"].get("resultType"), None);
}
