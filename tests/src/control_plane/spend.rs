//! Amounts: money, tokens, time, fuel, host calls and output, of a run and of a principal.

use super::{Clock, SLEEPS, SPINS, UNAVAILABLE, alone, assert_guard, choosing, fails, open, say, short};
use crate::support::gate::suggest;
use crate::support::mcp::Served;
use crate::support::{Guest, TestGate, assert_word, until, word};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use toolgate::ProgressSink;
use toolgate::call::Suggestion;
use toolgate::ledger::CallState;

/// An hour, in milliseconds.
const HOUR_MS: u64 = 3_600_000;

/// A tool whose every call costs ten cents.
const TEN_CENTS: &str = "cost = \"0.10\"\ncharge = \"0\"\nretry = \"off\"";

/// A guest that charges so much, in micro-USD.
fn charging(micro_usd: u64) -> Guest {
    Guest::new(&format!("(call $charge (i64.const {micro_usd})) {}", super::ECHOES)).with_call_context()
}

/// A host with a budget and a tool that gives its arguments back, spins or sleeps.
fn bounded(budgets: &str, policy: &str) -> TestGate {
    let guest = choosing(&[('f', SPINS), ('s', SLEEPS)]).with_sleep();
    TestGate::new().guarded().section(&format!("[run]\nbudgets = {{ {budgets} }}")).guest(&guest, policy)
}

