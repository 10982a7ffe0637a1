//! Counts: steps, proposals and refusals in a row; who wins a race for the last one, and what a restart forgets.

use super::{SLEEPS, assert_guard, choosing, noticed, open, say, short};
use crate::support::mcp::Served;
use crate::support::{TestGate, assert_word, call, word};
use serde_json::{Value, json};
use toolgate::call::{Arguments, CallMeta, Outcome, RunId};
use toolgate::guard::{NextAction, Status};
use toolgate::{Gate, Run, RunOptions};

fn host() -> TestGate {
    TestGate::new().guarded().guest(&choosing(&[]), "")
}

/// A run that all of the policy's processes share.
fn shared(lines: &str) -> TestGate {
    host().section(&format!("[run]\nfrom = \"name\"\nname = \"shared\"\n{lines}"))
}

/// One call in the policy's own run.
async fn own(gate: &Gate, text: &str) -> Outcome {
    call(gate, "guest", &json!({"text": text}).to_string()).await
}

#[tokio::test]
async fn the_21st_call_is_refused_with_what_was_obtained_and_from_80_percent_on_results_say_to_wrap_up() {
    let kept = host();
    let gate = kept.open().await;
    let run = open(&gate).await;
    for n in 1..=20 {
        let outcome = say(&run, &n.to_string()).await;
        assert_word(&outcome, "completed");
        assert_eq!(noticed(&outcome, "Wrap up"), n >= 16, "call {n}: {:?}", outcome.notices);
    }
    let refused = say(&run, "21").await;
    assert_guard(&refused, "budget_exhausted", "steps");
    assert!(refused.text.contains("20 of 20 calls"), "{}", refused.text);
    assert!(noticed(&refused, "What this run has so far: {"), "{:?}", refused.notices);
    let checkpoint = refused.output.expect("what the run has obtained");
    assert_eq!((&checkpoint["run"], &checkpoint["done_count"]), (&json!(run.id()), &json!(20)));
    assert_eq!((checkpoint["done"].as_array().map(Vec::len), &checkpoint["open"]), (Some(20), &json!([])));
    let last = checkpoint["last_results"].as_array().and_then(|results| results.last());
    assert_eq!(last.map(|last| &last["text"]), Some(&json!(r#"{"text":"20"}"#)), "{checkpoint}");
    assert!(refused.operator.is_some_and(|text| text.contains("run.budgets.steps is 20")));
    assert_eq!(run.status().await.unwrap().usage.steps, 20);
}

#[tokio::test]
async fn a_failed_call_is_a_step_and_a_refused_one_is_not() {
    let test = TestGate::new().guarded().guest(&choosing(&[('c', "(unreachable)")]), "");
    let gate = test.open().await;
    let run = open(&gate).await;
    assert_word(&say(&run, "crash").await, "trap");
    assert_word(&run.call("guest", json!({"txt": "a"})).await, "invalid_arguments");
    let usage = run.status().await.unwrap().usage;
    assert_eq!((usage.steps, usage.proposals), (1, 2));
}

const RACE: &str = "refusals_in_a_row = 1000\nbudgets = { steps = 20, proposals = 1000 }";

#[tokio::test(flavor = "multi_thread")]
async fn fifty_calls_that_race_for_the_last_step_get_it_once() {
    let kept = shared(RACE);
    let gate = kept.open().await;
    let run = open(&gate).await;
    for n in 0..19 {
        assert_word(&say(&run, &n.to_string()).await, "completed");
    }
    let racers: Vec<_> = (0..50)
        .map(|n| {
            let run = run.clone();
            tokio::spawn(async move { say(&run, &format!("racer {n}")).await })
        })
        .collect();
    let mut words = Vec::new();
    for racer in racers {
        words.push(word(&racer.await.unwrap()));
    }
    words.sort_unstable();
    let mut expected = vec!["budget_exhausted"; 49];
    expected.push("completed");
    assert_eq!(words, expected);
    assert_eq!(run.status().await.unwrap().usage.steps, 20);
}

#[test]
fn fifty_calls_of_two_processes_that_race_for_the_last_step_get_it_once() {
    let test = shared(RACE);
    let policy = test.policy();
    let mut servers = [Served::start(&policy), Served::start(&policy)];
    for n in 0..19 {
        servers[0].call(n, "guest", &json!({"text": n.to_string()}));
        assert_eq!(short(&servers[0].answer())["status"], json!("completed"));
    }
    for n in 0..25 {
        for (at, served) in servers.iter_mut().enumerate() {
            served.call(100 + n, "guest", &json!({"text": format!("racer {n} of {at}")}));
        }
    }
    let mut completed = 0;
    for served in &mut servers {
        for _ in 0..25 {
            let answer = served.answer();
            match &short(&answer)["reason"] {
                Value::Null => completed += 1,
                reason => assert_eq!(*reason, json!("budget_exhausted"), "{answer}"),
            }
        }
    }
    assert_eq!(completed, 1);
    let runs = test.reader().runs().unwrap();
    assert_eq!((runs.len(), runs[0].completed), (1, 20));
    test.verified();
}

#[tokio::test]
async fn five_refusals_in_a_row_halt_the_run_until_a_person_continues_it() {
    let test = host();
    let gate = test.open().await;
    let run = open(&gate).await;
    let wrong = || run.call("guest", json!({"nope": 1}));
    for _ in 0..4 {
        assert_word(&wrong().await, "invalid_arguments");
    }
    assert_word(&say(&run, "a").await, "completed");
    for _ in 0..5 {
        assert_word(&wrong().await, "invalid_arguments");
    }
    assert_word(&say(&run, "b").await, "run_halted");
    let standing = run.status().await.unwrap();
    assert_eq!((standing.status, standing.next_action), (Status::Critical, NextAction::EmergencyHalt));
    let trace = test.reader().trace(run.id()).unwrap().unwrap();
    assert_eq!(trace.steered[0].by, "guard:refusals_in_a_row");
    run.resume().await.unwrap();
    assert_word(&say(&run, "b").await, "completed");
}

/// A rule that denies what begins with "no".
const DENIES: &str =
    "[[tools.guest.rule]]\nid = \"no\"\nwhen = [{ pointer = \"/text\", matches = \"^no\" }]\nthen = \"deny\"";

#[tokio::test]
async fn the_refusal_that_halts_a_run_says_so_and_every_one_after_it_is_run_halted() {
    let test = TestGate::new().guarded().guest(&choosing(&[]), DENIES);
    let gate = test.open().await;
    let calls: [(&str, Arguments, &str); 4] = [
        ("guest", json!({"text": "no"}).into(), "denied_by_policy"),
        ("guest", json!({"text": 1}).into(), "invalid_arguments"),
        ("gust", json!({}).into(), "unknown_tool"),
        ("guest", "{".into(), "malformed"),
    ];
    for (tool, arguments, reason) in calls {
        let run = open(&gate).await;
        for n in 1..=5 {
            let refused = run.call(tool, arguments.clone()).await;
            assert_word(&refused, reason);
            assert_eq!(noticed(&refused, "This run is halted from here on"), n == 5, "{n}: {refused:#?}");
            assert_eq!(noticed(&refused, "Stop."), n == 5, "{n}: {:?}", refused.notices);
        }
        for _ in 0..2 {
            let refused = run.call(tool, arguments.clone()).await;
            assert_guard(&refused, "run_halted", "course");
            assert!(refused.hint.as_ref().is_some_and(|hint| hint.starts_with("Stop.")), "{refused:#?}");
            let call = test.calls(run.id()).pop().expect("it is on the ledger");
            assert_eq!((call.call, call.reason.as_deref()), (refused.call, Some("run_halted")));
        }
        run.resume().await.unwrap();
        assert_word(&run.call(tool, arguments).await, reason);
    }
}

#[tokio::test]
async fn what_is_denied_in_a_run_whose_parent_was_halted_or_that_is_finished_is_run_halted() {
    let test = TestGate::new().guarded().guest(&choosing(&[]), DENIES);
    let gate = test.open().await;
    let parent = open(&gate).await;
    let child = parent.child(RunOptions::default()).await.unwrap();
    parent.halt("enough").await.unwrap();
    let refused = say(&child, "no").await;
    assert_guard(&refused, "run_halted", "course");
    assert!(refused.text.contains("A run that this run is part of was halted."), "{}", refused.text);
    let over = open(&gate).await;
    over.finish(true, None).await.unwrap();
    assert_guard(&say(&over, "no").await, "run_halted", "course");
    let paused = open(&gate).await;
    paused.pause("lunch").await.unwrap();
    assert_word(&say(&paused, "no").await, "denied_by_policy");
}

#[tokio::test]
async fn a_halted_run_that_has_had_its_proposals_makes_the_ledger_grow_no_more() {
    let test =
        TestGate::new().guarded().section("[run]\nbudgets = { proposals = 8 }").guest(&choosing(&[]), DENIES);
    let gate = test.open().await;
    let run = open(&gate).await;
    for _ in 0..8 {
        say(&run, "no").await;
    }
    let before = test.verified().events;
    for text in ["no", "yes"].repeat(10) {
        assert_guard(&say(&run, text).await, "run_halted", "course");
    }
    assert_eq!(test.verified().events, before);
    assert_eq!(test.calls(run.id()).len(), 8);
}

#[test]
fn a_client_reads_that_its_run_is_halted_also_where_the_tool_is_unknown() {
    let test = host();
    let mut served = Served::start(&test.policy());
    for id in 1..=5 {
        served.call(id, "gust", &json!({}));
        let answer = served.answer();
        let message = answer["error"]["message"].as_str().unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(message.contains("This run is halted from here on"), id == 5, "{message}");
    }
    served.call(6, "gust", &json!({}));
    assert_eq!(short(&served.answer())["reason"], json!("run_halted"));
}

#[tokio::test]
async fn every_kind_of_refusal_that_an_agent_brings_about_counts_in_a_row() {
    let test = TestGate::new().guarded().guest(&choosing(&[]), DENIES);
    let gate = test.open().await;
    let run = open(&gate).await;
    assert_word(&say(&run, "no").await, "denied_by_policy");
    assert_word(&run.call("gust", json!({})).await, "unknown_tool");
    assert_word(&run.call("guest", "{").await, "malformed");
    assert_word(&run.call("guest", json!({"text": 1})).await, "invalid_arguments");
    let meta = CallMeta { thought: Some("x".repeat(20_000)), ..CallMeta::default() };
    assert_word(&run.call_with("guest", json!({}), meta).await, "too_large");
    assert_word(&say(&run, "a").await, "run_halted");
}

#[tokio::test]
async fn a_run_ends_with_its_proposals_whether_they_run_or_not() {
    let section = "[run]\nrefusals_in_a_row = 1000\nbudgets = { proposals = 6 }";
    let test = host().section(section);
    let gate = test.open().await;
    let halted_by = |run: &Run| {
        let trace = test.reader().trace(run.id()).unwrap().unwrap();
        trace.steered.into_iter().map(|steered| steered.by).collect::<Vec<_>>()
    };
    let run = open(&gate).await;
    for n in 0..3 {
        assert_word(&say(&run, &n.to_string()).await, "completed");
        assert_word(&run.call("guest", json!({"nope": n})).await, "invalid_arguments");
    }
    assert_guard(&say(&run, "a").await, "budget_exhausted", "proposals");
    assert_guard(&say(&run, "a").await, "run_halted", "course");
    assert_eq!(halted_by(&run), ["guard:proposals"]);

    let run = open(&gate).await;
    for n in 0..7 {
        assert_word(&run.call("guest", json!({"nope": n})).await, "invalid_arguments");
    }
    assert_guard(&say(&run, "a").await, "run_halted", "course");
    assert_eq!(halted_by(&run), ["guard:proposals"]);
}

#[tokio::test]
async fn a_restart_forgets_nothing_whether_the_host_closes_or_falls() {
    for closes in [true, false] {
        let test = shared("budgets = { steps = 5 }");
        for at in 0..5 {
            let gate = test.open().await;
            assert_word(&own(&gate, &at.to_string()).await, "completed");
            if closes {
                gate.close().await.unwrap();
            }
        }
        let gate = test.open().await;
        assert_guard(&own(&gate, "a").await, "budget_exhausted", "steps");
        assert_eq!(test.reader().runs().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn refusals_in_a_row_are_counted_over_restarts() {
    let test = shared("");
    for _ in 0..5 {
        let gate = test.open().await;
        assert_word(&call(&gate, "guest", r#"{"nope":1}"#).await, "invalid_arguments");
    }
    assert_word(&own(&test.open().await, "a").await, "run_halted");
}

#[tokio::test]
async fn what_a_killed_process_held_stays_spent() {
    let guest = choosing(&[('s', SLEEPS)]).with_sleep();
    let policy = "charge = \"0.20\"\nlimits.deadline = \"1h\"\nlimits.call_deadline = \"1h\"";
    let test = TestGate::new().guarded().guest(&guest, policy);
    let mut served = Served::start(&test.policy());
    served.call(1, "guest", &json!({"text": "sleep"}));
    test.until_started().await;
    served.kill();
    let id: RunId = test.reader().runs().unwrap()[0].run;

    let gate = test.open().await;
    let run = gate.resume(id).await.unwrap().expect("a run");
    let usage = run.status().await.unwrap().usage;
    assert_eq!((usage.steps, usage.in_flight, usage.cost_usd), (1, 0, 0.2));
    assert_word(&say(&run, "a").await, "completed");
}
