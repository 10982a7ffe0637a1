//! Repetition: notice, then refusal, then halt; what is the same, what is not, and what never counts.

use super::{Clock, NOT_FOUND, assert_guard, choosing, fails, noticed, open, say, short};
use crate::support::mcp::Served;
use crate::support::{Guest, TestGate, assert_word};
use serde_json::{Value, json};
use toolgate::Run;

fn host() -> TestGate {
    TestGate::new().guarded().guest(&choosing(&[]), "")
}

/// Makes calls that all run, and gives which of them brought a notice.
async fn noticed_in(run: &Run, texts: &[&str]) -> Vec<bool> {
    let mut noticed = Vec::new();
    for text in texts {
        let outcome = say(run, text).await;
        assert_word(&outcome, "completed");
        noticed.push(!outcome.notices.is_empty());
    }
    noticed
}

#[tokio::test]
async fn the_same_call_brings_a_notice_then_refusals_then_a_halt() {
    let test = host();
    let gate = test.open().await;
    let run = open(&gate).await;
    assert_eq!(say(&run, "a").await.notices, Vec::<String>::new());
    let second = say(&run, "a").await;
    assert_word(&second, "completed");
    assert!(noticed(&second, "the same call 2 times in a row"), "{:?}", second.notices);
    for _ in 0..3 {
        let refused = say(&run, "a").await;
        assert_guard(&refused, "repetition", "repetition");
        assert!(refused.hint.is_some(), "it says what to change");
    }
    assert_guard(&say(&run, "b").await, "run_halted", "course");
    let trace = test.reader().trace(run.id()).unwrap().unwrap();
    assert_eq!(trace.steered[0].by, "guard:repetition");
    run.resume().await.unwrap();
    assert_eq!(say(&run, "a").await.notices, Vec::<String>::new(), "a person has looked");
}

#[test]
fn the_operator_of_a_server_is_told_once_that_a_guard_halted_a_run() {
    let test = host();
    let (policy, log) = (test.policy(), test.path("operator.log"));
    let mut served = Served::start_logging(&policy, &log);
    let ended: Vec<Value> = (1..=8)
        .map(|id| {
            served.call(id, "guest", &json!({"text": "a"}));
            let answer = served.answer();
            match &short(&answer)["reason"] {
                Value::Null => short(&answer)["status"].clone(),
                reason => reason.clone(),
            }
        })
        .collect();
    let (run, repeated, halted) = (json!("completed"), json!("repetition"), json!("run_halted"));
    assert_eq!(
        ended.iter().collect::<Vec<_>>(),
        [&run, &run, &repeated, &repeated, &repeated, &halted, &halted, &halted]
    );
    assert_eq!(served.close().1, Some(0));
    let told = std::fs::read_to_string(log).unwrap();
    let halts: Vec<_> = told.lines().filter(|line| line.contains("a guard halted the run")).collect();
    assert_eq!(halts.len(), 1, "{told}");
    let run = test.reader().runs().unwrap()[0].run.to_string();
    assert!(halts[0].contains("ERROR") && halts[0].contains(&run), "{told}");
}

#[tokio::test]
async fn an_agent_that_heeds_the_refusal_goes_on() {
    let kept = host();
    let gate = kept.open().await;
    let run = open(&gate).await;
    noticed_in(&run, &["a", "a"]).await;
    assert_word(&say(&run, "a").await, "repetition");
    assert_eq!(noticed_in(&run, &["b", "a", "c", "d"]).await, [false; 4]);
}

#[tokio::test]
async fn one_runs_calls_repeat_no_other_runs() {
    let kept = host();
    let gate = kept.open().await;
    for _ in 0..4 {
        assert_eq!(noticed_in(&open(&gate).await, &["a"]).await, [false]);
    }
}

#[tokio::test]
async fn a_policy_can_allow_repeats() {
    let kept = host().section("[run]\nrepetition = false");
    let gate = kept.open().await;
    assert_eq!(noticed_in(&open(&gate).await, &["a"; 10]).await, [false; 10]);
}

/// A tool with a text, a number and a set.
fn with_a_set() -> Guest {
    let schema = json!({
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "n": {"type": "number"},
            "set": {"type": "array", "items": {"type": "string"}, "uniqueItems": true},
            "list": {"type": "array", "items": {"type": "string"}},
        },
        "additionalProperties": false,
    });
    choosing(&[]).define(|definition| definition.input = schema.to_string())
}

#[tokio::test]
async fn what_makes_no_difference_to_a_call_makes_none_to_its_repeat() {
    let kept = TestGate::new().guarded().guest(&with_a_set(), "");
    let gate = kept.open().await;
    let run = open(&gate).await;
    let ask = |arguments: Value| run.call("guest", arguments);
    assert_word(&ask(json!({"text": "Blue  sky", "n": 1, "set": ["a", "b"]})).await, "completed");
    let second = ask(json!({"n": 1.0, "text": " blue\nSKY ", "set": ["B", "a"]})).await;
    assert_word(&second, "completed");
    assert!(noticed(&second, "nearly the same call 2 times"), "{:?}", second.notices);
    let third = ask(json!({"set": ["b", "A"], "text": "BLUE SKY", "n": 1})).await;
    assert_guard(&third, "repetition", "repetition");
}

