//! What counts as a question, and what as its answer.

use super::*;
use crate::call::{CallId, CallMeta, Usage};
use proptest::prelude::*;
use serde_json::json;

const NOW_MS: u64 = 1_800_000_000_000;
const APPROVAL: &str = "apr_0011223344556677";

fn raw(text: &str) -> &RawValue {
    serde_json::from_str(text).unwrap()
}

fn suggestion(run: Option<&str>, tool: &str, arguments: Value) -> Suggestion {
    Suggestion {
        run: run.map(str::to_owned),
        tool: tool.to_owned(),
        arguments: Arguments::Parsed(arguments),
        meta: CallMeta::default(),
    }
}

fn matter(run: Option<&str>, tool: &str, arguments: Value) -> Matter {
    Matter::of(&suggestion(run, tool, arguments)).unwrap()
}

fn refund() -> Matter {
    matter(None, "refund", json!({"order": 7, "amount": 12}))
}

fn outcome(retry_after_ms: Option<u64>) -> Outcome {
    let outcome = json!({"call": CallId::new(1, [2; 10]), "tool": "refund", "status": "refused",
        "reason": "needs_approval", "approval": APPROVAL, "retry_after_ms": retry_after_ms, "text": "t",
        "findings": [], "taint": [], "notices": [], "recorded": false, "attempts": 0, "usage": Usage::default()});
    serde_json::from_value(outcome).unwrap()
}

fn yes(state: &str) -> Reply {
    Reply { state: state.to_owned(), allows: true }
}