/// A text with which the tool's arguments, and its result, have so many bytes.
fn of_bytes(bytes: usize, letter: &str) -> String {
    letter.repeat(bytes - r#"{"text":""}"#.len())
}

#[tokio::test]
async fn a_run_spends_what_its_calls_cost_and_no_more_than_its_budget() {
    for policy in [TEN_CENTS, "cost = \"0.10\"\ncharge = \"0\""] {
        let kept = TestGate::new().guarded().guest(&choosing(&[]), policy);
        let gate = kept.open().await;
        let run = open(&gate).await;
        for n in 0..5 {
            let outcome = say(&run, &n.to_string()).await;
            assert_word(&outcome, "completed");
            assert_eq!(outcome.usage.cost_usd, 0.1);
        }
        let refused = say(&run, "5").await;
        assert_guard(&refused, "budget_exhausted", "cost");
        assert!(refused.text.contains("$0.50 of $0.50"), "{}", refused.text);
        let standing = run.status().await.unwrap();
        assert_eq!((standing.usage.cost_usd, standing.remaining.cost_usd), (0.5, 0.0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_calls_that_race_for_the_last_money_spend_it_once() {
    let test = TestGate::new()
        .guarded()
        .section("[run]\nrefusals_in_a_row = 1000\nbudgets = { proposals = 1000 }")
        .guest(&choosing(&[]), TEN_CENTS);
    let gate = test.open().await;
    let run = open(&gate).await;
    let racers: Vec<_> = (0..50)
        .map(|n| {
            let run = run.clone();
            tokio::spawn(async move { say(&run, &format!("racer {n}")).await })
        })
        .collect();
    let mut completed = 0;
    for racer in racers {
        let outcome = racer.await.unwrap();
        match word(&outcome) {
            "completed" => completed += 1,
            // Calls that run hold what is missing, or it is spent.
            refused => assert!(["rate_limited", "budget_exhausted"].contains(&refused), "{outcome:#?}"),
        }
    }
    assert_eq!((completed, run.status().await.unwrap().usage.cost_usd), (5, 0.5));
}

#[tokio::test]
async fn what_a_tool_charges_counts_beside_what_the_policy_says_that_it_costs() {
    let test = TestGate::new()
        .guarded()
        .guest(&charging(50_000), "cost = \"0.05\"\ncharge = \"0.10\"\nretry = \"off\"");
    let gate = test.open().await;
    let run = open(&gate).await;
    for n in 0..4 {
        let outcome = say(&run, &n.to_string()).await;
        assert_word(&outcome, "completed");
        assert_eq!(outcome.usage.cost_usd, 0.1);
    }
    // It might cost fifteen cents, and ten are left.
    assert_guard(&say(&run, "4").await, "budget_exhausted", "cost");
}

#[tokio::test]
async fn a_tool_that_charges_more_than_it_may_is_stopped_and_what_it_may_is_spent() {
    let test = TestGate::new().guarded().guest(&charging(2_500), "charge = \"0.001\"");
    let gate = test.open().await;
    let run = open(&gate).await;
    let outcome = say(&run, "a").await;
    assert_word(&outcome, "capability_denied");
    assert_eq!((outcome.output, outcome.usage.cost_usd), (None, 0.001));
    assert_eq!(run.status().await.unwrap().usage.cost_usd, 0.001);
}

#[tokio::test]
async fn retries_cost_no_more_than_the_budget_has() {
    for effect in ["read-only", "once"] {
        let policy = format!(
            "effect = \"{effect}\"\ncost = \"0.20\"\ncharge = \"0\"\nbreaker = \"off\"\nretry = {{ base = \"1ms\" }}"
        );
        let down = fails(UNAVAILABLE, false);
        let kept = TestGate::new().guarded().guest(&choosing(&[('f', down.as_str())]), &policy);
        let gate = kept.open().await;
        let run = open(&gate).await;
        for n in 0..3 {
            let text = format!("f{n}");
            assert!(["tool_error", "budget_exhausted"].contains(&word(&say(&run, &text).await)));
            let spent = run.status().await.unwrap().usage.cost_usd;
            assert!(spent <= 0.5, "{effect}: ${spent} are spent of $0.50");
        }
    }
}

#[tokio::test]
async fn an_hour_and_a_day_bound_all_runs_together_and_over_restarts() {
    let test = TestGate::new()
        .guarded()
        .section("[spend]\nhour = \"0.20\"\nday = \"0.30\"")
        .guest(&choosing(&[]), TEN_CENTS);
    let clock = Clock::new();
    for _ in 0..2 {
        let gate = test.open_with(clock.options()).await;
        assert_word(&alone(&gate, "a").await, "completed");
    }
    let gate = test.open_with(clock.options()).await;
    let refused = alone(&gate, "a").await;
    assert_guard(&refused, "budget_exhausted", "hour_cost");
    let wait_ms = refused.retry_after_ms.expect("an hour has an end");
    assert!((HOUR_MS..=HOUR_MS + 10_000).contains(&wait_ms), "{wait_ms}");
    clock.pass(wait_ms);
    assert_word(&alone(&gate, "a").await, "completed");
    let refused = alone(&gate, "a").await;
    assert_guard(&refused, "budget_exhausted", "day_cost");
    clock.pass(refused.retry_after_ms.expect("a day has an end"));
    assert_word(&alone(&gate, "a").await, "completed");
}

#[tokio::test]
async fn money_spent_while_a_clock_was_ahead_stays_spent_for_an_hour_and_no_longer() {
    const YEAR_MS: u64 = 365 * 24 * HOUR_MS;
    let test = TestGate::new().guarded().section("[spend]\nhour = \"0.30\"").guest(&choosing(&[]), TEN_CENTS);
    let clock = Clock::new();
    let gate = test.open_with(clock.options()).await;
    assert_word(&alone(&gate, "a").await, "completed");
    clock.pass(YEAR_MS);
    for _ in 0..2 {
        assert_word(&alone(&gate, "a").await, "completed");
    }
    clock.set_back(YEAR_MS);
    let refused = alone(&gate, "a").await;
    assert_guard(&refused, "budget_exhausted", "hour_cost");
    let wait_ms = refused.retry_after_ms.expect("an hour has an end");
    assert!((HOUR_MS..=HOUR_MS + 10_000).contains(&wait_ms), "{wait_ms}");
    clock.pass(wait_ms);
    assert_word(&alone(&gate, "a").await, "completed");
}

#[tokio::test]
async fn a_run_that_spends_too_fast_is_halted_after_its_first_minute() {
    let test =
        TestGate::new().guarded().guest(&choosing(&[]), "cost = \"0.20\"\ncharge = \"0\"\nretry = \"off\"");
    let clock = Clock::new();
    let gate = test.open_with(clock.options()).await;
    let run = open(&gate).await;
    assert_word(&say(&run, "a").await, "completed");
    clock.pass(59_999);
    assert_eq!(run.status().await.unwrap().reasons, Vec::<String>::new());
    clock.pass(1);
    assert_guard(&say(&run, "b").await, "budget_exhausted", "burn_rate");
    assert_guard(&say(&run, "b").await, "run_halted", "course");
    let slow = open(&gate).await;
    assert_word(&say(&slow, "a").await, "completed");
    // Twenty cents in three minutes are four dollars an hour; five are allowed.
    clock.pass(180_000);
    assert_word(&say(&slow, "b").await, "completed");
}

#[tokio::test]
async fn a_call_is_narrowed_to_the_tokens_that_are_left() {
    let kept = bounded("tokens = 100", "");
    let gate = kept.open().await;
    let run = open(&gate).await;
    assert_word(&say(&run, &of_bytes(312, "a")).await, "completed");
    let standing = run.status().await.unwrap();
    assert_eq!((standing.usage.tokens, standing.remaining.tokens), (78, Some(22)));
    let outcome = say(&run, &of_bytes(89, "b")).await;
    assert_word(&outcome, "output_too_large");
    assert_eq!(outcome.output, None);
    let exact = open(&gate).await;
    assert_word(&say(&exact, &of_bytes(400, "a")).await, "completed");
    assert_guard(&say(&exact, "b").await, "budget_exhausted", "tokens");
}

#[tokio::test]
async fn tokens_that_the_agent_reports_count_as_used() {
    let kept = bounded("tokens = 100", "");
    let gate = kept.open().await;
    let run = open(&gate).await;
    assert_word(&say(&run, "a").await, "completed");
    assert_word(&run.call("toolgate_status", json!({"tokens_used": 100})).await, "completed");
    assert_eq!(run.status().await.unwrap().usage.tokens, 100);
    assert_guard(&say(&run, "b").await, "budget_exhausted", "tokens");
}

#[tokio::test]
async fn a_call_is_narrowed_to_the_output_that_is_left() {
    let kept = bounded("output = \"100B\"", "");
    let gate = kept.open().await;
    let run = open(&gate).await;
    assert_word(&say(&run, &of_bytes(60, "a")).await, "completed");
    let outcome = say(&run, &of_bytes(41, "b")).await;
    assert_word(&outcome, "output_too_large");
    assert_eq!(outcome.output, None);
    let exact = open(&gate).await;
    assert_word(&say(&exact, &of_bytes(100, "a")).await, "completed");
    assert_guard(&say(&exact, "b").await, "budget_exhausted", "output_bytes");
}

/// What a failure says, what stands around an outsider's text, and what is withheld are no way around a budget.
#[tokio::test]
async fn tokens_and_output_that_are_counted_never_exceed_their_budgets() {
    for trust in ["own", "outside"] {
        let policy = format!("trust = \"{trust}\"");
        let kept = bounded("tokens = 100, output = \"400B\"", &policy);
        let gate = kept.open().await;
        let run = open(&gate).await;
        for (bytes, letter) in [(312, "a"), (200, "b"), (40, "c"), (30, "d")] {
            say(&run, &of_bytes(bytes, letter)).await;
            let used = run.status().await.unwrap().usage;
            assert!(used.tokens <= 100, "{trust}, {bytes} bytes: {} tokens", used.tokens);
            assert!(used.output_bytes <= 400, "{trust}, {bytes} bytes: {} of output", used.output_bytes);
        }
    }
}

#[tokio::test]
async fn a_guest_that_spins_spends_the_fuel_that_is_left_and_no_more() {
    let kept = bounded("fuel = \"1M\"", "");
    let gate = kept.open().await;
    let run = open(&gate).await;
    let first = say(&run, "a").await;
    assert_word(&first, "completed");
    let spun = say(&run, "for ever").await;
    assert_word(&spun, "out_of_fuel");
    assert_eq!(first.usage.fuel + spun.usage.fuel, 1_000_000);
    assert_eq!(run.status().await.unwrap().usage.fuel, 1_000_000);
    assert_guard(&say(&run, "b").await, "budget_exhausted", "fuel");
}

#[tokio::test]
async fn a_guest_that_calls_the_host_all_the_time_makes_no_more_calls_than_are_left() {
    let guest = Guest::new("(loop $again (drop (call $remaining_ms)) (br $again)) (unreachable)");
    let test = TestGate::new()
        .guarded()
        .section("[run]\nbudgets = { host_calls = 50 }")
        .guest(&guest.with_call_context(), "");
    let gate = test.open().await;
    let run = open(&gate).await;
    for n in 0..3 {
        let outcome = say(&run, &n.to_string()).await;
        assert!(["out_of_fuel", "budget_exhausted"].contains(&word(&outcome)), "{outcome:#?}");
        let used = run.status().await.unwrap().usage.host_calls;
        assert!((1..=50).contains(&used), "{used}");
    }
}

#[tokio::test]
async fn a_guest_that_sleeps_ends_with_the_running_time_that_is_left() {
    let policy = "limits.deadline = \"1h\"\nlimits.call_deadline = \"1h\"";
    let test = bounded("wall_time = \"150ms\"", policy);
    let gate = test.open().await;
    let run = open(&gate).await;
    assert_word(&say(&run, "sleep").await, "deadline");
    assert_guard(&say(&run, "a").await, "budget_exhausted", "wall_time");
}

#[tokio::test]
async fn a_guest_that_spins_to_its_deadline_again_and_again_comes_to_the_end_of_its_fuel() {
    let policy = "limits.fuel = \"1000G\"\nlimits.deadline = \"50ms\"\nretry = \"off\"\nbreaker = \"off\"";
    let test = TestGate::new()
        .guarded()
        .section("[run]\nbudgets = { fuel = \"100M\" }\nrepetition = false")
        .guest(&choosing(&[('f', SPINS)]), policy);
    let gate = test.open().await;
    let run = open(&gate).await;
    let mut words = Vec::new();
    for n in 0..15 {
        words.push(word(&say(&run, &format!("for ever {n}")).await).to_owned());
    }
    assert!(words.contains(&"budget_exhausted".to_owned()), "{words:?}");
    assert_eq!(run.status().await.unwrap().usage.fuel, 100_000_000);
}

/// A guest's body: it says that it runs.
const SAYS: &str =
    "(call $progress (f64.const 1) (i32.const 0) (f64.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_given_up_while_it_runs_leaves_spent_what_was_held_for_it() {
    let guest = Guest::new(&format!("{SAYS} {SLEEPS}")).with_sleep().with_call_context();
    let test = TestGate::new().guarded().guest(&guest, TEN_CENTS);
    let gate = test.open().await;
    let run = open(&gate).await;
    let runs = Arc::new(AtomicBool::new(false));
    let call = {
        let (gate, runs, run) = (gate.clone(), Arc::clone(&runs), run.id().to_string());
        let sink: ProgressSink = Arc::new(move |_| runs.store(true, Ordering::SeqCst));
        let suggestion = Suggestion { run: Some(run), ..suggest("guest", r#"{"text":"a"}"#) };
        tokio::spawn(async move { gate.call(suggestion, Some(sink)).await })
    };
    until("the guest runs", || runs.load(Ordering::SeqCst)).await;
    call.abort();
    until("it has ended", || test.all_calls().iter().all(|call| call.state != CallState::Started)).await;
    assert_eq!(run.status().await.unwrap().usage.cost_usd, 0.1);
}

#[tokio::test]
async fn what_a_server_held_that_was_killed_is_not_waited_for() {
    let policy = format!("{TEN_CENTS}\nlimits.deadline = \"1h\"\nlimits.call_deadline = \"1h\"");
    let guest = choosing(&[('s', SLEEPS)]).with_sleep();
    let test = TestGate::new().guarded().section("[spend]\nhour = \"0.15\"").guest(&guest, &policy);
    let path = test.policy();
    let (mut dies, mut lives) = (Served::start(&path), Served::start(&path));
    dies.call(1, "guest", &json!({"text": "sleep"}));
    until("its call runs", || test.all_calls().iter().any(|call| call.state == CallState::Started)).await;
    let mut asked = |id: u64| {
        lives.call(id, "guest", &json!({"text": id.to_string()}));
        short(&lives.answer())["reason"].clone()
    };
    assert_eq!(asked(1), json!("rate_limited"), "it may cost nothing yet");
    dies.kill();
    assert_eq!(asked(2), json!("budget_exhausted"), "nobody knows, so it is spent");
    assert!(test.all_calls().iter().any(|call| call.state == CallState::Abandoned));
    test.verified();
}
