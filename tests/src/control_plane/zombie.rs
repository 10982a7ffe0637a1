//! The zombie: a supervisor starts host and agent again a thousand times, and the agent does the same each time.
//!
//! Invariant of the tests: a host is opened for every life and the last one's state is on the ledger alone.

use super::{choosing, short};
use crate::support::binary::toolgate;
use crate::support::mcp::Served;
use crate::support::{TestGate, call, word};
use serde_json::json;
use std::collections::BTreeMap;

const LIVES: u64 = 1_000;

/// Opens fast: one call at a time needs few slots.
fn host(section: &str) -> TestGate {
    TestGate::new().guarded().host("concurrency = 1").section(section).guest(&choosing(&[]), "charge = \"0\"")
}

/// One life after the other; each makes one call and dies, every tenth in peace. Gives how the calls ended.
async fn lives(test: &TestGate, text: impl Fn(u64) -> String) -> BTreeMap<&'static str, u64> {
    let mut words = BTreeMap::new();
    for life in 0..LIVES {
        let gate = test.open().await;
        let outcome = call(&gate, "guest", &json!({"text": text(life)}).to_string()).await;
        *words.entry(word(&outcome)).or_default() += 1;
        if life % 10 == 0 {
            gate.close().await.unwrap();
        }
    }
    words
}

/// Calls that ran, in all runs together.
fn executed(test: &TestGate) -> u64 {
    let runs = test.reader().runs().unwrap();
    runs.iter().map(|run| run.completed + run.failed + run.running + run.unended).sum()
}

#[tokio::test]
async fn a_thousand_restarts_that_name_one_run_make_no_more_calls_than_the_run_may() {
    let test = host("[run]\nfrom = \"name\"\nname = \"zombie\"");
    let words = lives(&test, |life| format!("step {life}")).await;
    assert_eq!((words["completed"], executed(&test)), (20, 20));
    let halted = words.get("run_halted").copied().unwrap_or_default();
    assert!(halted > LIVES / 2, "the run does not go on being asked: {words:?}");
    assert_eq!(test.reader().runs().unwrap().len(), 1);
    test.verified();
}

#[tokio::test]
async fn a_loop_that_is_restarted_between_its_calls_is_still_a_loop() {
    let test = host("[run]\nfrom = \"name\"\nname = \"loop\"");
    let mut words = Vec::new();
    for _ in 0..8 {
        let gate = test.open().await;
        words.push(word(&call(&gate, "guest", r#"{"text":"again"}"#).await));
    }
    assert_eq!(words[..2], ["completed"; 2]);
    assert_eq!(words[2..5], ["repetition"; 3]);
    assert_eq!(words[5..], ["run_halted"; 3]);
}

#[tokio::test]
async fn a_thousand_restarts_that_name_no_run_make_no_more_calls_than_the_principal_may() {
    const HOUR_STEPS: u64 = 50;
    let test = host(&format!("[spend]\nhour_steps = {HOUR_STEPS}"));
    let words = lives(&test, |_| "the same".to_owned()).await;
    let expected = BTreeMap::from([("completed", HOUR_STEPS), ("budget_exhausted", LIVES - HOUR_STEPS)]);
    assert_eq!((words, executed(&test)), (expected, HOUR_STEPS));
    let runs = test.reader().runs().unwrap();
    assert_eq!(runs.len() as u64, LIVES, "each life was a run of its own");
    test.verified();
}

/// A thousand processes, host and agent in one, each of which makes one call: the first `most` run, no other does.
#[track_caller]
fn assert_processes_held_to(most: usize, section: &str) {
    let test = host(section);
    test.policy();
    let one = |life: u64| {
        let arguments = json!({"text": life.to_string()}).to_string();
        toolgate(&test.path(""), ["call", "guest", &arguments]).code
    };
    let codes: Vec<i32> = (0..LIVES).map(one).collect();
    let (done, refused) = codes.split_at(most);
    assert!(done.iter().all(|code| *code == 0) && refused.iter().all(|code| *code == 3), "{codes:?}");
    assert_eq!(executed(&test), most as u64);
}

#[test]
fn a_thousand_processes_that_name_one_run_are_held_to_it() {
    assert_processes_held_to(6, "[run]\nfrom = \"name\"\nname = \"worker\"\nbudgets = { steps = 6 }");
}

#[test]
fn a_thousand_processes_that_name_no_run_are_held_to_their_principal() {
    assert_processes_held_to(8, "[spend]\nhour_steps = 8");
}

#[test]
fn a_server_that_is_killed_and_started_again_spends_what_is_left_of_its_run() {
    let test = host("[run]\nfrom = \"name\"\nname = \"worker\"\nbudgets = { steps = 6 }");
    let policy = test.policy();
    let mut completed = 0;
    for life in 0..5 {
        let mut served = Served::start(&policy);
        for step in 0..3 {
            served.call(step, "guest", &json!({"text": format!("{step} of life {life}")}));
            completed += u64::from(short(&served.answer())["status"] == json!("completed"));
        }
        served.kill();
    }
    assert_eq!((completed, executed(&test)), (6, 6));
    test.verified();
}
