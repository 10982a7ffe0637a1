//! `toolgate trace`: what happened in one run, call by call, as a tree.
//!
//! Invariant: whatever an agent or a guest wrote is cleaned and shortened before it reaches the terminal.

use super::ledger::LedgerArg;
use super::{CliError, Console, JsonArg, ids};
use toolgate::guard::event::Steer;
use toolgate::ledger::{AnswerTrace, CallContent, CallState, CallTrace, Resolution, RunTrace};
use toolgate::sanitizer::clean_line;
use toolgate::sanitizer::envelope::unwrapped;

/// Characters of one value shown.
const SHOWN_CHARS_MAX: usize = 160;

/// Show what happened in one run.
#[derive(Debug, clap::Args)]
pub(super) struct Trace {
    #[command(flatten)]
    ledger: LedgerArg,
    /// The run's id, or the beginning of it.
    run: String,
    /// Also what was expected and what came, and the guards with their numbers at that moment.
    #[arg(long)]
    why: bool,
    #[command(flatten)]
    json: JsonArg,
}

impl Trace {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let run = ids::run(&self.run, &self.ledger)?;
        let trace = self.ledger.read()?.trace(run)?;
        let Some(trace) = trace else {
            return Err(CliError::Usage(format!("the ledger has no {run}; `toolgate runs` lists the runs")));
        };
        if self.json.json {
            console.json(&trace)?;
        } else {
            print(&trace, self.why, console)?;
        }
        Ok(0)
    }
}

