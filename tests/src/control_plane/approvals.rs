//! Approvals through the real gate and the real program: a call waits for a person, whose yes lets exactly this call run,
//! once.
//!
//! Not here: answers of the client's own person (`elicitation`) and the conditions alone (`host/src/policy/approval.rs`).
//! Invariant of the tests: what ran is what the ledger says has completed.

use super::{Clock, SLEEPS, alone, choosing, open, ran, say, short};
use crate::support::binary::{Ran, toolgate};
use crate::support::mcp::Served;
use crate::support::{TestGate, assert_word, until};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use toolgate::call::{CallMeta, Outcome};
use toolgate::ledger::{CallState, Decided, Ledger, LedgerOptions};
use toolgate::{RunOptions, Seams};

/// A person decides about every call.
const ASKS: &str = "verdict = \"ask\"";

/// How long a question waits for its answer, and an answer can be used, unless the policy says otherwise.
const EXPIRES_MS: u64 = 15 * 60 * 1_000;
/// Long after the one and the other, and within one segment of a run.
const LATER_MS: u64 = 2 * EXPIRES_MS;

/// The first two key pairs of RFC 8032, section 7.1.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const OTHER_SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";

fn host(policy: &str) -> TestGate {
    TestGate::new().guest(&choosing(&[]), policy)
}

/// A host whose policy names the approver's key, with that key in `approver.key` and some that are not in other files.
fn signing_host() -> TestGate {
    let test = host(ASKS).section(&format!("[escalation]\napprover_key = \"{PUBLIC}\""));
    for (file, text) in [("approver.key", SEED), ("other.key", OTHER_SEED), ("broken.key", "9d61")] {
        std::fs::write(test.path(file), format!("{text}\n")).expect("a key");
    }
    test
}

/// The program answers by the system's clock, so a host that it answers lives near it.
fn clock_at(ms: u64) -> Clock {
    Clock(Arc::new(AtomicU64::new(ms)))
}

fn now_ms() -> u64 {
    Seams::system().now_ms()
}

/// The approval that a call waits for.
#[track_caller]
fn waits(outcome: &Outcome) -> String {
    assert_word(outcome, "needs_approval");
    assert!(outcome.retry_after_ms.is_some() && outcome.attempts == 0, "{outcome:#?}");
    outcome.approval.clone().expect("an approval")
}

/// `toolgate approve ID …` or `toolgate deny ID …`.
fn answer(test: &TestGate, verb: &str, id: &str, more: &[&str]) -> Ran {
    toolgate(&test.path(""), [verb, id].into_iter().chain(more.iter().copied()))
}

/// Answers as whoever can write the ledger could.
async fn decide(test: &TestGate, id: &str, signature: Option<Vec<u8>>) {
    let at_ms = now_ms();
    let ledger = Ledger::open(LedgerOptions::new(test.ledger()), at_ms).expect("a ledger");
    let (id, by, expires_ms) = (id.to_owned(), "whoever".to_owned(), at_ms + EXPIRES_MS);
    let decided = Decided { id, approved: true, by, why: None, signature, expires_ms, at_ms };
    ledger.decide(decided).await.expect("the approval waits");
    ledger.close().await.expect("the ledger closes");
}

/// The approvals of all times as the program lists them, with the one of this id.
fn listed(test: &TestGate, id: &str) -> Value {
    let all = toolgate(&test.path(""), ["approvals", "--all", "--json"]).code(0).json();
    let row = all.as_array().into_iter().flatten().find(|row| row["id"] == json!(id));
    row.cloned().unwrap_or_else(|| panic!("{id} is not in {all}"))
}

