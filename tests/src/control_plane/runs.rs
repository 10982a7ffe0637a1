//! Runs: opened, paused, continued, halted, finished, by the library and by the command line, and nested.

use super::{assert_guard, choosing, open, say, short};
use crate::support::binary::toolgate;
use crate::support::mcp::Served;
use crate::support::{TestGate, assert_word};
use serde_json::{Value, json};
use std::path::Path;
use toolgate::call::{CallMeta, Outcome, RunId, Status};
use toolgate::guard::event::Steer;
use toolgate::ledger::LedgerError;
use toolgate::{GateError, Run, RunOptions};

fn host() -> TestGate {
    TestGate::new().guarded().guest(&choosing(&[]), "")
}

const FIVE_STEPS: &str = "[run]\nbudgets = { steps = 5 }";

#[tokio::test]
async fn a_run_is_paused_continued_halted_and_finished() {
    let test = host();
    let gate = test.open().await;
    let run = open(&gate).await;
    assert_word(&say(&run, "a").await, "completed");
    run.pause("lunch").await.unwrap();
    let paused = say(&run, "b").await;
    assert_guard(&paused, "run_paused", "course");
    assert_eq!((paused.status, paused.attempts), (Status::Refused, 0));
    assert!(!paused.text.contains("lunch"), "what a person wrote is for persons: {}", paused.text);
    assert!(paused.operator.as_ref().is_some_and(|text| text.contains("lunch")), "{paused:#?}");
    run.resume().await.unwrap();
    assert_word(&say(&run, "b").await, "completed");
    run.halt("enough").await.unwrap();
    assert_guard(&say(&run, "c").await, "run_halted", "course");
    run.resume().await.unwrap();
    assert_word(&say(&run, "c").await, "completed");
    run.finish(true, Some("all answered".to_owned())).await.unwrap();
    assert_guard(&say(&run, "d").await, "run_halted", "course");
    run.resume().await.unwrap();
    assert_word(&say(&run, "d").await, "run_halted");

    let trace = test.reader().trace(run.id()).unwrap().unwrap();
    let steered: Vec<Steer> = trace.steered.iter().map(|one| one.steer.clone()).collect();
    let expected = [
        Steer::Paused("lunch".to_owned()),
        Steer::Continued,
        Steer::Halted("enough".to_owned()),
        Steer::Continued,
        Steer::Finished { reached: true },
        Steer::Continued,
    ];
    assert_eq!(steered, expected);
    assert!(trace.steered.iter().all(|one| one.by == "embedder"), "{:#?}", trace.steered);
    assert_eq!(trace.steered[4].note.as_deref(), Some("all answered"));
    test.verified();
}

#[tokio::test]
async fn a_pause_of_one_run_is_none_of_another() {
    let test = host();
    let gate = test.open().await;
    let (one, other) = (open(&gate).await, open(&gate).await);
    one.pause("").await.unwrap();
    assert_word(&say(&one, "a").await, "run_paused");
    assert_word(&say(&other, "a").await, "completed");
}

