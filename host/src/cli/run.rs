//! `toolgate run`: open a run, steer it, see where it stands; and `toolgate status`, the same question in short.
//!
//! Not here: what a run may do (`guard/`). Invariant: every change is a record on the ledger, by `operator`, and synced
//! before it is said to be done.

use super::ledger::LedgerArg;
use super::runs::Runs;
use super::{CliError, Console, JsonArg, PolicyArg, block_on, ids, note_unclosed};
use clap::Subcommand;
use serde_json::{Value, json};
use std::io;
use toolgate::Seams;
use toolgate::call::RunId;
use toolgate::control::{self, Killed, Target};
use toolgate::guard::event::Steer;
use toolgate::guard::{Course, NextAction, Standing, Status};
use toolgate::ledger::{Ledger, LedgerError, LedgerOptions, NewRun, RunTrace, Steering};
use toolgate::policy::Policy;
use toolgate::sanitizer::clean_line;

/// Open, steer and watch runs.
#[derive(Debug, clap::Args)]
pub(super) struct Run {
    #[command(subcommand)]
    command: RunCommand,
}

#[derive(Debug, Subcommand)]
enum RunCommand {
    /// Open a run; prints its id.
    Start(Start),
    /// Let no call of a run begin until it is resumed.
    Pause(Turn),
    /// Let calls of a paused or halted run begin again; says what would stop them all the same.
    Resume(Turn),
    /// Stop a run: no call of it begins any more.
    Halt(Turn),
    /// Say that a run is over.
    Finish(Finish),
    /// List the runs.
    List(Runs),
    /// Show where a run stands, and what is left to it.
    Status(StatusOf),
}

/// Open a run; prints its id.
#[derive(Debug, clap::Args)]
struct Start {
    /// Its name: a run of this name is found again instead of opened twice, with the goal, context and parent that it has.
    #[arg(long)]
    name: Option<String>,
    /// What the agent is after. A run with a goal pauses for a person at half of a budget.
    #[arg(long)]
    goal: Option<String>,
    /// Context of the run, one JSON object; without it, that of its parent.
    #[arg(long, value_name = "JSON", value_parser = super::json)]
    context: Option<Value>,
    /// The run that it is part of: what it spends counts there too.
    #[arg(long, value_name = "RUN")]
    parent: Option<RunId>,
    #[command(flatten)]
    policy: PolicyArg,
    #[command(flatten)]
    json: JsonArg,
}

/// The run stands, and what was asked changes nothing.
const REFUSED: u8 = 3;

/// A change of one run's course.
#[derive(Debug, clap::Args)]
struct Turn {
    /// The run's id, or the beginning of it.
    run: String,
    /// Why, for whoever reads the trace.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    #[command(flatten)]
    policy: PolicyArg,
    #[command(flatten)]
    json: JsonArg,
}

/// Say that a run is over.
#[derive(Debug, clap::Args)]
struct Finish {
    /// Its goal was not reached.
    #[arg(long)]
    gave_up: bool,
    #[command(flatten)]
    turn: Turn,
}

/// Show where a run stands, and what is left to it.
#[derive(Debug, clap::Args)]
pub(super) struct StatusOf {
    /// The run's id, or the beginning of it.
    run: String,
    #[command(flatten)]
    policy: PolicyArg,
    #[command(flatten)]
    json: JsonArg,
}

impl Run {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let said = |why: &str| if why.is_empty() { "the operator".to_owned() } else { clean_line(why) };
        match self.command {
            RunCommand::Start(start) => start.run(console),
            RunCommand::Pause(turn) => turn.steer(console, |why| Steer::Paused(said(why)), "paused"),
            RunCommand::Resume(turn) => turn.steer(console, |_| Steer::Continued, "resumed"),
            RunCommand::Halt(turn) => turn.steer(console, |why| Steer::Halted(said(why)), "halted"),
            RunCommand::Finish(Finish { gave_up, turn }) => {
                turn.steer(console, |_| Steer::Finished { reached: !gave_up }, "finished")
            }
            RunCommand::List(list) => list.run(console),
            RunCommand::Status(status) => status.run(console),
        }
    }
}

