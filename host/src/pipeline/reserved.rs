//! The host's own tools: `toolgate_status` and `toolgate_finish`, which any client can call.
//!
//! They answer about the run and steer it; no guest runs, so they need no permit and cost no step. What changes anything
//! counts as a proposal, and what makes no sense as a refusal; what only reads writes nothing. Not here: where a run stands,
//! and what may be said about it (`guard/`). Invariant: they can end or refresh the caller's own run and nothing else, and
//! not even that one while it stands or its kill switch is on; no policy names them, and no tool of a policy can take their
//! names.

use super::ending::{Denied, Ending};
use super::intent::{self, Unended};
use super::run::Trip;
use super::{course, decide, outcome, propose, record};
use crate::call::{Denial, Outcome, RunId, Status, Suggestion};
use crate::catalog::ToolCard;
use crate::gate::Host;
use crate::guard::event::Steer;
use crate::guard::{GuardName, Reading, Refusal, Why};
use crate::ledger::{LedgerError, Turn};
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
            "refresh": { "type": "boolean", "description": "Get the checkpoint to go on from, and begin the run's next segment where the last one is old enough. For a fresh agent." },
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
            "Where this run stands: safe, warning or critical, what to do next, what is used and what is left. To look costs nothing; a report or a new segment counts as a suggested call.",
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

/// What is answered, and the labels of what it quotes.
struct Told {
    output: Value,
    taint: Vec<String>,
}

impl From<Value> for Told {
    fn from(output: Value) -> Self {
        Self { output, taint: Vec::new() }
    }
}

/// Answers one call of the host's own tools.
pub(super) async fn answer(host: &Host, trip: &mut Trip, suggestion: Suggestion) -> Outcome {
    let told = told(host, trip, suggestion).await;
    match course::first(host, trip, told).await {
        Ok(told) => {
            let mut outcome = outcome::blank(trip, Status::Completed, None);
            outcome.text = told.output.to_string();
            outcome.output = Some(told.output);
            outcome.taint = told.taint;
            outcome
        }
        Err(ending) if is_recorded(trip, &ending) => {
            record::record(host, trip, Unended::new(host), Err(ending)).await
        }
        Err(Ending::Denied(denied)) => outcome::refused(trip, denied).outcome,
        Err(Ending::Host(broken)) => outcome::host_failed(trip, broken).outcome,
        Err(Ending::Faulted(faulted)) => outcome::failed(trip, *faulted).outcome,
        Err(Ending::Recorded(recorded)) => *recorded,
    }
}

/// What the agent could have avoided counts like any refusal, and where the guard that refuses also halts a run, that
/// goes on the ledger with it. For a run that stands, or was killed, nothing is written.
fn is_recorded(trip: &Trip, ending: &Ending) -> bool {
    let misshapen = |denied: &Denied| {
        matches!(denied.code, Denial::Malformed | Denial::TooLarge | Denial::InvalidArguments)
    };
    trip.steer.is_some() || matches!(ending, Ending::Denied(denied) if misshapen(denied))
}

async fn told(host: &Host, trip: &mut Trip, suggestion: Suggestion) -> Result<Told, Ending> {
    let tool = suggestion.tool.clone();
    let (_, arguments, ..) = propose::propose(host, trip, suggestion).await?.into_parts();
    let run = trip.run.ok_or_else(|| propose::ledger_failed(&LedgerError::Closed))?;
    match tool.as_str() {
        FINISH => finish(host, trip, run, read(arguments)?).await,
        _ => status(host, trip, run, read(arguments)?).await,
    }
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

async fn finish(
    host: &Host,
    trip: &mut Trip,
    run: RunId,
    arguments: FinishArguments,
) -> Result<Told, Ending> {
    let note = arguments.note.map(|note| clean(host, &note));
    turn(host, trip, run, vec![(Steer::Finished { reached: arguments.reached }, note)]).await?;
    Ok(json!({ "run": run, "finished": true, "reached": arguments.reached }).into())
}

async fn status(
    host: &Host,
    trip: &mut Trip,
    run: RunId,
    arguments: StatusArguments,
) -> Result<Told, Ending> {
    let StatusArguments { report, refresh, tokens_used } = arguments;
    let tokens = tokens_used.map(|tokens| (Steer::Tokens(tokens), None));
    let report = report.map(|report| (Steer::Reported, Some(clean(host, &report))));
    let refreshed = refresh.then_some((Steer::Refreshed, None));
    turn(host, trip, run, tokens.into_iter().chain(report).chain(refreshed).collect()).await?;
    standing(host, run, refresh).await.map_err(|error| propose::ledger_failed(&error))
}

/// Where the run stands, and the checkpoint where it is asked for.
async fn standing(host: &Host, run: RunId, with_checkpoint: bool) -> Result<Told, LedgerError> {
    let (checkpoint, taint) = match with_checkpoint {
        true => {
            let checkpoint = super::checkpoint(host, run).await?;
            (Some(checkpoint.value), checkpoint.taint)
        }
        false => (None, Vec::new()),
    };
    let standing = host.standing(run).await?;
    let mut output =
        serde_json::to_value(standing).map_err(|error| LedgerError::Encode(error.to_string()))?;
    if let Value::Object(members) = &mut output {
        members.insert("run".to_owned(), json!(run));
        members.insert("checkpoint".to_owned(), json!(checkpoint));
    }
    Ok(Told { output, taint })
}

fn clean(host: &Host, text: &str) -> String {
    let mut end = text.len().min(NOTE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    host.sanitizer.text(text.get(..end).unwrap_or_default()).value
}

/// Has written what the agent says, as far as it changes anything. Of a run that an operator has killed nothing is taken:
/// it is to be found as it was.
async fn turn(
    host: &Host,
    trip: &mut Trip,
    run: RunId,
    words: Vec<(Steer, Option<String>)>,
) -> Result<(), Ending> {
    if words.is_empty() {
        return Ok(());
    }
    if let Some(killed) = trip.lineage.as_ref().and_then(|run| host.control.check(run, &trip.tool)) {
        return Err(decide::switched_off(&killed).into());
    }
    let turn = Turn {
        call: trip.call,
        run,
        tool: trip.tool.clone(),
        policy_digest: host.policy.digest,
        thought: trip.note.thought.clone(),
        expected: trip.note.expected.clone(),
        words,
        guards: Arc::clone(&host.policy.run.guards),
        at_ms: host.seams.now_ms(),
    };
    match host.ledger.turn(turn).await {
        Ok(None) => Ok(()),
        Ok(Some(refusal)) => Err(unturned(trip, *refusal).into()),
        Err(error) => Err(propose::ledger_failed(&error)),
    }
}

/// A guard said no. That the run stands is told in words of its own, since it can still be looked at.
fn unturned(trip: &mut Trip, refusal: Refusal) -> Denied {
    if refusal.why.guard() != GuardName::Course {
        if let Why::Budget { used, limit, .. } = refusal.why {
            trip.readings.push(Reading { guard: refusal.why.guard(), used, limit });
        }
        return intent::guarded(trip, refusal);
    }
    let text = format!("{} Nothing of this call was written.", refusal.text(&trip.tool));
    let hint = "Stop here, and tell the user where the run stands: `toolgate_status` without arguments still says it.";
    let operator = refusal.operator(&trip.tool);
    Denied::new(refusal.code, text, hint, operator)
        .by(vec![format!("guard.{}", refusal.why.guard().as_str())])
}
