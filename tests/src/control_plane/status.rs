//! Where a run stands: the shape that other programs read, the host's own tools, segments and the review point.

use super::{Clock, assert_guard, choosing, noticed, open, say, short};
use crate::support::binary::toolgate;
use crate::support::mcp::Served;
use crate::support::{TestGate, assert_word, keys};
use serde_json::{Value, json};
use toolgate::call::{Arguments, CallMeta, Outcome};
use toolgate::guard::event::Steer;
use toolgate::guard::{NextAction, Standing, Status};
use toolgate::ledger::CallState;
use toolgate::{Gate, Run, RunOptions};

const STANDING: [&str; 5] = ["status", "next_action", "reasons", "usage", "remaining"];
const USAGE: [&str; 14] = [
    "steps",
    "proposals",
    "refusals_in_a_row",
    "in_flight",
    "cost_usd",
    "tokens",
    "wall_ms",
    "fuel",
    "host_calls",
    "output_bytes",
    "hour_cost_usd",
    "day_cost_usd",
    "age_ms",
    "segment_age_ms",
];
const REMAINING: [&str; 12] = [
    "steps",
    "proposals",
    "refusals_in_a_row",
    "cost_usd",
    "tokens",
    "wall_ms",
    "fuel",
    "host_calls",
    "output_bytes",
    "hour_cost_usd",
    "day_cost_usd",
    "segment_ms",
];

/// An hour.
const SEGMENT_MS: u64 = 3_600_000;

fn host() -> TestGate {
    TestGate::new().guarded().guest(&choosing(&[]), "")
}

async fn with_goal(gate: &Gate) -> Run {
    let options = RunOptions { goal: Some("answer the tickets".to_owned()), ..RunOptions::default() };
    gate.run(options).await.expect("a run")
}

async fn ask(run: &Run, arguments: Value) -> Outcome {
    run.call("toolgate_status", arguments).await
}

fn next(standing: &Standing) -> (Status, NextAction) {
    (standing.status, standing.next_action)
}

#[tokio::test]
async fn a_status_is_one_shape_in_the_library_on_the_command_line_and_as_a_tool() {
    let test = host();
    let gate = test.open().await;
    let run = open(&gate).await;
    assert_word(&say(&run, "a").await, "completed");
    let id = run.id().to_string();
    let by_library = serde_json::to_value(run.status().await.unwrap()).unwrap();
    let mut by_tool = ask(&run, json!({})).await.output.expect("a status");
    assert_eq!((&by_tool["run"], &by_tool["checkpoint"]), (&json!(id), &Value::Null));
    for own in ["run", "checkpoint"] {
        by_tool.as_object_mut().unwrap().shift_remove(own);
    }
    let by_run_status = toolgate(&test.path(""), ["run", "status", &id, "--json"]).code(0).json();
    let by_status = toolgate(&test.path(""), ["status", &id, "--json"]).code(0).json();
    for standing in [by_library, by_tool, by_run_status, by_status] {
        assert_eq!(keys(&standing), STANDING);
        assert_eq!(keys(&standing["usage"]), USAGE);
        assert_eq!(keys(&standing["remaining"]), REMAINING);
        assert_eq!((&standing["status"], &standing["next_action"]), (&json!("safe"), &json!("continue")));
        assert_eq!((&standing["usage"]["steps"], &standing["remaining"]["steps"]), (&json!(1), &json!(19)));
        assert_eq!((&standing["reasons"], &standing["remaining"]["tokens"]), (&json!([]), &Value::Null));
    }
    let shown = toolgate(&test.path(""), ["status", &id]).code(0);
    assert!(shown.out.starts_with("safe: continue\n"), "{}", shown.out);
}

/// Through the gate; what makes it graver still is in `host/src/guard/tests/status.rs`.
#[tokio::test]
async fn a_status_grows_graver_with_what_is_used() {
    let kept = host();
    let gate = kept.open().await;
    let run = open(&gate).await;
    for n in 0..15 {
        assert_word(&say(&run, &n.to_string()).await, "completed");
    }
    assert_eq!(next(&run.status().await.unwrap()), (Status::Safe, NextAction::Continue));
    say(&run, "15").await;
    let near = run.status().await.unwrap();
    assert_eq!(next(&near), (Status::Warning, NextAction::Continue));
    assert!(near.reasons[0].contains("16 of 20"), "{:?}", near.reasons);
}