impl Start {
    fn run(self, console: &mut Console) -> Result<u8, CliError> {
        if self.context.as_ref().is_some_and(|context| !context.is_object()) {
            return Err(CliError::Usage(
                "--context is one JSON object, such as '{\"project_id\": 7}'".to_owned(),
            ));
        }
        let seams = Seams::system();
        let (goal, context, parent, name) = (self.goal, self.context, self.parent, self.name);
        let (id, unclosed) = on_ledger(&self.policy, |ledger, policy| async move {
            let at_ms = seams.now_ms();
            let principal = policy.host.principal.clone();
            let id = seams.run_id();
            let policy_digest = policy.digest;
            let asked = NewRun { id, principal, name, policy_digest, goal, context, parent, at_ms };
            let found = ledger.open_run(asked.clone()).await?;
            let has = if found == id { None } else { ledger.reader()?.trace(found)? };
            has.map_or(Ok(()), |has| is_as_asked(&asked, &has))?;
            Ok(found)
        })?;
        if self.json.json {
            console.json(&json!({ "run": id }))?;
        } else {
            console.line(id.to_string())?;
            console.note(format!(
                "name it in `_meta` as `toolgate/run`, or: toolgate call --run {id} TOOL JSON"
            ));
        }
        note_unclosed(unclosed, console);
        Ok(0)
    }
}

/// A run that is found again stays as it is: what is asked otherwise must not be dropped without a word.
fn is_as_asked(asked: &NewRun, has: &RunTrace) -> Result<(), CliError> {
    let other = [
        ("--goal", asked.goal.is_some() && asked.goal != has.goal),
        ("--context", asked.context.is_some() && asked.context != has.context),
        ("--parent", asked.parent.is_some() && asked.parent != has.parent),
    ];
    let other: Vec<&str> = other.into_iter().filter(|(_, other)| *other).map(|(option, _)| option).collect();
    if other.is_empty() {
        return Ok(());
    }
    let (run, options) = (has.summary.run, other.join(", "));
    Err(CliError::Usage(format!(
        "{run} has this name already, and its own value for {options}: a run that is found again stays as it is; \
         leave that out, or give the new run another name"
    )))
}

impl Turn {
    fn steer(
        self,
        console: &mut Console,
        steer: impl FnOnce(&str) -> Steer,
        done: &str,
    ) -> Result<u8, CliError> {
        let run = ids::run(&self.run, &LedgerArg::of_policy(self.policy.policy.clone()))?;
        let steer = steer(&self.why);
        let asked = steer.clone();
        let note = Some(self.why).filter(|why| !why.is_empty()).map(|why| clean_line(&why));
        let (standing, unclosed) = on_ledger(&self.policy, |ledger, policy| async move {
            known(&ledger, &policy, run).await?;
            let at_ms = Seams::system().now_ms();
            ledger.steer(Steering { run, steer, by: "operator".to_owned(), note, at_ms }).await?;
            Ok(ledger.standing(run, policy.run.guards, policy.spend, at_ms).await)
        })?;
        let standing = standing.map_err(|error| {
            let sentence = format!("it is on the ledger, but where {run} stands now cannot be read: {error}");
            CliError::Io(io::Error::other(sentence))
        })?;
        let standing = standing.ok_or_else(|| no_run(run))?;
        let stands = (!went(&asked, &standing.course)).then(|| word(&standing.course));
        let stopped = asked == Steer::Continued && standing.next_action != NextAction::Continue;
        match (stands, self.json.json) {
            (None, true) if stopped => {
                let Standing { next_action, reasons, lines, .. } = &standing;
                console.json(&json!({
                    "run": run, "done": done, "next_action": next_action, "reasons": reasons, "lines": lines
                }))?;
            }
            (None, false) if stopped => {
                console.line(format!("{run} is {done}, and yet: {}", next(standing.next_action)))?;
                for line in standing.reasons.iter().chain(&standing.lines) {
                    console.line(format!("  {line}"))?;
                }
            }
            (None, true) => console.json(&json!({ "run": run, "done": done }))?,
            (None, false) => console.line(format!("{run} is {done}"))?,
            (Some(word), true) => console.json(&json!({ "run": run, "done": null, "course": word }))?,
            (Some(word), false) => {
                console.line(format!("{run} is {word}, so it was not {done}"))?;
            }
        }
        note_unclosed(unclosed, console);
        Ok(if stands.is_some() { REFUSED } else { 0 })
    }
}