#[tokio::test]
async fn other_words_another_type_or_another_order_of_a_list_are_another_call() {
    let kept = TestGate::new().guarded().guest(&with_a_set(), "");
    let gate = kept.open().await;
    let run = open(&gate).await;
    for arguments in [
        json!({"text": "a b"}),
        json!({"text": "ab"}),
        json!({"text": "1"}),
        json!({"n": 1}),
        json!({"n": 1.5}),
        json!({"list": ["a", "b"]}),
        json!({"list": ["b", "a"]}),
        json!({}),
    ] {
        let outcome = run.call("guest", arguments).await;
        assert_word(&outcome, "completed");
        assert_eq!(outcome.notices, Vec::<String>::new(), "{outcome:#?}");
    }
}

#[tokio::test]
async fn a_cycle_is_noticed_when_it_is_complete_again_and_then_refused() {
    for cycle in [vec!["a", "b"], vec!["a", "b", "c"], vec!["a", "b", "c", "d"]] {
        let kept = host();
        let gate = kept.open().await;
        let run = open(&gate).await;
        let twice: Vec<&str> = cycle.iter().chain(&cycle).copied().collect();
        let mut expected = vec![false; twice.len()];
        *expected.last_mut().unwrap() = true;
        assert_eq!(noticed_in(&run, &twice).await, expected, "{cycle:?}");
        assert_guard(&say(&run, "a").await, "repetition", "repetition");
    }
}

#[tokio::test]
async fn a_call_that_keeps_giving_the_same_result_is_noticed_whatever_lies_between() {
    let kept = host();
    let gate = kept.open().await;
    let run = open(&gate).await;
    assert_eq!(noticed_in(&run, &["a", "b", "a", "c", "d", "a"]).await, [false; 6]);
    assert_eq!(noticed_in(&run, &["e", "a"]).await, [false, true]);
    noticed_in(&run, &["f", "g"]).await;
    assert_guard(&say(&run, "a").await, "repetition", "repetition");
}

#[tokio::test]
async fn errors_in_a_row_are_noticed_whatever_was_asked_and_then_their_tool_is_refused() {
    let missing = fails(NOT_FOUND, false);
    let spare = choosing(&[]).define(|definition| definition.name = "spare".to_owned()).build();
    let test =
        TestGate::new().guarded().guest(&choosing(&[('f', missing.as_str())]), "").tool("spare", &spare, "");
    let gate = test.open().await;
    let run = open(&gate).await;
    for n in 0..5 {
        let failed = say(&run, &format!("f{n}")).await;
        assert_word(&failed, "tool_error");
        assert!(!noticed(&failed, "all failed"), "{:?}", failed.notices);
    }
    let sixth = say(&run, "f5").await;
    assert_word(&sixth, "tool_error");
    assert!(noticed(&sixth, "The last 5 calls all failed."), "{:?}", sixth.notices);
    assert_guard(&say(&run, "f6").await, "repetition", "repetition");
    assert_word(&run.call("spare", json!({})).await, "completed");
    assert_word(&say(&run, "good").await, "completed");
}

#[tokio::test]
async fn recorded_answers_never_count() {
    let kept = TestGate::new().guarded().guest(&choosing(&[]), "effect = \"once\"");
    let gate = kept.open().await;
    let run = open(&gate).await;
    assert!(!say(&run, "a").await.recorded);
    for _ in 0..10 {
        let again = say(&run, "a").await;
        assert_word(&again, "completed");
        assert!(again.recorded, "{again:#?}");
    }
    assert_word(&say(&run, "b").await, "completed");
    assert_eq!(run.status().await.unwrap().usage.steps, 2);
}

/// The interval of the polling tool, in milliseconds.
const POLL_MS: u64 = 10_000;

fn polling() -> TestGate {
    TestGate::new().guarded().guest(&Guest::answering(r#"{"state":"pending"}"#), "poll = \"10s\"")
}

#[tokio::test]
async fn a_polling_tool_may_be_asked_again_once_its_interval_has_passed() {
    let clock = Clock::new();
    let kept = polling();
    let gate = kept.open_with(clock.options()).await;
    let run = open(&gate).await;
    for _ in 0..3 {
        let outcome = say(&run, "job 7").await;
        assert_word(&outcome, "completed");
        assert_eq!(outcome.notices, Vec::<String>::new());
        clock.pass(POLL_MS - 1);
        let early = say(&run, "job 7").await;
        assert_guard(&early, "rate_limited", "poll");
        assert_eq!(early.retry_after_ms, Some(1));
        clock.pass(1);
    }
    assert_word(&say(&run, "job 8").await, "completed");
}

#[tokio::test]
async fn a_polled_state_that_does_not_change_is_asked_for_less_and_less_often() {
    let clock = Clock::new();
    let kept = polling();
    let gate = kept.open_with(clock.options()).await;
    let run = open(&gate).await;
    for _ in 0..3 {
        assert_word(&say(&run, "job 7").await, "completed");
        clock.pass(POLL_MS);
    }
    let fourth = say(&run, "job 7").await;
    assert_word(&fourth, "completed");
    assert!(noticed(&fourth, "has not changed in 3 answers"), "{:?}", fourth.notices);
    for interval_ms in [2 * POLL_MS, 4 * POLL_MS] {
        clock.pass(POLL_MS);
        let refused = say(&run, "job 7").await;
        assert_guard(&refused, "repetition", "repetition");
        assert_eq!(refused.retry_after_ms, Some(interval_ms - POLL_MS));
        clock.pass(interval_ms - POLL_MS);
        let outcome = say(&run, "job 7").await;
        assert_word(&outcome, "completed");
        assert!(noticed(&outcome, "has not changed"), "{:?}", outcome.notices);
    }
}