/// A Unix time in milliseconds, as people read it.
pub(super) fn when(unix_ms: u64) -> String {
    let at = i64::try_from(unix_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map_or_else(|| unix_ms.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn print(trace: &RunTrace, why: bool, console: &mut Console) -> Result<(), CliError> {
    let run = &trace.summary;
    let name = run.name.as_deref().map(|name| format!(" \"{}\"", clean_line(name))).unwrap_or_default();
    console.line(format!(
        "{}{name}  principal {}  opened {}",
        run.run,
        clean_line(&run.principal),
        when(run.opened_ms)
    ))?;
    if let Some(goal) = &trace.goal {
        console.line(format!("goal: {}", short(goal)))?;
    }
    for steered in &trace.steered {
        let note = steered.note.as_deref().map_or_else(String::new, |note| format!(": {}", short(note)));
        console.line(format!(
            "{}  {} by {}{note}",
            when(steered.at_ms),
            course(&steered.steer),
            clean_line(&steered.by)
        ))?;
    }
    let last = trace.calls.len().saturating_sub(1);
    for (index, call) in trace.calls.iter().enumerate() {
        let (branch, stem) = if index == last { ("└─", "   ") } else { ("├─", "│  ") };
        console.line(format!(
            "{branch} {} {}  {}  {}",
            mark(call.state),
            call.tool,
            state(call),
            took(call)
        ))?;
        let reasons = if why { reasons(call) } else { Vec::new() };
        for line in details(call, &trace.answers).into_iter().chain(reasons) {
            console.line(format!("{stem}  {line}"))?;
        }
    }
    Ok(())
}

/// What changed a run's course, in words.
fn course(steer: &Steer) -> String {
    match steer {
        Steer::Paused(why) => format!("paused ({})", short(why)),
        Steer::Halted(why) => format!("halted ({})", short(why)),
        Steer::Continued => "continued".to_owned(),
        Steer::Finished { reached: true } => "finished: the goal is reached".to_owned(),
        Steer::Finished { reached: false } => "finished: the goal is given up".to_owned(),
        Steer::Reported => "reported where the goal stands".to_owned(),
        Steer::Refreshed => "a new segment began".to_owned(),
        Steer::Tokens(tokens) => format!("{tokens} tokens were reported"),
    }
}

/// Expected, actual, and the guards with their numbers.
fn reasons(call: &CallTrace) -> Vec<String> {
    let Some(content) = &call.content else { return Vec::new() };
    let mut lines = Vec::new();
    if content.expected.is_some() {
        let met = match content.met {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        lines.push(format!("{:<10} {met}", "as expected"));
    }
    if !content.guards.is_empty() {
        let numbers = content.guards.iter().map(|(guard, (used, limit))| format!("{guard} {used}/{limit}"));
        lines.push(format!("{:<10} {}", "guards", numbers.collect::<Vec<_>>().join(", ")));
    }
    lines
}

fn mark(state: CallState) -> &'static str {
    match state {
        CallState::Completed => "✓",
        CallState::Recorded => "↺",
        CallState::Refused => "✋",
        CallState::Failed => "✗",
        CallState::Started => "…",
        CallState::InDoubt | CallState::Abandoned => "?",
    }
}

fn state(call: &CallTrace) -> String {
    let word = match call.state {
        CallState::Completed => "completed",
        CallState::Recorded => "recorded answer",
        CallState::Refused => "refused",
        CallState::Failed => "failed",
        CallState::Started => "running",
        CallState::InDoubt => match call.resolved {
            None => "in doubt",
            Some(Resolution::Done) => "in doubt, resolved: it happened",
            Some(Resolution::Retry) => "in doubt, resolved: it did not happen",
            Some(Resolution::Abandon) => "in doubt, given up",
        },
        CallState::Abandoned => "abandoned",
    };
    call.reason.as_ref().map_or_else(|| word.to_owned(), |reason| format!("{word}: {reason}"))
}

fn took(call: &CallTrace) -> String {
    call.ended_ms.map_or_else(String::new, |ended| format!("{} ms", ended.saturating_sub(call.at_ms)))
}

fn details(call: &CallTrace, answers: &[AnswerTrace]) -> Vec<String> {
    let mut lines = vec![format!("{}  {}", call.call, when(call.at_ms))];
    if !call.rules.is_empty() {
        lines.push(format!("rule       {}", call.rules.join(", ")));
    }
    if let Some(approval) = &call.approval {
        let answer = answers.iter().find(|answer| answer.approval == *approval);
        lines.push(format!(
            "{:<10} {}{}",
            "approval",
            clean_line(approval),
            answer.map_or_else(String::new, said)
        ));
    }
    if let Some((by, at_ms)) = call.resolved_by.as_deref().zip(call.resolved_ms) {
        lines.push(format!("{:<10} {}", "resolved", whose(by, at_ms, None)));
    }
    match &call.content {
        Some(content) => content_lines(content, &mut lines),
        None if call.erased => lines.push("its content was erased by `toolgate prune`".to_owned()),
        None => {}
    }
    lines
}

/// What a person answered, behind the approval.
fn said(answer: &AnswerTrace) -> String {
    let word = if answer.approved { "approved" } else { "denied" };
    format!("  {word} {}", whose(&answer.by, answer.at_ms, answer.why.as_deref()))
}

/// Who answered, when and why, in one line.
pub(super) fn whose(by: &str, at_ms: u64, why: Option<&str>) -> String {
    let why = why.map_or_else(String::new, |why| format!(": {}", short(why)));
    format!("by {}, {}{why}", clean_line(by), when(at_ms))
}

fn content_lines(content: &CallContent, lines: &mut Vec<String>) {
    let mut say = |what: &str, text: Option<String>| {
        if let Some(text) = text {
            lines.push(format!("{what:<10} {}", short(&text)));
        }
    };
    say("thought", content.thought.clone());
    say("arguments", content.arguments.as_ref().map(ToString::to_string));
    say("key", content.key.clone());
    say("expected", content.expected.as_ref().map(ToString::to_string));
    let Some(outcome) = &content.outcome else { return };
    // Without the envelope, which tells a model and no person where the text comes from.
    say(
        "answer",
        Some(
            outcome.output.as_ref().map_or_else(|| unwrapped(&outcome.text).to_owned(), ToString::to_string),
        ),
    );
    let usage = &outcome.usage;
    if outcome.attempts > 0 {
        say(
            "usage",
            Some(format!(
                "fuel {}, {} µs, {} KiB memory, {} bytes out, {} host calls, ${:.6}",
                usage.fuel,
                usage.wall_us,
                usage.memory_bytes / 1024,
                usage.output_bytes,
                usage.host_calls,
                usage.cost_usd
            )),
        );
    }
    for finding in &outcome.findings {
        say("found", Some(format!("{} at {:?}: {}", finding.class, finding.path, finding.detail)));
    }
    for log in &content.logs {
        say(&log.level, Some(log.text.clone()));
    }
}

/// One line of it, not too long.
pub(super) fn short(text: &str) -> String {
    let line = clean_line(text);
    match line.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