#[tokio::test]
async fn the_command_line_steers_a_run_of_another_process_from_its_next_call_on() {
    let test = host();
    let gate = test.open().await;
    let run = open(&gate).await;
    let id = run.id().to_string();
    let turn = |word: &str| toolgate(&test.path(""), ["run", word, &id, "--why", "so", "--json"]);
    assert_word(&say(&run, "a").await, "completed");
    for (word, done, then) in [
        ("pause", "paused", "run_paused"),
        ("resume", "resumed", "completed"),
        ("halt", "halted", "run_halted"),
        ("resume", "resumed", "completed"),
        ("finish", "finished", "run_halted"),
    ] {
        assert_eq!(turn(word).code(0).json(), json!({"run": id, "done": done}));
        let text = format!("after {word} came {then} of {}", test.calls(run.id()).len());
        assert_word(&say(&run, &text).await, then);
    }
    let trace = test.reader().trace(run.id()).unwrap().unwrap();
    assert!(trace.steered.iter().all(|one| one.by == "operator"), "{:#?}", trace.steered);
    assert_eq!(trace.steered[0].steer, Steer::Paused("so".to_owned()));
    for word in ["resume", "pause", "halt"] {
        assert_eq!(turn(word).code(3).json(), json!({"run": id, "done": null, "course": "finished"}));
    }
    let halted = open(&gate).await.id().to_string();
    toolgate(&test.path(""), ["run", "halt", &halted]).code(0);
    let ran = toolgate(&test.path(""), ["run", "pause", &halted]).code(3);
    assert_eq!(ran.out, format!("{halted} is halted, so it was not paused\n"));
    let given_up = open(&gate).await.id().to_string();
    toolgate(&test.path(""), ["run", "finish", &given_up, "--gave-up"]).code(0);
    let trace = test.reader().trace(given_up.parse().unwrap()).unwrap().unwrap();
    assert_eq!(trace.steered[0].steer, Steer::Finished { reached: false });
}

#[tokio::test]
async fn who_resumes_a_run_that_stops_again_is_told_why_and_which_line_decides() {
    let test = host().section("[run]\nbudgets = { proposals = 2 }");
    let gate = test.open().await;
    let run = open(&gate).await;
    for (text, word) in
        [("a", "completed"), ("b", "completed"), ("c", "budget_exhausted"), ("d", "run_halted")]
    {
        assert_word(&say(&run, text).await, word);
    }
    let halted = say(&run, "e").await;
    assert!(halted.operator.is_some_and(|text| text.contains("once run.budgets.proposals allows it")));

    let id = run.id().to_string();
    let resumed = toolgate(&test.path(""), ["run", "resume", &id, "--json"]).code(0).json();
    assert_eq!((&resumed["done"], &resumed["next_action"]), (&json!("resumed"), &json!("emergency_halt")));
    assert_eq!(resumed["reasons"], json!(["The run has used 3 of 2 suggested calls."]));
    assert_eq!(resumed["lines"], json!(["run.budgets.proposals is 2 suggested calls"]));
    let said = toolgate(&test.path(""), ["run", "resume", &id]).code(0);
    let expected = format!(
        "{id} is resumed, and yet: stopped: no call of it will run\n  The run has used 3 of 2 suggested calls.\n  \
         run.budgets.proposals is 2 suggested calls\n"
    );
    assert_eq!(said.out, expected);
    assert_guard(&say(&run, "f").await, "budget_exhausted", "proposals");
    assert_guard(&say(&run, "g").await, "run_halted", "course");
}

/// `toolgate run start …`; gives the run's id.
fn started(folder: &Path, more: &[&str]) -> String {
    let args = ["run", "start", "--json"].into_iter().chain(more.iter().copied());
    toolgate(folder, args).code(0).json()["run"].as_str().expect("an id").to_owned()
}

