//! Execute: `out_of_fuel`, `deadline`, `out_of_memory`, `trap`, `tool_error`, `capability_denied`.

use crate::support::guest::{Definition, SPINS};
use crate::support::{Guest, TestGate, assert_word, call, suggest};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use toolgate::Progress;
use toolgate::call::Status;
use toolgate::ledger::{CallState, CallTrace, LogLine};

#[tokio::test]
async fn a_call_goes_all_the_way() {
    let test = TestGate::new().built("echo", "echo", "");
    let gate = test.open().await;
    let outcome = call(&gate, "echo", r#"{"text":"héllo\n"}"#).await;
    assert_word(&outcome, "completed");
    assert_eq!(outcome.output, Some(json!({"text": "héllo\n"})));
    assert_eq!(outcome.text, r#"{"text":"héllo\n"}"#);
    assert_eq!((outcome.status, outcome.attempts, outcome.recorded), (Status::Completed, 1, false));
    assert_eq!(outcome.rule.as_deref(), Some("tools.echo.verdict"));
    let usage = outcome.usage;
    assert!(usage.fuel > 0 && usage.wall_us > 0 && usage.memory_bytes > 0);
    assert_eq!(usage.output_bytes, r#"{"text":"héllo\n"}"#.len() as u64);
    let calls = test.calls(outcome.run.unwrap());
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].call, calls[0].state), (outcome.call, CallState::Completed));
    assert_eq!(calls[0].content.as_ref().unwrap().outcome.as_ref().unwrap().output, outcome.output);
    test.verified();
}