#[test]
fn any_client_can_ask_how_its_run_stands_and_end_it() {
    let test = host();
    let mut served = Served::start(&test.policy());
    served.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}));
    let listed = served.answer();
    let tools = listed["result"]["tools"].as_array().unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["guest", "toolgate_finish", "toolgate_status"]);
    assert_eq!(keys(&tools[2]["inputSchema"]["properties"]), ["report", "refresh", "tokens_used"]);

    served.call(2, "guest", &json!({"text": "a"}));
    let run = served.answer()["result"]["_meta"]["toolgate/run"].clone();
    served.call(3, "toolgate_status", &json!({}));
    let status = text_of(&served.answer());
    assert_eq!((&status["run"], &status["usage"]["steps"]), (&run, &json!(1)), "it costs no step");
    served.call(4, "toolgate_finish", &json!({"reached": true, "note": "all\u{1b}[31m answered"}));
    let finished = text_of(&served.answer());
    assert_eq!(finished, json!({"run": run, "finished": true, "reached": true}));
    served.call(5, "guest", &json!({"text": "b"}));
    let refused = served.answer();
    assert_eq!(
        (&refused["result"]["isError"], &short(&refused)["reason"]),
        (&json!(true), &json!("run_halted"))
    );
    served.call(6, "toolgate_status", &json!({}));
    assert_eq!(text_of(&served.answer())["next_action"], json!("emergency_halt"));
    assert_eq!(served.close().1, Some(0));

    let trace = test.reader().trace(run.as_str().unwrap().parse().unwrap()).unwrap().unwrap();
    let finish = &trace.steered[0];
    assert_eq!((&finish.steer, finish.by.as_str()), (&Steer::Finished { reached: true }, "agent"));
    assert_eq!(finish.note.as_deref(), Some("all answered"), "a note is cleaned");
}

