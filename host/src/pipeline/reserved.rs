//! The host's own tools: `toolgate_status` and `toolgate_finish`, which any client can call.
//!
//! They answer about the run and steer it; no guest runs, so they need no permit and cost no step. Not here: where a
//! run stands (`guard/`). Invariant: they can end or refresh the caller's own run and nothing else; no policy names
//! them, and no tool of a policy can take their names.

use super::ending::{Denied, Ending};
use super::outcome;
use super::propose;
use super::run::Trip;
use crate::call::{Denial, Outcome, RunId, Status, Suggestion};
use crate::catalog::ToolCard;
use crate::gate::Host;
use crate::guard::event::Steer;
use crate::ledger::{LedgerError, Steering};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const STATUS: &str = "toolgate_status";
const FINISH: &str = "toolgate_finish";
/// Bytes of a report or a note.
const NOTE_BYTES_MAX: usize = 4 * 1024;

/// Whether a tool is the host's own.
pub(super) fn is_reserved(tool: &str) -> bool {
    matches!(tool, STATUS | FINISH)
}

/// What clients see of them.
pub(crate) fn own_tools() -> Vec<ToolCard> {
    let finish = json!({
        "type": "object",
        "properties": {
            "reached": { "type": "boolean", "description": "True when the goal was reached, false when you give up." },
            "note": { "type": "string", "maxLength": NOTE_BYTES_MAX, "description": "What was achieved, or what is in the way." },
        },
        "required": ["reached"],
        "additionalProperties": false,
    });
    let status = json!({
        "type": "object",
        "properties": {
            "report": { "type": "string", "maxLength": NOTE_BYTES_MAX, "description": "Where the goal stands, in a few sentences; asked for when half of a budget is used." },
            "refresh": { "type": "boolean", "description": "Begin the run's next segment, and get the checkpoint to go on from. For a fresh agent." },
            "tokens_used": { "type": "integer", "minimum": 0, "description": "Tokens that you used in this run so far, all told." },
        },
        "additionalProperties": false,
    });
    vec![
        card(
            FINISH,
            "End this run: the goal is reached, or you give up. No call of it runs afterwards.",
            finish,
            false,
        ),
        card(
            STATUS,
            "Where this run stands: safe, warning or critical, what to do next, what is used and what is left.",
            status,
            true,
        ),
    ]
}

fn card(name: &str, description: &str, schema: Value, read_only: bool) -> ToolCard {
    let input_schema = match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    };
    ToolCard {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema,
        output_schema: None,
        read_only,
        idempotent: true,
        destructive: false,
        open_world: false,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StatusArguments {
    report: Option<String>,
    refresh: bool,
    tokens_used: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FinishArguments {
    reached: bool,
    note: Option<String>,
}

/// Answers one call of the host's own tools.
pub(super) async fn answer(host: &Host, trip: &mut Trip, suggestion: Suggestion) -> Outcome {
    match told(host, trip, suggestion).await {
        Ok(output) => {
            let mut outcome = outcome::blank(trip, Status::Completed, None);
            outcome.text = output.to_string();
            outcome.output = Some(output);
            outcome
        }
        Err(Ending::Denied(denied)) => outcome::refused(trip, denied).outcome,
        Err(Ending::Host(broken)) => outcome::host_failed(trip, broken).outcome,
        Err(Ending::Faulted(faulted)) => outcome::failed(trip, *faulted).outcome,
        Err(Ending::Recorded(recorded)) => *recorded,
    }
}

async fn told(host: &Host, trip: &mut Trip, suggestion: Suggestion) -> Result<Value, Ending> {
    let tool = suggestion.tool.clone();
    let (_, arguments, ..) = propose::propose(host, trip, suggestion).await?.into_parts();
    let run = trip.run.ok_or_else(|| propose::ledger_failed(&LedgerError::Closed))?;
    let done = match tool.as_str() {
        FINISH => finish(host, run, read(arguments)?).await,
        _ => status(host, run, read(arguments)?).await,
    };
    done.map_err(|error| propose::ledger_failed(&error))
}

fn read<T: for<'a> Deserialize<'a>>(arguments: Value) -> Result<T, Denied> {
    serde_json::from_value(arguments).map_err(|error| {
        Denied::new(
            Denial::InvalidArguments,
            format!("The arguments do not fit: {error}."),
            "Correct what is named and send the call again; the schema is in the list of tools.",
            format!("the agent's arguments do not fit: {error}"),
        )
    })
}

async fn finish(host: &Host, run: RunId, arguments: FinishArguments) -> Result<Value, LedgerError> {
    let note = arguments.note.map(|note| clean(host, &note));
    steer(host, run, Steer::Finished { reached: arguments.reached }, note).await?;
    Ok(json!({ "run": run, "finished": true, "reached": arguments.reached }))
}

async fn status(host: &Host, run: RunId, arguments: StatusArguments) -> Result<Value, LedgerError> {
    if let Some(tokens) = arguments.tokens_used {
        steer(host, run, Steer::Tokens(tokens), None).await?;
    }
    if let Some(report) = arguments.report {
        steer(host, run, Steer::Reported, Some(clean(host, &report))).await?;
    }
    let checkpoint = if arguments.refresh {
        let checkpoint = super::checkpoint(host, run).await?;
        steer(host, run, Steer::Refreshed, None).await?;
        Some(checkpoint)
    } else {
        None
    };
    let (guards, spend) = (Arc::clone(&host.policy.run.guards), Arc::clone(&host.policy.spend));
    let standing = host.ledger.standing(run, guards, spend, host.seams.now_ms()).await?;
    let standing = standing.ok_or(LedgerError::UnknownRun(run))?;
    let mut answer =
        serde_json::to_value(standing).map_err(|error| LedgerError::Encode(error.to_string()))?;
    if let Value::Object(answer) = &mut answer {
        answer.insert("run".to_owned(), json!(run));
        answer.insert("checkpoint".to_owned(), json!(checkpoint));
    }
    Ok(answer)
}

fn clean(host: &Host, text: &str) -> String {
    let mut end = text.len().min(NOTE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    host.sanitizer.text(text.get(..end).unwrap_or_default()).value
}

async fn steer(host: &Host, run: RunId, steer: Steer, note: Option<String>) -> Result<(), LedgerError> {
    let steering = Steering { run, steer, by: "agent".to_owned(), note, at_ms: host.seams.now_ms() };
    host.ledger.steer(steering).await.map(drop)
}