#[tokio::test]
async fn an_approved_call_runs_once_and_the_next_one_waits_again() {
    let test = host(ASKS);
    let gate = test.open().await;
    let run = open(&gate).await;
    let asked = say(&run, "a").await;
    let id = waits(&asked);
    assert!(asked.text.contains(&id), "{}", asked.text);
    assert_eq!(waits(&say(&run, "a").await), id, "who asks again is still waiting for the same answer");

    let waiting = toolgate(&test.path(""), ["approvals", "--json"]).code(0).json();
    assert_eq!(waiting.as_array().map(Vec::len), Some(1), "{waiting}");
    let row = &waiting[0];
    assert_eq!((&row["id"], &row["state"], &row["tool"]), (&json!(id), &json!("asked"), &json!("guest")));
    assert_eq!((&row["arguments"], &row["call"]), (&json!({"text": "a"}), &json!(asked.call)));

    let approved = answer(&test, "approve", &id, &["--json"]).code(0).json();
    assert_eq!((&approved["approval"], &approved["state"]), (&json!(id), &json!("approved")));
    let done = say(&run, "a").await;
    assert_word(&done, "completed");
    assert_eq!(done.output, Some(json!({"text": "a"})));

    assert_ne!(waits(&say(&run, "a").await), id);
    assert_eq!((ran(&test), &listed(&test, &id)["state"]), (1, &json!("used")));
    for (verb, gone) in [("approve", id.as_str()), ("deny", id.as_str()), ("approve", "apr_0000000000000000")]
    {
        answer(&test, verb, gone, &[]).code(2);
    }
    test.verified();
}

#[tokio::test]
async fn a_no_stands_until_it_expires_and_no_yes_comes_after_it() {
    let test = host(ASKS);
    let clock = clock_at(now_ms());
    let gate = test.open_with(clock.options()).await;
    let run = open(&gate).await;
    let id = waits(&say(&run, "a").await);
    answer(&test, "deny", &id, &[]).code(0);
    answer(&test, "approve", &id, &[]).code(2);
    for _ in 0..2 {
        let denied = say(&run, "a").await;
        assert_word(&denied, "needs_approval");
        assert_eq!((denied.approval.as_ref(), denied.retry_after_ms), (Some(&id), None));
        assert!(denied.text.contains("said no"), "{}", denied.text);
    }
    clock.pass(LATER_MS);
    assert_ne!(waits(&say(&run, "a").await), id);
    assert_eq!(ran(&test), 0);
}

#[tokio::test]
async fn where_the_policy_names_a_key_only_its_holder_approves() {
    let test = signing_host();
    let gate = test.open().await;
    let run = open(&gate).await;
    let id = waits(&say(&run, "a").await);
    let wrong: [(&[&str], &str); 4] = [
        (&[], "must be signed"),
        (&["--key", "other.key"], "is not the one"),
        (&["--key", "broken.key"], "64 hex digits"),
        (&["--key", "missing.key"], "cannot read the key"),
    ];
    for (key, says) in wrong {
        let refused = answer(&test, "approve", &id, key).code(2);
        assert!(refused.err.contains(says), "{}", refused.err);
    }
    assert_eq!((waits(&say(&run, "a").await), &listed(&test, &id)["state"]), (id.clone(), &json!("asked")));

    answer(&test, "approve", &id, &["--key", "approver.key"]).code(0);
    assert_word(&say(&run, "a").await, "completed");
    let next = waits(&say(&run, "a").await);
    assert_ne!(next, id);
    // Whoever could say no could also switch the host off.
    answer(&test, "deny", &next, &[]).code(0);
    assert_eq!(ran(&test), 1);
}

