//! The kill switch, thrown by the real program in a process of its own: what runs ends, what comes is refused.
//!
//! Not here: hosts that do not answer, races and broken databases (`host/src/control/tests`). Invariant of the tests: a
//! guest tells the host that it runs before anything is killed, and each report counts one call into the host.

use super::{SLEEPS, SPINS, UNAVAILABLE, alone, choosing, noticed, open, say, short};
use crate::support::binary::toolgate;
use crate::support::mcp::Served;
use crate::support::{PATIENCE, TestGate, assert_word, suggest, until, word};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::task::JoinHandle;
use toolgate::call::{Outcome, RunId, Status, Suggestion};
use toolgate::ledger::CallState;
use toolgate::{Gate, Progress, ProgressSink, RunOptions};

/// A guest's code: it tells the host that it runs.
const REPORTS: &str =
    "(call $progress (f64.const 1) (i32.const 0) (f64.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";

/// Nothing but a switch ends a call.
const ENDLESS: &str = "limits.fuel = \"1000G\"\nlimits.deadline = \"1h\"\nlimits.call_deadline = \"1h\"\nretry = { base = \"1ms\" }";

/// Tools `guest` and `spare`, whose text says what they do: `s…` reports and sleeps, `l…` reports and loops, `r…` reports
/// in a loop, `w…` reports and is down for two seconds, anything else works.
pub(super) fn host(policy: &str) -> TestGate {
    let (sleeps, loops) = (format!("{REPORTS} {SLEEPS}"), format!("{REPORTS} {SPINS}"));
    let reports = format!("(loop $again {REPORTS} (br $again)) (unreachable)");
    let down = format!(
        "{REPORTS} (call $fail_later (i32.const {UNAVAILABLE}) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 2000))"
    );
    let cases =
        [('s', sleeps.as_str()), ('l', loops.as_str()), ('r', reports.as_str()), ('w', down.as_str())];
    let guest = choosing(&cases).with_sleep().with_call_context();
    let spare = guest.clone().define(|definition| definition.name = "spare".to_owned()).build();
    let policy = format!("{ENDLESS}\n{policy}");
    TestGate::new().guest(&guest, &policy).tool("spare", &spare, &policy)
}

/// A call on its way, and how often its guest has reported.
pub(super) struct Call {
    outcome: JoinHandle<Outcome>,
    reports: Arc<AtomicU64>,
}

impl Call {
    fn reported(&self) -> u64 {
        self.reports.load(Ordering::SeqCst)
    }

    /// Whether it has its outcome already.
    pub(super) fn has_ended(&self) -> bool {
        self.outcome.is_finished()
    }

    /// How it ended.
    pub(super) async fn outcome(self) -> Outcome {
        self.outcome.await.expect("the call has an outcome")
    }
}

