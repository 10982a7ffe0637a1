//! A complete small agent loop over the library: suggest, look at the outcome, decide what to do next.
//!
//! Run it with `make guests && cargo run -p toolgate --example embed`. The "model" is a script here;
//! everything around it is what a real agent needs: a run of its own, a thought beside each call, errors
//! that lead to the next call, and calls side by side.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::error::Error;
use toolgate::call::{CallMeta, Outcome, Status};
use toolgate::{Gate, Run, RunOptions};

/// What the model would say: a thought and a call.
struct Suggestion {
    thought: &'static str,
    tool: &'static str,
    arguments: Value,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = std::env::args().nth(1).unwrap_or_else(|| "policies/embed.toml".to_owned());
    let gate = Gate::open(policy).await?;
    let goal = Some("find the gross total of the open orders".to_owned());
    let run = gate.run(RunOptions { goal, ..RunOptions::default() }).await?;

    let answer = agent(&run).await;
    say(&format!("answer: {answer}"));

    // Calls of one run may overlap: each gets an instance of its own.
    let sums = ["1 + 1", "2 + 2", "3 + 3"].map(|sum| run.call("calculate", json!({ "expression": sum })));
    for outcome in futures::future::join_all(sums).await {
        say(&format!("side by side: {}", outcome.text));
    }
    say(&format!("look further: toolgate trace {} --policy policies/embed.toml", run.id()));
    gate.close().await?;
    Ok(())
}

/// The loop: what the model suggests is called; what comes back decides what it suggests next.
async fn agent(run: &Run) -> String {
    let mut plan = VecDeque::from([first_suggestion()]);
    let mut answer = "none".to_owned();
    while let Some(suggestion) = plan.pop_front() {
        let meta = CallMeta { thought: Some(suggestion.thought.to_owned()), ..CallMeta::default() };
        let outcome = run.call_with(suggestion.tool, suggestion.arguments, meta).await;
        say(&format!("{} → {}", suggestion.tool, outcome.text));
        plan.extend(next_suggestion(&outcome));
        if let Some(result) = outcome.output.as_ref().and_then(|output| output.get("result")) {
            answer = result.as_str().map_or_else(|| result.to_string(), str::to_owned);
        }
    }
    answer
}

/// A model's first idea often has a slip; the refusal says what to correct.
fn first_suggestion() -> Suggestion {
    let thought = "add up the open orders with VAT";
    Suggestion { thought, tool: "calculate", arguments: json!({ "sum": "(120.50 + 80.25) * 1.19" }) }
}

fn next_suggestion(outcome: &Outcome) -> Option<Suggestion> {
    match (outcome.status, outcome.reason.map(|reason| reason.as_str())) {
        (Status::Completed, _) => None,
        (_, Some("invalid_arguments")) => Some(Suggestion {
            thought: "the refusal names the right argument",
            tool: "calculate",
            arguments: json!({ "expression": "(120.50 + 80.25) * 1.19" }),
        }),
        // Anything else is for a person: an agent that cannot mend a refusal stops.
        _ => None,
    }
}

#[expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]
fn say(line: &str) {
    println!("{line}");
}