#[tokio::test]
async fn a_yes_in_the_ledger_without_the_keys_signature_over_this_very_call_does_not_count() {
    let test = signing_host();
    let gate = test.open().await;
    let run = open(&gate).await;
    let file = rusqlite::Connection::open(test.ledger()).expect("the ledger's file");
    let signed = waits(&say(&run, "signed").await);
    answer(&test, "approve", &signed, &["--key", "approver.key"]).code(0);
    let read = "SELECT signature FROM approvals WHERE id = ?1";
    let signature: Vec<u8> = file.query_row(read, [&signed], |row| row.get(0)).expect("a signature");
    for (text, signature, says) in [
        ("none", None, "no signature"),
        ("short", Some(signature[1..].to_vec()), "wrong length"),
        ("of another call", Some(signature), "not one of escalation.approver_key over this call"),
    ] {
        let id = waits(&say(&run, text).await);
        decide(&test, &id, signature).await;
        let still = say(&run, text).await;
        assert_eq!(waits(&still), id);
        let operator = still.operator.unwrap_or_default();
        assert!(operator.contains("does not count") && operator.contains(says), "{operator}");
    }
    // A true one, and somebody who gives it more time.
    let prolong = "UPDATE approvals SET expires_ms = expires_ms + 1 WHERE id = ?1";
    assert_eq!(file.execute(prolong, [&signed]).expect("the file can be written"), 1);
    assert_eq!((waits(&say(&run, "signed").await), ran(&test)), (signed, 0));
}

#[tokio::test]
async fn a_question_expires_and_is_asked_anew() {
    for (policy, expires_ms) in [("", EXPIRES_MS), ("\napproval = { expires = \"1m\" }", 60_000)] {
        let test = host(&format!("{ASKS}{policy}"));
        let clock = Clock::new();
        let gate = test.open_with(clock.options()).await;
        let run = open(&gate).await;
        let id = waits(&say(&run, "a").await);
        clock.pass(expires_ms - 1);
        assert_eq!(waits(&say(&run, "a").await), id);
        clock.pass(1);
        assert_ne!(waits(&say(&run, "a").await), id);
    }
}

#[tokio::test]
async fn a_question_that_expired_takes_no_answer() {
    let test = host(ASKS);
    let gate = test.open_with(clock_at(now_ms() - LATER_MS).options()).await;
    let id = waits(&alone(&gate, "a").await);
    let waiting = toolgate(&test.path(""), ["approvals", "--json"]).code(0).json();
    assert_eq!((waiting, &listed(&test, &id)["state"]), (json!([]), &json!("asked")));
    for verb in ["approve", "deny"] {
        let refused = answer(&test, verb, &id, &[]).code(2);
        assert!(refused.err.contains("no such approval waits"), "{}", refused.err);
    }
}

#[tokio::test]
async fn a_yes_that_nobody_uses_expires() {
    let test = host(ASKS);
    let clock = clock_at(now_ms());
    let gate = test.open_with(clock.options()).await;
    let run = open(&gate).await;
    let id = waits(&say(&run, "a").await);
    answer(&test, "approve", &id, &[]).code(0);
    clock.pass(LATER_MS);
    assert_ne!(waits(&say(&run, "a").await), id);
    assert_eq!(ran(&test), 0);
}

#[tokio::test]
async fn a_yes_is_for_its_arguments_its_policy_and_its_component() {
    let test = host(ASKS);
    let gate = test.open().await;
    let run = open(&gate).await;
    let (id, of_b) = (waits(&say(&run, "a").await), waits(&say(&run, "b").await));
    assert_ne!(id, of_b);
    answer(&test, "approve", &id, &[]).code(0);
    assert_eq!(waits(&say(&run, "b").await), of_b, "the yes was for other arguments");

    let test = test.host("queue = 100");
    let with_another_policy = waits(&alone(&test.open().await, "a").await);
    assert_ne!(with_another_policy, id);
    test.write_component("guest", &choosing(&[('z', "(unreachable)")]).build());
    let with_another_component = waits(&alone(&test.open().await, "a").await);
    assert!(![id, with_another_policy].contains(&with_another_component));

    // What it was given for still runs, in the host that still has both.
    assert_eq!(ran(&test), 0);
    assert_word(&say(&run, "a").await, "completed");
}