#[test]
fn a_client_shows_forms_when_it_says_so_or_names_no_mode() {
    for (text, shows) in [
        ("{}", false),
        (r#"{"elicitation":{}}"#, true),
        (r#"{"elicitation":{"form":{}},"sampling":{}}"#, true),
        (r#"{"elicitation":{"form":{"schemaValidation":true},"url":{}}}"#, true),
        (r#"{"elicitation":{"url":{}}}"#, false),
        (r#"{"elicitation":null}"#, false),
        (r#"{"elicitation":true}"#, false),
    ] {
        assert_eq!(shows_forms(raw(text)), shows, "{text}");
    }
}

#[test]
fn only_an_accepted_form_that_says_so_is_a_yes() {
    for (response, allows) in [
        (r#"{"action":"accept","content":{"allow":true}}"#, Some(true)),
        (r#"{"action":"accept","content":{"allow":false}}"#, Some(false)),
        (r#"{"action":"decline","content":{"allow":true}}"#, Some(false)),
        (r#"{"action":"cancel"}"#, Some(false)),
        (r#"{"action":"accept"}"#, None),
        (r#"{"action":"accept","content":{}}"#, None),
        (r#"{"action":"accept","content":{"allow":"true"}}"#, None),
        (r#"{"action":"maybe","content":{"allow":true}}"#, None),
        (r#"{"content":{"allow":true}}"#, None),
        ("true", None),
    ] {
        let responses = format!(r#"{{"other":7,"approval":{response}}}"#);
        let reply = Reply::read(Some(raw("\"s\"")), Some(raw(&responses))).unwrap();
        assert_eq!(reply.map(|reply| reply.allows), allows, "{response}");
    }
    assert_eq!(Reply::read(Some(raw("\"s\"")), Some(raw("{}"))), Ok(None));
    assert_eq!(Reply::read(Some(raw("\"s\"")), None), Ok(None));
    assert_eq!(Reply::read(Some(raw("7")), None), Err("`requestState` must be a string"));
    assert_eq!(Reply::read(None, Some(raw("[]"))), Err("`inputResponses` must be an object"));
}

#[test]
fn a_question_shows_the_tool_and_all_arguments_and_asks_for_one_word() {
    let asked = Questions::new([1; 32]).ask(&refund(), &outcome(Some(5)), NOW_MS, &MetaObject::new());
    let asked = serde_json::to_value(asked.unwrap()).unwrap();
    assert_eq!(asked["resultType"], "input_required");
    let request = &asked["inputRequests"][REQUEST];
    assert_eq!(
        (&request["method"], &request["params"]["mode"]),
        (&json!("elicitation/create"), &json!("form"))
    );
    let message = request["params"]["message"].as_str().unwrap();
    assert!(message.contains("`refund`") && message.ends_with(r#" {"order":7,"amount":12}"#), "{message}");
    let schema = &request["params"]["requestedSchema"];
    assert_eq!((&schema["type"], &schema["required"]), (&json!("object"), &json!([FIELD])));
    assert_eq!(schema["properties"][FIELD]["type"], "boolean");
    assert_eq!(asked["_meta"]["toolgate/outcome"]["approval"], APPROVAL);
}

#[test]
fn nobody_is_asked_about_a_call_that_does_not_wait() {
    let ask = |outcome| Questions::new([1; 32]).ask(&refund(), &outcome, NOW_MS, &MetaObject::new());
    assert!(ask(outcome(None)).is_none(), "a person has said no");
    let other = Outcome { reason: Some(Denial::Conflict.into()), ..outcome(Some(5)) };
    assert!(ask(other).is_none());
}

#[test]
fn nobody_is_asked_about_what_they_cannot_see() {
    let of = |text: &str| Matter::of(&suggestion(None, "refund", json!({"note": text})));
    assert!(of("plain, naïve and 日本語").is_some());
    assert!(of("escaped \u{1b}[8m and\nlines are visible in JSON").is_some());
    assert!(of("reversed \u{202e}txet").is_none());
    assert!(of("a\u{e0041}\u{e0042}").is_none(), "tag characters");
    assert!(of(&"a".repeat(SHOWN_CHARS_MAX)).is_none());
    let raw =
        Suggestion { arguments: Arguments::Raw(b"{}".to_vec()), ..suggestion(None, "refund", json!({})) };
    assert!(Matter::of(&raw).is_none());
}

#[test]
fn an_answer_counts_for_its_own_request_in_its_own_time_alone() {
    let questions = Questions::new([1; 32]);
    let state = questions.seal(&refund(), APPROVAL, NOW_MS).unwrap();
    let answered = |matter: &Matter, now_ms| questions.answered(matter, &yes(&state), now_ms);
    assert_eq!(answered(&refund(), NOW_MS).as_deref(), Some(APPROVAL));
    assert_eq!(answered(&refund(), NOW_MS + 1), None, "too old");
    let again = matter(None, "refund", json!({"amount": 12.0, "order": 7}));
    assert_eq!(answered(&again, NOW_MS).as_deref(), Some(APPROVAL), "the same arguments, otherwise written");
    for other in [
        matter(None, "refund", json!({"order": 7, "amount": 120})),
        matter(None, "refun", json!({"order": 7, "amount": 12})),
        matter(Some("run_1"), "refund", json!({"order": 7, "amount": 12})),
    ] {
        assert_eq!(answered(&other, NOW_MS), None, "{other:?}");
    }
    assert_eq!(Questions::new([2; 32]).answered(&refund(), &yes(&state), NOW_MS), None, "another process");
}

#[test]
fn a_state_that_was_changed_anywhere_is_none() {
    let questions = Questions::new([1; 32]);
    let state = questions.seal(&refund(), APPROVAL, NOW_MS).unwrap();
    for at in 0..state.len() {
        let mut changed = state.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(questions.answered(&refund(), &yes(&changed), 0), None, "{changed}");
        let cut: String = state.chars().take(at).collect();
        assert_eq!(questions.answered(&refund(), &yes(&cut), 0), None, "{cut}");
    }
}

proptest! {
    #[test]
    fn no_made_up_state_is_ours(state in "\\PC{0,40}|apr_[0-9a-f]{16}\\.[0-9]{1,21}\\.([0-9a-f]{62,66})?") {
        prop_assert_eq!(Questions::new([1; 32]).answered(&refund(), &yes(&state), 0), None);
    }
}