#[tokio::test]
async fn the_same_call_costs_the_same_fuel() {
    let kept = TestGate::new().built("echo", "echo", "");
    let gate = kept.open().await;
    let fuel = async || call(&gate, "echo", r#"{"text":"a"}"#).await.usage.fuel;
    let first = fuel().await;
    for _ in 0..5 {
        assert_eq!(fuel().await, first);
    }
}

#[tokio::test]
async fn a_guest_that_loops_runs_out_of_fuel() {
    let kept = TestGate::with(SPINS, "limits.fuel = \"10M\"\nlimits.deadline = \"25s\"");
    let gate = kept.open().await;
    let outcome = call(&gate, "guest", "{}").await;
    assert_word(&outcome, "out_of_fuel");
    assert_eq!((outcome.status, outcome.usage.fuel), (Status::Failed, 10_000_000));
    assert!(outcome.operator.unwrap().contains("tools.guest.limits.fuel is 10000000"));
}

#[tokio::test]
async fn a_guest_that_spins_with_fuel_for_ages_ends_at_its_deadline() {
    let test = TestGate::with(SPINS, "limits.fuel = \"1000000G\"\nlimits.deadline = \"60ms\"");
    let gate = test.open().await;
    let started = Instant::now();
    assert_word(&call(&gate, "guest", "{}").await, "deadline");
    assert!(started.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn a_guest_that_sleeps_ends_at_its_deadline() {
    let sleeper = Guest::new("(call $sleep (i64.const 3_600_000_000_000)) (unreachable)").with_sleep();
    let test = TestGate::new().guest(&sleeper, "limits.deadline = \"60ms\"");
    let gate = test.open().await;
    assert_word(&call(&gate, "guest", "{}").await, "deadline");
}

#[tokio::test]
async fn a_guest_over_its_memory_is_out_of_memory() {
    let body = "(if (i32.eq (i32.const -1) (memory.grow (i32.const 64))) (then (unreachable))) (call $ok (i32.const 0) (i32.const 0))";
    let kept = TestGate::with(body, "limits.memory = \"1MiB\"");
    let gate = kept.open().await;
    let outcome = call(&gate, "guest", "{}").await;
    assert_word(&outcome, "out_of_memory");
    assert!(outcome.usage.memory_bytes <= 1 << 20);
}

#[tokio::test]
async fn a_trap_is_a_trap_and_the_next_call_works() {
    let crash = Guest::new("(unreachable)");
    let test = TestGate::new().guest(&crash, "").built("echo", "echo", "");
    let gate = test.open().await;
    for _ in 0..3 {
        assert_word(&call(&gate, "guest", "{}").await, "trap");
        assert_word(&call(&gate, "echo", r#"{"text":"a"}"#).await, "completed");
    }
}

#[tokio::test]
async fn each_kind_of_failure_keeps_its_message_and_says_what_to_do() {
    let words = [
        "invalid_input",
        "not_found",
        "capability_denied",
        "unavailable",
        "rate_limited",
        "conflict",
        "internal",
    ];
    let mut hints = Vec::new();
    for (kind, word) in words.into_iter().enumerate() {
        let guest = Guest::failing(u8::try_from(kind).unwrap(), "no such ticket", false);
        let kept = TestGate::new().guest(&guest, "");
        let gate = kept.open().await;
        let outcome = call(&gate, "guest", "{}").await;
        let expected = if word == "capability_denied" { "capability_denied" } else { "tool_error" };
        assert_word(&outcome, expected);
        assert!(outcome.text.contains("no such ticket") && outcome.text.contains(word), "{}", outcome.text);
        hints.push(outcome.hint.unwrap());
    }
    hints.dedup();
    assert!(hints.len() >= 5, "{hints:?}");
}

/// What the guest logged; the host's own line about the stages lies beside.
fn guest_logs(call: &CallTrace) -> Vec<&LogLine> {
    let content = call.content.as_ref().expect("its content");
    content.logs.iter().filter(|log| log.level != "stages").collect()
}

#[tokio::test]
async fn several_tools_of_one_component_are_called_by_their_names() {
    let answer = "(call $ok (local.get $name) (local.get $name_len))";
    let quoted =
        |name: &str| Definition { output: r#"{"type":"integer"}"#.to_owned(), ..Definition::new(name) };
    // The name is the output, so it has to be JSON: nothing but a refusal can come of it, and it names the tool.
    let both = Guest::new(answer).defining(vec![quoted("first"), quoted("second")]).build();
    let test = TestGate::new().tool("first", &both, "").tool("second", &both, "");
    let gate = test.open().await;
    for name in ["first", "second"] {
        let outcome = call(&gate, name, "{}").await;
        assert_word(&outcome, "invalid_output");
        assert_eq!(outcome.usage.output_bytes, name.len() as u64, "it was asked for {name}");
    }
}

#[tokio::test]
async fn charges_and_log_lines_reach_the_ledger_and_progress_the_caller() {
    let mut guest = Guest::new("").with_call_context();
    let (start, bytes) = guest.data(b"half\x1b[31m way");
    let (empty, two) = guest.data(b"{}");
    let text = format!("(i32.const {start}) (i32.const {bytes})");
    let guest = guest.body(&format!(
        "(call $charge (i64.const 2500)) (call $log (i32.const 2) {text})
         (call $progress (f64.const 1) (i32.const 1) (f64.const 2) (i32.const 1) {text})
         (call $ok (i32.const {empty}) (i32.const {two}))"
    ));
    let test = TestGate::new().guest(&guest, "grants.log = true");
    let gate = test.open().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = {
        let seen = Arc::clone(&seen);
        Arc::new(move |progress: Progress| seen.lock().unwrap().push(progress))
    };
    let outcome = gate.call(suggest("guest", "{}"), Some(sink)).await;
    assert_word(&outcome, "completed");
    assert!((outcome.usage.cost_usd - 0.0025).abs() < 1e-12);
    assert_eq!(outcome.usage.host_calls, 3);
    let message = Some("half way".to_owned());
    assert_eq!(*seen.lock().unwrap(), [Progress { done: 1.0, total: Some(2.0), message }]);
    let calls = test.calls(outcome.run.unwrap());
    let logs = guest_logs(&calls[0]);
    assert_eq!(
        logs.iter().map(|log| (log.level.as_str(), log.text.as_str())).collect::<Vec<_>>(),
        [("warn", "half way")]
    );
}

#[tokio::test]
async fn without_the_grant_no_log_line_is_kept() {
    let guest = Guest::new(
        "(call $log (i32.const 1) (i32.const 1024) (i32.const 8)) (call $ok (i32.const 1024) (i32.const 2))",
    )
    .with_call_context();
    let mut guest = guest;
    guest.data(b"{}......");
    let test = TestGate::new().guest(&guest, "");
    let outcome = call(&test.open().await, "guest", "{}").await;
    assert_word(&outcome, "completed");
    assert!(guest_logs(&test.calls(outcome.run.unwrap())[0]).is_empty());
}

#[tokio::test]
async fn many_calls_at_once_all_end_well() {
    let test = TestGate::new().built("echo", "echo", "").host("concurrency = 4\nqueue = 256");
    let gate = test.open().await;
    let calls: Vec<_> = (0..100)
        .map(|n| {
            let gate = gate.clone();
            tokio::spawn(async move { (n, call(&gate, "echo", &format!(r#"{{"text":"{n}"}}"#)).await) })
        })
        .collect();
    for done in calls {
        let (n, outcome) = done.await.unwrap();
        assert_eq!(outcome.output, Some(json!({"text": n.to_string()})), "{outcome:?}");
    }
    assert_eq!(test.verified().calls, 100);
}