#[tokio::test]
async fn a_risk_as_high_as_the_policy_says_waits_for_a_person() {
    let rule = |letter: &str, risk: u8| {
        format!(
            "[[tools.guest.rule]]\nwhen = [{{ pointer = \"/text\", matches = \"^{letter}\" }}]\nthen = \"allow\"\nrisk = {risk}"
        )
    };
    let rules = format!("{}\n{}", rule("r", 50), rule("s", 49));
    let test = host(&format!("risk = 10\napproval = {{ risk = 50 }}\n{rules}"));
    let gate = test.open().await;
    let run = open(&gate).await;
    for text in ["a", "safe"] {
        assert_word(&say(&run, text).await, "completed");
    }
    let id = waits(&say(&run, "risky").await);
    answer(&test, "approve", &id, &[]).code(0);
    assert_word(&say(&run, "risky").await, "completed");
    assert_ne!(waits(&say(&run, "risky").await), id);
}

#[tokio::test]
async fn a_run_that_has_spent_so_much_waits_for_a_person_at_each_further_call() {
    let test = host("cost = \"0.10\"\ncharge = \"0\"\napproval = { spent = \"0.20\" }");
    let gate = test.open().await;
    let run = open(&gate).await;
    for text in ["a", "b"] {
        assert_word(&say(&run, text).await, "completed");
    }
    let id = waits(&say(&run, "c").await);
    assert_word(&alone(&gate, "c").await, "completed");
    answer(&test, "approve", &id, &[]).code(0);
    assert_word(&say(&run, "c").await, "completed");
    assert_ne!(waits(&say(&run, "d").await), id);
    assert_eq!(run.status().await.unwrap().usage.cost_usd, 0.3);
}

#[tokio::test]
async fn children_are_no_way_around_a_person_who_is_asked_from_so_much_spent_on() {
    let test = host("cost = \"0.05\"\ncharge = \"0\"\nretry = \"off\"\napproval = { spent = \"0.05\" }");
    let gate = test.open().await;
    let parent = open(&gate).await;
    let (first, second) = (
        parent.child(RunOptions::default()).await.unwrap(),
        parent.child(RunOptions::default()).await.unwrap(),
    );
    assert_word(&say(&first, "a").await, "completed");
    for (run, text) in [(&first, "b"), (&second, "c"), (&parent, "d")] {
        waits(&say(run, text).await);
    }
    let grandchild = second.child(RunOptions::default()).await.unwrap();
    waits(&say(&grandchild, "e").await);
    assert_word(&alone(&gate, "f").await, "completed");
}

#[test]
fn a_call_that_its_agent_calls_ambiguous_waits_for_a_person() {
    let test = host("approval = { ambiguity = 0.6 }");
    let mut served = Served::start(&test.policy());
    let mut call = |meta: Value| {
        let params = json!({"name": "guest", "arguments": {"text": "a"}, "_meta": meta});
        served.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}));
        served.answer()
    };
    let unsure = |share: f64| json!({ "toolgate/ambiguity": share });
    for meta in [json!({}), unsure(0.0), unsure(0.59)] {
        assert_eq!(short(&call(meta))["status"], json!("completed"));
    }
    let asked = call(unsure(0.6));
    assert_eq!(short(&asked)["reason"], json!("needs_approval"), "{asked}");
    let id = short(&asked)["approval"].as_str().expect("an approval");
    assert_eq!(short(&call(unsure(1.0)))["approval"], json!(id));
    answer(&test, "approve", id, &[]).code(0);
    assert_eq!(short(&call(unsure(0.6)))["status"], json!("completed"));
    let again = call(unsure(0.6));
    assert_eq!(short(&again)["reason"], json!("needs_approval"), "{again}");
    assert_ne!(short(&again)["approval"], json!(id));
    assert_eq!(call(unsure(1.5))["error"]["code"], -32602);
}