/// The text of an answer, which is JSON.
#[track_caller]
fn text_of(answer: &Value) -> Value {
    let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

#[tokio::test]
async fn the_hosts_own_tools_refuse_arguments_that_do_not_fit() {
    let kept = host();
    let gate = kept.open().await;
    let run = open(&gate).await;
    for (tool, arguments) in [
        ("toolgate_status", json!({"refrehs": true})),
        ("toolgate_status", json!({"tokens_used": -1})),
        ("toolgate_finish", json!({})),
        ("toolgate_finish", json!({"reached": "yes"})),
    ] {
        assert_word(&run.call(tool, arguments).await, "invalid_arguments");
    }
    assert_word(&say(&run, "a").await, "completed");
}

#[tokio::test]
async fn a_misshapen_call_of_the_hosts_own_tools_is_a_refusal_like_any_other() {
    let test = host();
    let gate = test.open().await;
    let bad: [(Arguments, &str); 3] = [
        (json!({"bad": 1}).into(), "invalid_arguments"),
        ("{".into(), "malformed"),
        (format!("{{\"note\":\"{}\"}}", "x".repeat(5 << 20)).as_str().into(), "too_large"),
    ];
    for (arguments, reason) in bad {
        let run = open(&gate).await;
        for n in 1..=5 {
            let refused = run.call("toolgate_finish", arguments.clone()).await;
            assert_word(&refused, reason);
            assert_eq!(noticed(&refused, "This run is halted from here on"), n == 5, "{refused:#?}");
        }
        let usage = run.status().await.unwrap().usage;
        assert_eq!((usage.proposals, usage.refusals_in_a_row, test.calls(run.id()).len()), (5, 5, 5));
        let before = test.verified().events;
        for _ in 0..60 {
            assert_guard(&run.call("toolgate_finish", arguments.clone()).await, "run_halted", "course");
        }
        assert_eq!(test.verified().events, before, "nothing is written for a run that stands");
        assert_word(&say(&run, "a").await, "run_halted");
    }
}

#[tokio::test]
async fn what_an_agent_expects_of_the_hosts_own_tools_is_on_the_ledger() {
    let test = host();
    let gate = test.open().await;
    let run = open(&gate).await;
    let meta = CallMeta {
        thought: Some("all is done".to_owned()),
        expected: Some(json!({"finished": true})),
        ..CallMeta::default()
    };
    assert_word(&run.call_with("toolgate_finish", json!({"reached": true}), meta).await, "completed");
    let content = test.calls(run.id()).pop().and_then(|call| call.content).expect("its content");
    assert_eq!(
        (content.thought.as_deref(), content.expected),
        (Some("all is done"), Some(json!({"finished": true})))
    );
    assert_eq!(content.guards.get("proposals").map(|(used, _)| *used), Some(0), "{:?}", content.guards);
}

#[tokio::test]
async fn a_call_of_the_hosts_own_tools_that_a_guard_refuses_keeps_its_number() {
    let test = host().section("[run]\nbudgets = { proposals = 2 }");
    let gate = test.open().await;
    let run = open(&gate).await;
    for tokens in [1_000, 2_000] {
        assert_word(&run.call("toolgate_status", json!({ "tokens_used": tokens })).await, "completed");
    }
    let refused = run.call("toolgate_status", json!({"tokens_used": 3_000})).await;
    assert_eq!(refused.rule.as_deref(), Some("guard.proposals"), "{refused:#?}");
    let numbers: Vec<_> = test
        .calls(run.id())
        .into_iter()
        .map(|call| call.content.expect("kept").guards["proposals"])
        .collect();
    assert_eq!(numbers, [(0, 2), (1, 2), (2, 2)]);
}

#[tokio::test]
async fn a_segment_that_grew_old_is_refreshed_with_a_checkpoint_and_goes_on() {
    let test = host();
    let clock = Clock::new();
    let gate = test.open_with(clock.options()).await;
    let run = with_goal(&gate).await;
    let first = say(&run, "the first").await;
    assert_word(&first, "completed");
    clock.pass(SEGMENT_MS - 1);
    assert_word(&say(&run, "just in time").await, "completed");
    clock.pass(1);
    let refused = say(&run, "too late").await;
    assert_guard(&refused, "checkpoint_and_refresh", "segment");
    for told in [&refused.hint, &refused.operator] {
        let told = told.as_deref().expect("both are told");
        assert!(told.contains(r#"`toolgate_status` with {"refresh": true}"#), "{told}");
    }
    assert_eq!(run.status().await.unwrap().next_action, NextAction::CheckpointAndRefresh);

    let answer = ask(&run, json!({"refresh": true})).await.output.expect("a status");
    assert_eq!(answer["next_action"], json!("continue"));
    let checkpoint = &answer["checkpoint"];
    assert_eq!(keys(checkpoint), ["run", "goal", "context", "done", "done_count", "open", "last_results"]);
    assert_eq!((&checkpoint["goal"], &checkpoint["done_count"]), (&json!("answer the tickets"), &json!(2)));
    assert_eq!(checkpoint["done"][0]["call"], json!(first.call.to_string()));
    assert_eq!(checkpoint["last_results"][0]["text"], json!(r#"{"text":"the first"}"#));
    assert_eq!(checkpoint["open"], json!([]));
    assert_word(&say(&run, "afresh").await, "completed");
    assert_eq!(run.status().await.unwrap().usage.segment_age_ms, 0);
}

#[tokio::test]
async fn the_library_refreshes_a_segment_and_says_what_is_open() {
    let test = TestGate::new().guarded().guest(&choosing(&[('c', "(unreachable)")]), "");
    let clock = Clock::new();
    let gate = test.open_with(clock.options()).await;
    let run = open(&gate).await;
    assert_word(&say(&run, "crash").await, "trap");
    clock.pass(SEGMENT_MS);
    assert_word(&say(&run, "a").await, "checkpoint_and_refresh");
    let checkpoint = run.refresh().await.unwrap();
    assert_eq!(
        (&checkpoint["open"][0]["state"], &checkpoint["open"][0]["reason"]),
        (&json!("failed"), &json!("trap"))
    );
    assert_eq!((&checkpoint["done"], &checkpoint["goal"]), (&json!([]), &Value::Null));
    assert_word(&say(&run, "a").await, "completed");
}

#[tokio::test]
async fn a_refresh_before_its_time_gives_the_checkpoint_and_begins_no_segment() {
    let test = host();
    let clock = Clock::new();
    let gate = test.open_with(clock.options()).await;
    let run = open(&gate).await;
    assert_word(&say(&run, "a").await, "completed");
    clock.pass(SEGMENT_MS - 1);
    let before = test.verified().events;
    for _ in 0..60 {
        let answer = ask(&run, json!({"refresh": true})).await.output.expect("a status");
        assert_eq!(answer["checkpoint"]["done_count"], json!(1));
        assert_eq!(answer["usage"]["segment_age_ms"], json!(SEGMENT_MS - 1));
    }
    assert_eq!(test.verified().events, before, "what only reads writes nothing");
}

#[tokio::test]
async fn a_checkpoint_is_sanitized_and_what_came_from_outside_stays_in_its_envelope() {
    let test = TestGate::new().guarded().guest(&choosing(&[]), "trust = \"outside\"");
    let gate = test.open().await;
    let options = RunOptions {
        goal: Some("answer\u{202E} the tickets".to_owned()),
        context: Some(json!({"project_id": "a\u{202E}b"})),
        ..RunOptions::default()
    };
    let run = gate.run(options).await.expect("a run");
    assert_word(&say(&run, "short").await, "completed");
    let long = say(&run, &format!("b\u{202E}{}", "x".repeat(3_000))).await;
    assert_word(&long, "completed");

    let status = ask(&run, json!({"refresh": true})).await;
    assert_eq!(status.taint, ["outside"]);
    assert!(!status.text.contains('\u{202E}'), "{}", status.text);
    let checkpoint = &status.output.as_ref().expect("a status")["checkpoint"];
    assert_eq!(checkpoint["goal"], json!("answer the tickets"));
    assert_eq!(checkpoint["context"], json!({"project_id": "ab"}));
    assert_eq!(checkpoint["done"][0]["arguments"], json!(r#"{"text":"short"}"#));
    let arguments = checkpoint["done"][1]["arguments"].as_str().expect("the arguments");
    assert!(arguments.starts_with(r#"{"text":"bxxx"#) && arguments.ends_with("x…"), "{arguments}");
    assert_eq!(arguments.chars().count(), 201);

    let results = checkpoint["last_results"].as_array().expect("results");
    assert_eq!((&results[0]["cut"], &results[1]["cut"]), (&json!(false), &json!(true)));
    for result in results {
        let text = result["text"].as_str().expect("a text");
        let (opening, rest) = text.split_once('\n').expect("an opening line");
        let (_, closing) = rest.rsplit_once('\n').expect("a closing line");
        let nonce = opening.split('"').nth(1).expect("a nonce");
        assert!(opening.starts_with("<outside-data id="), "{opening}");
        assert_eq!(closing, format!("</outside-data id=\"{nonce}\">"));
    }
    assert_eq!(ask(&run, json!({})).await.taint, Vec::<String>::new());
}

#[tokio::test]
async fn a_run_that_stands_is_only_looked_at() {
    let test = host();
    let gate = test.open().await;
    for reason in ["run_paused", "run_halted", "finished"] {
        let run = open(&gate).await;
        match reason {
            "run_paused" => run.pause("lunch").await.unwrap(),
            "run_halted" => run.halt("enough").await.unwrap(),
            _ => assert_word(&run.call("toolgate_finish", json!({"reached": true})).await, "completed"),
        }
        let reason = if reason == "finished" { "run_halted" } else { reason };
        let before = test.verified().events;
        for arguments in [
            json!({"report": "x".repeat(3_000), "refresh": true}),
            json!({"report": "still at it"}),
            json!({"refresh": true}),
        ] {
            let refused = ask(&run, arguments).await;
            assert_guard(&refused, reason, "course");
            assert!(refused.text.contains("Nothing of this call was written."), "{}", refused.text);
            assert!(!refused.text.contains("lunch") && !refused.text.contains("enough"), "{}", refused.text);
        }
        assert_guard(&run.call("toolgate_finish", json!({"reached": false})).await, reason, "course");
        for arguments in [json!({}), json!({"tokens_used": 1_000})] {
            let status = ask(&run, arguments).await.output.expect("a status");
            assert_ne!(status["next_action"], json!("continue"));
        }
        assert_eq!(test.verified().events, before, "nothing is written for a run that stands");
    }
}

#[tokio::test]
async fn what_an_agent_says_of_its_run_counts_as_a_proposal_and_is_bounded_as_one() {
    let test = host().section("[run]\nbudgets = { proposals = 6 }");
    let gate = test.open().await;
    let run = open(&gate).await;
    assert_word(&say(&run, "a").await, "completed");
    let all = json!({"report": "one of two", "tokens_used": 50});
    let answer = ask(&run, all).await.output.expect("a status");
    assert_eq!(answer["usage"]["proposals"], json!(2), "one call is one proposal, whatever it says");
    let again = ask(&run, json!({"tokens_used": 50})).await.output.expect("a status");
    assert_eq!((&again["usage"]["proposals"], &again["usage"]["steps"]), (&json!(2), &json!(1)));
    assert_eq!(test.calls(run.id()).len(), 2, "tokens that are known already are not written again");

    let reports = (0..20).map(|n| {
        let run = run.clone();
        tokio::spawn(async move { ask(&run, json!({ "report": n.to_string() })).await })
    });
    let mut taken = 0;
    for report in reports.collect::<Vec<_>>() {
        taken += usize::from(report.await.expect("no panic").status == toolgate::call::Status::Completed);
    }
    assert_eq!(taken, 4);
    let trace = test.reader().trace(run.id()).unwrap().unwrap();
    let reported = trace.steered.iter().filter(|one| one.steer == Steer::Reported).count();
    assert_eq!(reported, 5);
    assert_eq!(run.status().await.unwrap().next_action, NextAction::EmergencyHalt);
    assert_guard(&ask(&run, json!({"report": "more"})).await, "run_halted", "course");
    assert_word(&say(&run, "b").await, "run_halted");
    test.verified();
}

#[tokio::test]
async fn a_run_without_a_proposal_left_can_still_be_finished() {
    let test = host().section("[run]\nbudgets = { proposals = 1 }");
    let gate = test.open().await;
    let run = open(&gate).await;
    assert_word(&say(&run, "a").await, "completed");
    assert_word(&run.call("toolgate_finish", json!({"reached": true})).await, "completed");
    let own = test.calls(run.id()).pop().expect("its call is on the ledger");
    assert_eq!((own.tool.as_str(), own.state), ("toolgate_finish", CallState::Completed));
}

#[tokio::test]
async fn a_run_with_a_goal_is_paused_for_a_person_at_half_of_a_budget() {
    let kept = host().section("[run]\nbudgets = { steps = 4 }");
    let gate = kept.open().await;
    let run = with_goal(&gate).await;
    for text in ["a", "b"] {
        assert_word(&say(&run, text).await, "completed");
    }
    assert_eq!(run.status().await.unwrap().next_action, NextAction::WakeEngineer);
    assert_guard(&say(&run, "c").await, "run_paused", "review");
    assert_guard(&say(&run, "c").await, "run_paused", "course");
    run.resume().await.unwrap();
    for text in ["c", "d"] {
        assert_word(&say(&run, text).await, "completed");
    }
    assert_word(&say(&run, "e").await, "budget_exhausted");
}

#[tokio::test]
async fn a_run_that_reported_before_half_of_a_budget_is_not_paused() {
    let test = host().section("[run]\nbudgets = { steps = 4 }");
    let gate = test.open().await;
    let run = with_goal(&gate).await;
    assert_word(&say(&run, "a").await, "completed");
    assert_word(&ask(&run, json!({"report": "two\u{1b}[31m of four are answered"})).await, "completed");
    for text in ["b", "c", "d"] {
        assert_word(&say(&run, text).await, "completed");
    }
    let trace = test.reader().trace(run.id()).unwrap().unwrap();
    assert_eq!(trace.steered[0].steer, Steer::Reported);
    assert_eq!(trace.steered[0].note.as_deref(), Some("two of four are answered"));
}

#[tokio::test]
async fn a_run_without_a_goal_or_a_review_is_never_paused_for_one() {
    let steps = "budgets = { steps = 4 }";
    for (section, goal) in
        [(format!("[run]\n{steps}"), false), (format!("[run]\nreview = false\n{steps}"), true)]
    {
        let kept = host().section(&section);
        let gate = kept.open().await;
        let run = if goal { with_goal(&gate).await } else { open(&gate).await };
        for text in ["a", "b", "c", "d"] {
            assert_word(&say(&run, text).await, "completed");
        }
    }
}