/// Sends a call of the tool `guest`.
fn send(gate: &Gate, run: RunId, text: &str) -> Call {
    let reports = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&reports);
    let sink: ProgressSink = Arc::new(move |_: Progress| {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let arguments = json!({ "text": text }).to_string();
    let suggestion = Suggestion { run: Some(run.to_string()), ..suggest("guest", &arguments) };
    let gate = gate.clone();
    let outcome = tokio::spawn(async move { gate.call(suggestion, Some(sink)).await });
    Call { outcome, reports }
}

/// The same, once its guest runs.
pub(super) async fn running(gate: &Gate, run: RunId, text: &str) -> Call {
    let call = send(gate, run, text);
    until("the guest runs", || call.reported() > 0).await;
    call
}

/// Kills from another process, waits until every host has answered, and gives what the operator is told.
pub(super) fn kill(test: &TestGate, target: &[&str]) -> Value {
    let args = ["kill", "--wait", "60s", "--json"].into_iter().chain(target.iter().copied());
    let report = toolgate(&test.path(""), args).code(0).json();
    assert_eq!(report["all_stopped"], json!(true), "{report}");
    report
}

/// Lifts a switch from another process.
fn unkill(test: &TestGate, target: &[&str]) -> Value {
    let args = ["unkill", "--json"].into_iter().chain(target.iter().copied());
    toolgate(&test.path(""), args).code(0).json()
}

/// Waits until a host that runs lets calls in again.
async fn let_in(gate: &Gate) {
    let started = Instant::now();
    while word(&alone(gate, "again").await) == "killed" {
        assert!(started.elapsed() < PATIENCE, "the switch was lifted, and nothing is let in");
        tokio::task::yield_now().await;
    }
    assert_word(&alone(gate, "again").await, "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_a_tool_or_everything_is_stopped_and_stays_so_until_the_switch_is_lifted() {
    for (kind, text) in [("run", "sleeps"), ("tool", "loops"), ("all", "reports")] {
        let test = host("");
        let gate = test.open().await;
        let run = open(&gate).await;
        let id = run.id().to_string();
        let target = match kind {
            "run" => vec![id.as_str()],
            "tool" => vec!["--tool", "guest"],
            _ => vec!["--all"],
        };
        let call = running(&gate, run.id(), text).await;
        let report = kill(&test, &target);
        assert_eq!((&report["target"]["kind"], &report["stopped"]), (&json!(kind), &json!(1)), "{report}");
        assert_eq!(report["hosts"].as_array().map(Vec::len), Some(1), "{report}");
        assert_eq!(report["hosts"][0]["answer"], json!({"state": "acknowledged", "stopped": 1}));

        let stopped = call.outcome().await;
        assert_word(&stopped, "killed");
        assert_eq!((stopped.status, stopped.attempts), (Status::Failed, 1));
        assert_eq!(test.state(stopped.call), Some(CallState::Failed));
        let refused = say(&run, "a").await;
        assert_word(&refused, "killed");
        assert_eq!((refused.status, refused.attempts), (Status::Refused, 0));

        assert_eq!(unkill(&test, &target)["lifted"]["target"]["kind"], json!(kind));
        let gate = test.open().await;
        let run = gate.resume(run.id()).await.unwrap().expect("a run");
        assert_word(&say(&run, "a").await, "completed");
        assert_eq!(unkill(&test, &target)["lifted"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_guest_instruction_runs_after_the_acknowledgement() {
    let test = host("");
    let gate = test.open().await;
    for _ in 0..5 {
        let run = open(&gate).await;
        let call = running(&gate, run.id(), "reports").await;
        assert_eq!(kill(&test, &["--all"])["stopped"], json!(1));
        let (reports, acknowledged) = (Arc::clone(&call.reports), call.reported());
        let stopped = call.outcome().await;
        assert_word(&stopped, "killed");
        unkill(&test, &["--all"]);
        let_in(&gate).await;
        assert_eq!(
            reports.load(Ordering::SeqCst),
            acknowledged,
            "it went on after it was said to have ended"
        );
        assert_eq!(stopped.usage.host_calls, acknowledged);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tool_and_another_run_are_left_alone() {
    let test = host("");
    let gate = test.open().await;
    let (run, other) = (open(&gate).await, open(&gate).await);
    let call = running(&gate, run.id(), "sleeps").await;
    let other_id = other.id().to_string();
    for target in [vec!["--tool", "spare"], vec![other_id.as_str()]] {
        assert_eq!(kill(&test, &target)["stopped"], json!(0));
    }
    assert!(!call.has_ended());
    assert_word(&say(&run, "a").await, "completed");
    assert_word(&say(&other, "a").await, "killed");
    assert_word(&run.call("spare", json!({"text": "a"})).await, "killed");
    let id = run.id().to_string();
    assert_eq!(kill(&test, &[id.as_str()])["stopped"], json!(1));
    assert_word(&call.outcome().await, "killed");
}

#[tokio::test]
async fn a_switch_holds_for_hosts_that_open_later_until_it_is_lifted() {
    let test = host("");
    test.policy();
    assert_eq!(kill(&test, &["--all"])["hosts"], json!([]));
    for _ in 0..2 {
        let gate = test.open().await;
        assert_word(&alone(&gate, "a").await, "killed");
        gate.close().await.unwrap();
    }
    let args = ["call", "guest", r#"{"text":"a"}"#, "--json"];
    assert_eq!(toolgate(&test.path(""), args).code(3).json()["reason"], json!("killed"));
    let listed = toolgate(&test.path(""), ["switches", "--json"]).code(0).json();
    assert_eq!(listed["switches"][0]["target"], json!({"kind": "all"}));
    assert_eq!(kill(&test, &["--all"])["was_on"], json!(true));

    let gate = test.open().await;
    assert_word(&alone(&gate, "a").await, "killed");
    unkill(&test, &["--all"]);
    let_in(&gate).await;
    assert_word(&alone(&test.open().await, "a").await, "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_a_slot_never_runs() {
    let test = host("").host("concurrency = 1");
    let gate = test.open().await;
    let run = open(&gate).await;
    let first = running(&gate, run.id(), "loops").await;
    let second = send(&gate, run.id(), "sleeps");
    let started = || test.calls(run.id()).iter().filter(|call| call.state == CallState::Started).count();
    until("the second call waits", || started() == 2).await;
    kill(&test, &["--tool", "guest"]);
    assert_word(&first.outcome().await, "killed");
    let reports = Arc::clone(&second.reports);
    assert_word(&second.outcome().await, "killed");
    assert_eq!(reports.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_pauses_between_attempts_makes_no_more() {
    let test = host("");
    let gate = test.open().await;
    let run = open(&gate).await;
    let call = running(&gate, run.id(), "waits").await;
    kill(&test, &["--all"]);
    let (reports, acknowledged) = (Arc::clone(&call.reports), call.reported());
    assert_word(&call.outcome().await, "killed");
    assert_eq!(reports.load(Ordering::SeqCst), acknowledged);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_call_of_a_once_tool_did_is_in_doubt() {
    let test = host("effect = \"once\"");
    let gate = test.open().await;
    let run = open(&gate).await;
    let call = running(&gate, run.id(), "sleeps").await;
    kill(&test, &["--tool", "guest"]);
    let stopped = call.outcome().await;
    assert_word(&stopped, "killed");
    assert!(noticed(&stopped, "may have happened"), "{:?}", stopped.notices);
    assert_eq!(test.state(stopped.call), Some(CallState::InDoubt));

    unkill(&test, &["--tool", "guest"]);
    let gate = test.open().await;
    let run = gate.resume(run.id()).await.unwrap().expect("a run");
    assert_word(&say(&run, "sleeps").await, "in_doubt");
}

#[tokio::test]
async fn why_is_for_the_operator_and_not_for_the_agent() {
    let test = host("");
    test.policy();
    let report = kill(&test, &["--tool", "guest", "--why", "see the incident of today"]);
    assert_eq!(report["why"], json!("see the incident of today"));
    let refused = alone(&test.open().await, "a").await;
    assert_word(&refused, "killed");
    let hint = refused.hint.as_deref().unwrap_or_default();
    assert!(!refused.text.contains("incident") && !hint.contains("incident"), "{refused:#?}");
    assert!(refused.operator.as_ref().is_some_and(|text| text.contains("incident")), "{refused:#?}");
}

#[test]
fn a_tool_that_the_policy_does_not_have_cannot_be_killed_by_mistake() {
    let test = host("");
    test.policy();
    let refused = toolgate(&test.path(""), ["kill", "--tool", "gest"]).code(2);
    assert!(refused.err.contains("did you mean `guest`?"), "{}", refused.err);
}

#[tokio::test]
async fn a_run_that_the_ledger_does_not_have_is_said_to_be_no_run_and_its_switch_is_on() {
    let test = host("");
    let gate = test.open().await;
    let id = open(&gate).await.id().to_string();
    let (most, last) = id.split_at(id.len() - 1);
    let slip = format!("{most}{}", if last == "0" { "1" } else { "0" });
    let folder = test.path("");
    let args = ["kill", slip.as_str(), "--wait", "60s"];
    let ran = toolgate(&folder, args).code(1);
    assert!(ran.err.contains("no such run on this ledger"), "{ran:#?}");
    assert!(ran.err.contains(&format!("did you mean {id}?")), "{ran:#?}");
    let on = toolgate(&folder, ["switches", "--json"]).code(0).json();
    assert_eq!(on["switches"][0]["target"], json!({"kind": "run", "name": slip}));

    let report = toolgate(&folder, args.into_iter().chain(["--json"])).code(1).json();
    assert_eq!((&report["run_on_ledger"], &report["nearest"]), (&json!(false), &json!(id)));
    assert_eq!((&report["was_on"], &report["all_stopped"]), (&json!(true), &json!(true)));
    let far = format!("run_{}", "0".repeat(32));
    let report = toolgate(&folder, ["kill", &far, "--wait", "60s", "--json"]).code(1).json();
    assert_eq!((&report["run_on_ledger"], &report["nearest"]), (&json!(false), &Value::Null));
    let report = kill(&test, &[id.as_str()]);
    assert_eq!((&report["run_on_ledger"], &report["nearest"]), (&json!(true), &Value::Null));
    assert_eq!(kill(&test, &["--all"])["run_on_ledger"], Value::Null);
}

#[test]
fn a_part_of_a_runs_id_switches_nothing_and_what_it_would_mean_is_said() {
    let test = host("");
    test.policy();
    let folder = test.path("");
    let started = toolgate(&folder, ["run", "start", "--json"]).code(0).json();
    let run = started["run"].as_str().expect("an id");
    for command in ["kill", "unkill"] {
        let refused = toolgate(&folder, [command, &run[..20]]).code(2);
        assert!(refused.err.contains(&format!("it would mean {run}")), "{}", refused.err);
        let refused = toolgate(&folder, [command, "run_ffff"]).code(2);
        assert!(refused.err.contains("no run of the ledger begins with `run_ffff`"), "{}", refused.err);
    }
    assert_eq!(toolgate(&folder, ["switches", "--json"]).code(0).json()["switches"], json!([]));
}

#[tokio::test]
async fn a_server_answers_the_call_that_it_was_made_to_stop() {
    let test = host("");
    let mut served = Served::start(&test.policy());
    served.call(1, "guest", &json!({"text": "sleeps"}));
    test.until_started().await;
    assert_eq!(kill(&test, &["--all"])["hosts"].as_array().map(Vec::len), Some(1));
    let stopped = served.answer();
    assert_eq!((&stopped["id"], &short(&stopped)["reason"]), (&json!(1), &json!("killed")), "{stopped}");
    served.call(2, "guest", &json!({"text": "a"}));
    let refused = served.answer();
    assert_eq!(
        (&refused["result"]["isError"], &short(&refused)["status"]),
        (&json!(true), &json!("refused"))
    );
    assert_eq!(served.close().1, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_whose_switch_somebody_lifts_meanwhile_says_so_and_ends_no_process() {
    let test = host("");
    let mut served = Served::start(&test.policy());
    served.freeze();
    let folder = test.path("");
    let waiting =
        tokio::task::spawn_blocking(move || toolgate(&folder, ["kill", "--all", "--wait", "60s", "--force"]));
    let listed = || toolgate(&test.path(""), ["switches", "--json"]).code(0).json()["switches"].clone();
    until("the switch is on", || listed() != json!([])).await;
    unkill(&test, &["--all"]);
    let ran = waiting.await.expect("it ends").code(1);
    assert!(ran.out.contains("all calls: lifted meanwhile"), "{ran:#?}");
    assert!(ran.err.contains("somebody lifted the switch") && !ran.err.contains("--force"), "{ran:#?}");
    served.thaw();
    served.call(1, "guest", &json!({"text": "a"}));
    assert_eq!(short(&served.answer())["status"], json!("completed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_of_a_run_is_the_kill_of_its_children() {
    let test = host("");
    let gate = test.open().await;
    let parent = open(&gate).await;
    let child = parent.child(RunOptions::default()).await.unwrap();
    let grandchild = child.child(RunOptions::default()).await.unwrap();
    let call = running(&gate, grandchild.id(), "sleeps").await;
    let id = child.id().to_string();
    assert_eq!(kill(&test, &[id.as_str()])["stopped"], json!(1));
    assert_word(&call.outcome().await, "killed");
    for run in [&child, &grandchild] {
        assert_word(&say(run, "a").await, "killed");
    }
    assert_word(&say(&parent, "a").await, "completed");
    unkill(&test, &[id.as_str()]);
    let id = parent.id().to_string();
    kill(&test, &[id.as_str()]);
    assert_word(&say(&grandchild, "b").await, "killed");
}

#[tokio::test]
async fn a_killed_run_says_so_when_it_is_asked_where_it_stands() {
    let test = host("");
    let gate = test.open().await;
    let parent = open(&gate).await;
    let run = parent.child(RunOptions::default()).await.unwrap();
    let id = run.id().to_string();
    kill(&test, &["--tool", "guest", "--why", "the incident"]);
    let by_command = || toolgate(&test.path(""), ["status", &id, "--json"]).code(0).json();
    let standing = serde_json::to_value(run.status().await.unwrap()).unwrap();
    assert_eq!((&standing["status"], &standing["next_action"]), (&json!("safe"), &json!("continue")));
    assert_eq!(standing["reasons"], json!(["An operator has switched the tool `guest` off."]));
    assert!(by_command()["reasons"][0].as_str().is_some_and(|why| why.contains("unkill --tool guest")));

    let parent = parent.id().to_string();
    kill(&test, &[parent.as_str(), "--why", "the incident"]);
    let by_tool = run.call("toolgate_status", json!({})).await.output.expect("a status");
    let by_library = serde_json::to_value(run.status().await.unwrap()).unwrap();
    for standing in [&by_tool, &by_library, &by_command()] {
        let next = (&standing["status"], &standing["next_action"]);
        assert_eq!(next, (&json!("critical"), &json!("emergency_halt")), "{standing}");
    }
    assert_eq!(by_tool["reasons"][0], json!("An operator has stopped this run."));
    assert!(!by_tool.to_string().contains("incident"));
    assert!(by_command()["reasons"][0].as_str().is_some_and(|why| why.contains("incident")));
}

#[tokio::test]
async fn a_killed_run_is_not_finished_or_reported_on_by_its_agent_and_goes_on_once_the_switch_is_lifted() {
    let test = host("");
    let gate = test.open().await;
    let parent = open(&gate).await;
    let run = parent.child(RunOptions::default()).await.unwrap();
    let id = parent.id().to_string();
    for target in [vec![id.as_str()], vec!["--all"]] {
        kill(&test, &target);
        let before = test.verified().events;
        for (tool, arguments) in [
            ("toolgate_finish", json!({"reached": true})),
            ("toolgate_status", json!({"report": "nearly there"})),
        ] {
            let refused = run.call(tool, arguments).await;
            assert_word(&refused, "killed");
            assert_eq!((refused.status, refused.output), (Status::Refused, None));
        }
        assert_word(&run.call("toolgate_status", json!({})).await, "completed");
        assert_eq!(test.verified().events, before, "it is found as it was");
        unkill(&test, &target);
        let_in(&gate).await;
    }
    kill(&test, &["--tool", "guest"]);
    assert_word(&run.call("toolgate_status", json!({"report": "all but guest"})).await, "completed");
    assert_word(&run.call("toolgate_finish", json!({"reached": true})).await, "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stopped_a_call_is_said_once_and_truly() {
    let test = host("");
    let gate = test.open().await;
    let run = open(&gate).await;
    let call = running(&gate, run.id(), "sleeps").await;
    kill(&test, &["--tool", "guest"]);
    let stopped = call.outcome().await;
    assert!(stopped.text.starts_with("killed: `guest` was stopped. An operator has switched this tool off."));
    let operator = stopped.operator.expect("a sentence");
    assert_eq!(operator.matches("toolgate unkill").count(), 1, "{operator}");
    unkill(&test, &["--tool", "guest"]);
    let_in(&gate).await;

    let call = running(&gate, run.id(), "sleeps").await;
    let control = toolgate::control::path_beside(&test.ledger()).display().to_string();
    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{control}{suffix}")).unwrap();
    }
    let stopped = call.outcome().await;
    assert_word(&stopped, "killed");
    assert!(stopped.text.contains("cannot be watched") && !stopped.text.contains("operator"), "{stopped:#?}");
    let operator = stopped.operator.expect("a sentence");
    assert!(operator.contains("restart the host") && !operator.contains("unkill"), "{operator}");
    // Whoever kills now is told that this host is not seen.
    let ran = toolgate(&test.path(""), ["kill", "--all", "--json"]).code(1);
    assert_eq!(ran.json()["written"], json!({"state": "remade"}));
}

#[test]
fn a_ledger_that_no_host_has_used_is_said_to_be_new_and_a_folder_that_is_not_there_is_refused() {
    let test = host("");
    test.policy();
    let folder = test.path("");
    let ran = toolgate(&folder, ["kill", "--all"]).code(0);
    assert!(ran.err.contains("no host has ever run on this ledger"), "{}", ran.err);
    for command in ["kill", "unkill"] {
        let ran = toolgate(&folder, [command, "--all", "--ledger", "no/where/ledger.db"]).code(2);
        assert!(ran.err.contains("there is no folder no/where"), "{}", ran.err);
    }
    assert!(!test.path("no").exists());

    let test = host("");
    test.policy();
    let run = toolgate(&test.path(""), ["run", "start", "--json"]).code(0).json()["run"].clone();
    kill(&test, &[run.as_str().expect("an id")]);
}

#[test]
fn a_control_database_that_cannot_be_used_is_the_hosts_error() {
    let test = host("");
    test.policy();
    let path = toolgate::control::path_beside(&test.ledger());
    std::fs::create_dir_all(&path).unwrap();
    toolgate(&test.path(""), ["call", "guest", r#"{"text":"a"}"#]).code(1);
    let ran = toolgate(&test.path(""), ["kill", "--all"]).code(1);
    assert!(ran.err.contains("the switch is NOT written") && ran.err.contains("--force"), "{}", ran.err);
    toolgate(&test.path(""), ["switches"]).code(1);
}