#[tokio::test]
async fn who_answered_when_and_why_shows_in_the_trace_and_in_the_list() {
    let test = host(ASKS);
    let gate = test.open().await;
    let run = open(&gate).await;
    let started_ms = now_ms();
    let no = waits(&say(&run, "a").await);
    answer(&test, "deny", &no, &["--why", "too\u{1b}[31m dear"]).code(0);
    let yes = waits(&say(&run, "b").await);
    answer(&test, "approve", &yes, &["--why", "the customer wants it"]).code(0);
    assert_word(&say(&run, "b").await, "completed");
    assert_word(&say(&run, "a").await, "needs_approval");
    let (no, yes) =
        ((no.as_str(), "denied", "too dear"), (yes.as_str(), "approved", "the customer wants it"));

    let (folder, run) = (test.path(""), run.id().to_string());
    for args in [&["trace", &run][..], &["trace", &run, "--why"]] {
        let shown = toolgate(&folder, args.iter().copied()).code(0).out;
        let calls: Vec<&str> = shown.split("─ ").skip(1).collect();
        assert_eq!(calls.len(), 4, "{shown}");
        for (call, (id, word, why)) in calls.iter().zip([no, yes, yes, no]) {
            let line = call.lines().find(|line| line.contains("approval   ")).expect("a line for it");
            let whole = line.contains(&format!("{id}  {word} by ")) && line.contains("(uid ");
            assert!(whole && line.contains(" UTC: ") && line.ends_with(why), "{shown}");
        }
    }
    let trace = toolgate(&folder, ["trace", &run, "--json"]).code(0).json();
    let table = toolgate(&folder, ["approvals", "--all"]).code(0).out;
    for (at, (id, word, why)) in [no, yes].into_iter().enumerate() {
        let (answered, row) = (&trace["answers"][at], listed(&test, id));
        assert_eq!((&answered["approval"], &answered["why"]), (&json!(id), &json!(why)), "{trace}");
        assert_eq!(answered["approved"], json!(word == "approved"));
        assert_eq!((&row["why"], &row["by"]), (&json!(why), &answered["by"]), "{row}");
        assert_eq!(row["answered_ms"], answered["at_ms"]);
        assert!(answered["at_ms"].as_u64() >= Some(started_ms), "{answered}");
        assert!(answered["by"].as_str().is_some_and(|by| by.contains("(uid ")), "{answered}");
        assert!(table.contains(why), "{table}");
    }
}

#[tokio::test]
async fn whoever_answers_reads_all_of_the_arguments_before_and_after() {
    let test = host(ASKS);
    let gate = test.open().await;
    let run = open(&gate).await;
    // As long as an ordinary letter, and longer than any text that is cleaned for one line.
    for bytes in [2 * 1_024, 200 * 1_024] {
        let text = format!("{} and all of it to mallory", "to the usual account; ".repeat(bytes / 22));
        let id = waits(&say(&run, &text).await);
        let whole = json!({ "text": text }).to_string();
        let listed = toolgate(&test.path(""), ["approvals"]).code(0).out;
        let block = format!("{id}  guest, with these arguments:\n  {whole}\n");
        assert!(listed.contains(&block), "the end is cut: {} bytes", listed.len());
        let approved = answer(&test, "approve", &id, &[]).code(0).out;
        assert_eq!(approved, format!("{id} is approved: guest {whole}\n"));
    }
    let id = waits(&say(&run, "pay\u{2028}\u{202e}bob\u{200b}").await);
    let listed = toolgate(&test.path(""), ["approvals"]).code(0).out;
    let block = format!(
        "{id}  guest, with these arguments:\n  {{\"text\":\"pay bob\"}}  (and characters that a terminal would obey or hide)\n"
    );
    assert!(listed.contains(&block), "{listed}");
}

#[tokio::test]
async fn an_approval_is_named_by_the_beginning_of_its_id_and_an_empty_one_means_none() {
    let test = host(ASKS);
    let gate = test.open().await;
    let run = open(&gate).await;
    let yes = waits(&say(&run, "a").await);
    for nothing in ["", "apr_", &yes[..7]] {
        let refused = answer(&test, "approve", nothing, &[]).code(2);
        assert!(refused.err.contains("is no id"), "{}", refused.err);
    }
    let no = waits(&say(&run, "b").await);
    let said = [("approve", &yes), ("deny", &no)]
        .map(|(verb, id)| answer(&test, verb, &id[..12], &["--json"]).code(0).json()["approval"].clone());
    assert_eq!(said, [json!(yes), json!(no)]);
    assert_word(&say(&run, "a").await, "completed");
}

