//! Every refusal and failure as it is said: to the agent, what to do next; to the operator, what would change it.
//!
//! The texts are in `tests/snapshots/`. Invariant: the agent's text leaks no path, secret or rule body.

use crate::support::gate::{call_with_key, keyed, raw, sha256, suggest};
use crate::support::guest::{SPINS, answering};
use crate::support::{Guest, TestGate, call, word};
use toolgate::call::{CallMeta, Outcome, Suggestion};
use toolgate::{Gate, RunOptions};

fn host() -> TestGate {
    let named =
        |guest: Guest, name: &str| guest.define(|definition| definition.name = name.to_owned()).build();
    let grow = "(drop (memory.grow (i32.const 64))) (unreachable)";
    let rule = "\n[[tools.ruled.rule]]\nid = \"no-secrets\"\nwhen = [{ pointer = \"/text\", matches = \"^top-secret\" }]\nthen = \"deny\"\nhint = \"Leave secrets alone.\"";
    TestGate::new()
        .built("echo", "echo", "")
        .tool("denied", &named(Guest::answering("{}"), "denied"), "verdict = \"deny\"")
        .tool("ruled", &named(Guest::answering("{}"), "ruled"), rule)
        .tool("asked", &named(Guest::answering("{}"), "asked"), "verdict = \"ask\"")
        .tool(
            "changed",
            &named(Guest::answering("{}"), "changed"),
            &format!("sha256 = {:?}", sha256(&answering("[]"))),
        )
        .tool("spin", &named(Guest::new(SPINS), "spin"), "limits.fuel = \"1M\"")
        .tool(
            "slow",
            &named(Guest::new(SPINS), "slow"),
            "limits.fuel = \"1000000G\"\nlimits.deadline = \"40ms\"",
        )
        .tool("grow", &named(Guest::new(grow), "grow"), "limits.memory = \"1MiB\"")
        .tool("crash", &named(Guest::new("(unreachable)"), "crash"), "effect = \"once\"")
        .tool("fail", &named(Guest::failing(1, "no ticket 7", false), "fail"), "")
        .tool("ungranted", &named(Guest::failing(2, "needs /work", false), "ungranted"), "")
        .tool("liar", &named(Guest::answering("[]"), "liar"), "")
        .tool(
            "big",
            &named(Guest::answering(&format!("{{\"a\":\"{}\"}}", "x".repeat(2_000))), "big"),
            "limits.output = \"1KiB\"",
        )
}

async fn all(gate: &Gate) -> Vec<Outcome> {
    let echo = r#"{"text":"a"}"#;
    let run = gate.run(RunOptions::default()).await.unwrap();
    let thought = CallMeta { thought: Some("t".repeat(20_000)), ..CallMeta::default() };
    let mut all = vec![
        gate.call(raw("echo", b"{\"text\":\"a\",\"text\":\"b\"}"), None).await,
        gate.call(Suggestion { meta: thought, ..suggest("echo", echo) }, None).await,
        gate.call(Suggestion { run: Some("run_x".to_owned()), ..suggest("echo", echo) }, None).await,
    ];
    for (tool, arguments) in [
        ("ecko", "{}"),
        ("echo", r#"{"txt":"a"}"#),
        ("changed", "{}"),
        ("denied", "{}"),
        ("ruled", r#"{"text":"top-secret-7"}"#),
        ("asked", "{}"),
        ("spin", "{}"),
        ("slow", "{}"),
        ("grow", "{}"),
        ("crash", "{}"),
        ("fail", "{}"),
        ("ungranted", "{}"),
        ("liar", "{}"),
        ("big", "{}"),
    ] {
        all.push(run.call(tool, arguments).await);
    }
    all.push(run.call("crash", "{}").await);
    call_with_key(gate, "echo", echo, "k").await;
    all.push(gate.call(keyed("echo", r#"{"text":"b"}"#, "k"), None).await);
    all
}

/// Ids and digests differ from run to run.
fn steady(text: &str) -> String {
    let is_id = |word: &str| word.len() >= 16 && word.chars().all(|c| c.is_ascii_hexdigit());
    let mut out = String::new();
    for part in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        out.push_str(if is_id(word) { "ID" } else { word });
        out.push_str(&part[word.len()..]);
    }
    out
}

#[tokio::test]
async fn every_reason_is_said_in_words_that_help() {
    let test = host();
    let gate = test.open().await;
    call(&gate, "echo", r#"{"text":"a"}"#).await;
    let mut texts = String::new();
    for outcome in all(&gate).await {
        let operator = outcome.operator.as_deref().unwrap_or("-");
        // Which of the two clocks stopped it is chance; which limit it was is not.
        let operator =
            operator.rsplit("; ").next().filter(|_| word(&outcome) == "deadline").unwrap_or(operator);
        texts.push_str(&steady(&format!(
            "{} ({})\n  agent:    {}\n  operator: {operator}\n",
            word(&outcome),
            outcome.tool,
            outcome.text
        )));
        let agent = serde_json::to_string(&outcome).unwrap();
        for leak in [test.path("").to_str().unwrap(), "toolgate.toml", "\\^top", "/pointer", "limits.fuel"] {
            assert!(!agent.contains(leak), "{leak} is in {agent}");
        }
    }
    insta::with_settings!({snapshot_path => "../../snapshots", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!("refusals", texts);
    });
}