/// Whether the run's course is the one that was asked for.
fn went(asked: &Steer, course: &Course) -> bool {
    matches!(
        (asked, course),
        (Steer::Continued, Course::Running)
            | (Steer::Paused(_), Course::Paused(_))
            | (Steer::Halted(_), Course::Halted(_))
            | (Steer::Finished { .. }, Course::Finished)
    )
}

fn word(course: &Course) -> &'static str {
    match course {
        Course::Running => "running",
        Course::Paused(_) => "paused",
        Course::Halted(_) => "halted",
        Course::Finished => "finished",
    }
}

impl StatusOf {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let (policy, base) = toolgate::opening::load_policy(&self.policy.policy)?;
        let ledger = LedgerArg::of_policy(self.policy.policy);
        let (run, reader) = (ids::run(&self.run, &ledger)?, ledger.read()?);
        let now_ms = Seams::system().now_ms();
        let standing = reader.standing(run, &policy.run.guards, &policy.spend, now_ms)?;
        let (Some(mut standing), Some(lineage)) = (standing, reader.lineage(run)?) else {
            return Err(no_run(run));
        };
        let mut on = control::switches(&control::path_beside(&base.join(&policy.host.ledger)))?;
        on.retain(|switch| match &switch.target {
            Target::Tool(tool) => policy.tools.contains_key(tool),
            target => target.means(&lineage, ""),
        });
        let on: Vec<Killed> = on.iter().map(Killed::from).collect();
        control::count_in(&mut standing, &on, |killed| clean_line(&killed.to_string()));
        if self.json.json {
            console.json(&standing)?;
            return Ok(0);
        }
        show(&standing, console)?;
        Ok(0)
    }
}

/// Opens the policy's ledger as a host, works on it, and closes it. What was recorded stands however that ends, so the
/// error of closing comes beside it: it is said after the answer, by [`note_unclosed`].
pub(super) fn on_ledger<T, F>(
    policy: &PolicyArg,
    work: impl FnOnce(Ledger, Policy) -> F,
) -> Result<(T, Option<LedgerError>), CliError>
where
    F: Future<Output = Result<T, CliError>>,
{
    let (policy, base) = toolgate::opening::load_policy(&policy.policy)?;
    let path = base.join(&policy.host.ledger);
    if !path.exists() {
        // A new ledger has its control database from the start: a kill that finds none knows that it was lost.
        control::prepare(&control::path_beside(&path))?;
    }
    let options = LedgerOptions::new(path);
    block_on(async {
        let ledger = Ledger::open(options, Seams::system().now_ms())?;
        let done = work(ledger.clone(), policy).await?;
        Ok((done, ledger.close().await.err()))
    })
}

async fn known(ledger: &Ledger, policy: &Policy, run: RunId) -> Result<(), CliError> {
    match ledger.find_run(run, &policy.host.principal).await? {
        Some(_) => Ok(()),
        None => Err(no_run(run)),
    }
}

fn no_run(run: RunId) -> CliError {
    CliError::Usage(format!("there is no {run} for this principal; `toolgate runs` lists the runs"))
}

fn next(action: NextAction) -> &'static str {
    match action {
        NextAction::Continue => "continue",
        NextAction::CheckpointAndRefresh => "checkpoint and refresh",
        NextAction::WakeEngineer => "a person must look",
        NextAction::EmergencyHalt => "stopped: no call of it will run",
    }
}

fn show(standing: &Standing, console: &mut Console) -> io::Result<()> {
    let status = match standing.status {
        Status::Safe => "safe",
        Status::Warning => "warning",
        Status::Critical => "critical",
    };
    console.line(format!("{status}: {}", next(standing.next_action)))?;
    for reason in &standing.reasons {
        console.line(format!("  {reason}"))?;
    }
    let (used, left) = (json!(standing.usage), json!(standing.remaining));
    let cell = |of: &Value, key: &str| match of.get(key) {
        None | Some(Value::Null) => "–".to_owned(),
        Some(value) => value.to_string(),
    };
    let keys = used.as_object().into_iter().flat_map(|used| used.keys());
    let rows = keys.map(|key| vec![key.clone(), cell(&used, key), cell(&left, key)]).collect();
    console.table(&["", "used", "left"], rows)
}