#[tokio::test]
async fn a_yes_that_another_run_uses_shows_there_too() {
    let test = host(ASKS);
    let gate = test.open().await;
    let id = waits(&alone(&gate, "a").await);
    answer(&test, "approve", &id, &["--why", "whoever asks"]).code(0);
    let other = open(&gate).await;
    assert_word(&say(&other, "a").await, "completed");
    let other = other.id().to_string();
    let shown = toolgate(&test.path(""), ["trace", &other]).code(0).out;
    assert!(shown.contains(&format!("{id}  approved by ")) && shown.contains(": whoever asks"), "{shown}");
}

#[tokio::test]
async fn a_no_holds_also_when_nothing_would_ask_any_more() {
    let test = host("approval = { ambiguity = 0.5 }");
    let gate = test.open().await;
    let run = open(&gate).await;
    let unsure = CallMeta { ambiguity: Some(0.9), ..CallMeta::default() };
    let id = waits(&run.call_with("guest", json!({"text": "a"}), unsure).await);
    answer(&test, "deny", &id, &[]).code(0);
    let denied = say(&run, "a").await;
    assert_word(&denied, "needs_approval");
    assert_eq!(denied.approval, Some(id));
    assert_word(&say(&run, "b").await, "completed");
}

#[tokio::test]
async fn a_yes_is_given_to_the_call_that_is_shown_and_to_no_other() {
    let test = signing_host();
    let gate = test.open().await;
    let run = open(&gate).await;
    let (shown, hidden) = (waits(&say(&run, "greet").await), waits(&say(&run, "pay mallory").await));
    let connection = rusqlite::Connection::open(test.ledger()).unwrap();
    let swap = "UPDATE approvals SET binding = (SELECT binding FROM approvals WHERE id = ?2) WHERE id = ?1";
    assert_eq!(connection.execute(swap, [&shown, &hidden]).unwrap(), 1);
    let key = test.path("approver.key").display().to_string();
    let refused = answer(&test, "approve", &shown, &["--key", &key]).code(2);
    assert!(refused.err.contains("not for the call that it shows"), "{}", refused.err);
    assert_eq!(ran(&test), 0);
}

#[tokio::test]
async fn a_yes_without_the_keys_signature_does_not_stand_in_the_way_of_one_with_it() {
    let test = signing_host();
    let gate = test.open().await;
    let run = open(&gate).await;
    let id = waits(&say(&run, "a").await);
    decide(&test, &id, None).await;
    assert_eq!(waits(&say(&run, "a").await), id);
    let key = test.path("approver.key").display().to_string();
    answer(&test, "approve", &id, &["--key", &key]).code(0);
    assert_word(&say(&run, "a").await, "completed");
}

#[tokio::test]
async fn money_that_calls_in_flight_may_spend_counts_as_spent() {
    let policy = "cost = \"0.05\"\ncharge = \"0\"\nretry = \"off\"\napproval = { spent = \"0.10\" }";
    let test = TestGate::new().guest(&choosing(&[('s', SLEEPS)]).with_sleep(), policy);
    let gate = test.open().await;
    let run = open(&gate).await;
    let mut flights = Vec::new();
    for n in 0..2 {
        let run = run.clone();
        flights.push(tokio::spawn(async move { say(&run, &format!("sleep {n}")).await }));
    }
    until("both run", || {
        test.all_calls().iter().filter(|call| call.state == CallState::Started).count() == 2
    })
    .await;
    waits(&say(&run, "third").await);
    flights.iter().for_each(tokio::task::JoinHandle::abort);
}