#[test]
fn a_run_is_started_named_and_listed_on_the_command_line() {
    let test = host();
    test.policy();
    let folder = test.path("");
    let start = |more: &[&str]| started(&folder, more);
    let goal = ["--name", "nightly", "--goal", "sort the mail", "--context", r#"{"project_id":7}"#];
    let run = start(&goal);
    assert_eq!(start(&["--name", "nightly"]), run, "a named run is found again");
    assert_ne!(start(&[]), run);
    let child = start(&["--parent", &run]);

    let args = ["call", "guest", r#"{"text":"a"}"#, "--run", &run, "--json"];
    assert_eq!(toolgate(&folder, args).code(0).json()["run"], json!(run));
    let runs = toolgate(&folder, ["run", "list", "--json"]).code(0).json();
    let named = runs.as_array().unwrap().iter().find(|one| one["run"] == json!(run)).expect("it is listed");
    assert_eq!((&named["name"], &named["completed"]), (&json!("nightly"), &json!(1)));
    let trace = toolgate(&folder, ["trace", &run, "--json"]).code(0).json();
    assert_eq!((&trace["goal"], &trace["context"]), (&json!("sort the mail"), &json!({"project_id": 7})));
    let trace = toolgate(&folder, ["trace", &child, "--json"]).code(0).json();
    assert_eq!(trace["parent"], json!(run));
}

#[test]
fn a_run_that_does_not_exist_cannot_be_steered_and_a_context_is_an_object() {
    let test = host();
    test.policy();
    let folder = test.path("");
    let nobody = format!("run_{}", "0".repeat(32));
    toolgate(&folder, ["run", "start"]).code(0);
    for word in ["pause", "resume", "halt", "finish", "status"] {
        let ran = toolgate(&folder, ["run", word, &nobody]).code(2);
        assert!(ran.err.contains("toolgate runs"), "{}", ran.err);
        toolgate(&folder, ["run", word, "nonsense"]).code(2);
    }
    toolgate(&folder, ["run", "start", "--context", "[1]"]).code(2);
}

#[tokio::test]
async fn a_run_resumed_by_its_id_after_its_process_died_keeps_its_counters() {
    let test = host().section(FIVE_STEPS);
    let mut served = Served::start(&test.policy());
    let mut run = Value::Null;
    for n in 0..3 {
        served.call(n, "guest", &json!({"text": n.to_string()}));
        let answer = served.answer();
        assert_eq!(short(&answer)["status"], json!("completed"), "{answer}");
        run = answer["result"]["_meta"]["toolgate/run"].clone();
    }
    served.kill();

    let gate = test.open().await;
    let id: RunId = run.as_str().unwrap().parse().unwrap();
    let run = gate.resume(id).await.unwrap().expect("it outlives its process");
    assert_eq!((run.id(), run.status().await.unwrap().usage.steps), (id, 3));
    for text in ["a", "b"] {
        assert_word(&say(&run, text).await, "completed");
    }
    assert_guard(&say(&run, "c").await, "budget_exhausted", "steps");
}

#[tokio::test]
async fn only_a_run_of_the_same_principal_can_be_resumed() {
    let test = host();
    let gate = test.open().await;
    let run = open(&gate).await;
    assert!(gate.resume(run.id()).await.unwrap().is_some());
    assert!(gate.resume(RunId::new(1, [0; 10])).await.unwrap().is_none());
    let theirs = host().host(&format!("principal = \"them\"\nledger = {:?}", test.ledger()));
    assert!(theirs.open().await.resume(run.id()).await.unwrap().is_none());
}

#[tokio::test]
async fn what_a_child_spends_counts_against_every_ancestor() {
    let kept = host().section(FIVE_STEPS);
    let gate = kept.open().await;
    let parent = open(&gate).await;
    let child = parent.child(RunOptions::default()).await.unwrap();
    let grandchild = child.child(RunOptions::default()).await.unwrap();
    for (run, text) in [(&parent, "a"), (&child, "b"), (&child, "c"), (&grandchild, "d"), (&grandchild, "e")]
    {
        assert_word(&say(run, text).await, "completed");
    }
    let mut used = Vec::new();
    for run in [&parent, &child, &grandchild] {
        let standing = run.status().await.unwrap();
        used.push((standing.usage.steps, standing.remaining.steps));
    }
    assert_eq!(used, [(5, 0), (4, 0), (2, 0)]);
    let refused = say(&grandchild, "f").await;
    assert_guard(&refused, "budget_exhausted", "steps");
    assert!(refused.text.contains("this run is part of"), "{}", refused.text);
    assert_word(&say(&parent, "g").await, "budget_exhausted");
}

#[tokio::test]
async fn a_child_stands_still_with_its_parent_and_not_the_other_way_round() {
    let kept = host();
    let gate = kept.open().await;
    let parent = open(&gate).await;
    let child = parent.child(RunOptions::default()).await.unwrap();
    parent.pause("").await.unwrap();
    assert_word(&say(&child, "a").await, "run_paused");
    parent.resume().await.unwrap();
    parent.halt("").await.unwrap();
    assert_word(&say(&child, "a").await, "run_halted");
    parent.resume().await.unwrap();
    child.halt("").await.unwrap();
    assert_word(&say(&child, "a").await, "run_halted");
    assert_word(&say(&parent, "a").await, "completed");
}

/// A run without a parent, and as many below each other as are asked for.
async fn nested(top: Run, below: usize) -> Run {
    let mut run = top;
    for _ in 0..below {
        run = run.child(RunOptions::default()).await.unwrap();
    }
    run
}

#[tokio::test]
async fn runs_nest_five_deep_and_no_deeper_unless_the_policy_says_otherwise() {
    for (section, deepest) in [("", 5), ("[run]\ndepth = 2", 2)] {
        let kept = host().section(section);
        let gate = kept.open().await;
        let run = nested(open(&gate).await, deepest - 1).await;
        assert_word(&say(&run, "a").await, "completed");
        let deeper = nested(run, 1).await;
        assert_guard(&say(&deeper, "b").await, "depth_exceeded", "depth");
    }
}

#[tokio::test]
async fn a_run_has_no_parent_that_does_not_exist_or_is_somebody_elses() {
    let test = host();
    let gate = test.open().await;
    let below = |parent: RunId| RunOptions { parent: Some(parent), ..RunOptions::default() };
    let kept = host().host(&format!("principal = \"them\"\nledger = {:?}", test.ledger()));
    let theirs = kept.open().await;
    let stranger = open(&theirs).await.id();
    for parent in [RunId::new(1, [0; 10]), stranger] {
        let refused = gate.run(below(parent)).await.err();
        assert!(matches!(refused, Some(GateError::Ledger(LedgerError::UnknownRun(_)))), "{refused:?}");
    }
}

const CONTEXT: &str =
    "[run]\nrequired_context = [\"project_id\", \"user_id\", \"budget_limit\", \"task_priority\"]";

fn whole_context() -> Value {
    json!({"project_id": 7, "user_id": "u1", "budget_limit": "0.50", "task_priority": "low"})
}

async fn with_context(run: &Run, text: &str, context: Option<Value>) -> Outcome {
    let meta = CallMeta { context, ..CallMeta::default() };
    run.call_with("guest", json!({"text": text}), meta).await
}

#[tokio::test]
async fn a_call_without_a_required_context_key_is_refused_and_told_which() {
    let kept = host().section(CONTEXT);
    let gate = kept.open().await;
    let mut partial = whole_context();
    partial["user_id"] = Value::Null;
    let all = "project_id, user_id, budget_limit, task_priority";
    for (context, missing) in [
        (None, "project_id"),
        (Some(json!({})), "project_id"),
        (Some(json!("project_id")), "project_id"),
        (Some(json!({"project_id": 7})), "user_id"),
        (Some(partial), "user_id"),
    ] {
        let run = open(&gate).await;
        let refused = with_context(&run, "a", context).await;
        assert_word(&refused, "missing_context");
        assert!(refused.text.contains(missing), "{}", refused.text);
        assert!(refused.hint.as_ref().is_some_and(|hint| hint.contains(all)), "{refused:#?}");
        assert_word(&with_context(&run, "a", Some(whole_context())).await, "completed");
    }
}

#[tokio::test]
async fn the_context_of_a_run_is_that_of_its_calls_and_children() {
    let kept = host().section(CONTEXT);
    let gate = kept.open().await;
    let options = RunOptions { context: Some(whole_context()), ..RunOptions::default() };
    let run = gate.run(options).await.unwrap();
    assert_word(&say(&run, "a").await, "completed");
    let child = run.child(RunOptions::default()).await.unwrap();
    assert_word(&say(&child, "b").await, "completed");
}

#[tokio::test]
async fn the_context_of_a_run_is_that_of_its_calls_also_after_it_is_resumed() {
    let test = host().section(CONTEXT);
    let gate = test.open().await;
    let options = RunOptions { context: Some(whole_context()), ..RunOptions::default() };
    let id = gate.run(options).await.unwrap().id();
    gate.close().await.unwrap();
    let gate = test.open().await;
    let run = gate.resume(id).await.unwrap().expect("a run");
    assert_word(&say(&run, "a").await, "completed");
}

#[test]
fn a_client_that_names_no_run_has_the_context_of_the_one_that_it_is_given() {
    let test = host().section(&format!("{CONTEXT}\nfrom = \"name\"\nname = \"desk\""));
    test.policy();
    let (folder, context) = (test.path(""), whole_context().to_string());
    let call = ["call", "guest", r#"{"text":"a"}"#, "--json"];
    let started =
        toolgate(&folder, ["run", "start", "--name", "desk", "--context", &context, "--json"]).code(0).json();
    let called = toolgate(&folder, call).code(0).json();
    assert_eq!((&called["status"], &called["run"]), (&json!("completed"), &started["run"]));
    let mut served = Served::start(&test.policy());
    served.call(1, "guest", &json!({"text": "b"}));
    assert_eq!(short(&served.answer())["status"], json!("completed"));

    let other = host().section(&format!("{CONTEXT}\nfrom = \"name\"\nname = \"desk\""));
    other.policy();
    assert_eq!(toolgate(&other.path(""), call).code(3).json()["reason"], json!("missing_context"));
}

#[test]
fn a_run_that_is_started_below_another_has_its_context_unless_it_has_its_own() {
    let test = host();
    test.policy();
    let folder = test.path("");
    let start = |more: &[&str]| started(&folder, more);
    let context = |run: &str| toolgate(&folder, ["trace", run, "--json"]).code(0).json()["context"].clone();
    let parent = start(&["--context", r#"{"project_id":7}"#]);
    let child = start(&["--parent", &parent]);
    assert_eq!(context(&child), json!({"project_id": 7}));
    assert_eq!(context(&start(&["--parent", &child])), json!({"project_id": 7}));
    let own = start(&["--parent", &parent, "--context", r#"{"user_id":1}"#]);
    assert_eq!(context(&own), json!({"user_id": 1}));
}

#[test]
fn what_is_asked_of_a_named_run_otherwise_than_it_is_is_refused_and_never_dropped() {
    let test = host();
    test.policy();
    let folder = test.path("");
    let start = |more: &[&str]| {
        let args = ["run", "start", "--name", "desk", "--json"].into_iter().chain(more.iter().copied());
        toolgate(&folder, args)
    };
    let parent = toolgate(&folder, ["run", "start", "--json"]).code(0).json()["run"].clone();
    let parent = parent.as_str().expect("an id");
    let same = ["--goal", "sort the mail", "--context", r#"{"project_id":7}"#, "--parent", parent];
    let run = start(&same).code(0).json()["run"].clone();
    assert_eq!(start(&same).code(0).json()["run"], run);
    assert_eq!(start(&[]).code(0).json()["run"], run);
    let id = run.as_str().expect("an id");
    let others = [("--goal", "another"), ("--context", r#"{"project_id":8}"#), ("--parent", id)];
    for (option, value) in others {
        let refused = start(&[option, value]).code(2);
        assert!(refused.err.contains(option) && refused.err.contains(id), "{}", refused.err);
        assert!(refused.out.is_empty(), "{}", refused.out);
    }
}

#[test]
fn a_client_sends_the_context_in_meta() {
    let test = host().section(CONTEXT);
    let mut served = Served::start(&test.policy());
    served.call(1, "guest", &json!({"text": "a"}));
    assert_eq!(short(&served.answer())["reason"], json!("missing_context"));
    let meta = json!({"toolgate/context": whole_context()});
    let params = json!({"name": "guest", "arguments": {"text": "a"}, "_meta": meta});
    served.send(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}));
    assert_eq!(short(&served.answer())["status"], json!("completed"));
}
