//! `toolgate kill`: stop a run, a tool or everything, in every host on the ledger.
//!
//! Not here: the switch itself (`control/`). Invariants: the ledger is not opened before the hosts have answered, and not
//! waited for then, so a busy or broken one is in nobody's way; the exit code is 0 only when nothing that was meant can
//! run any more, and it is not known to be a slip.

use super::ledger::LedgerArg;
use super::{CliError, Console, JsonArg, ids};
use serde::Serialize;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;
use toolgate::Seams;
use toolgate::call::{RunId, nearest};
use toolgate::control::{self, Answer, ControlError, HostReport, KillReport, Target, Written};
use toolgate::ledger::{Ledger, LedgerError};
use toolgate::sanitizer::clean_line;

/// Something that was meant may still run.
const NOT_STOPPED: u8 = 1;

/// Nobody waits longer for an answer that takes milliseconds.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// Stop a run, a tool or everything, until `toolgate unkill`.
///
/// Running guests end, waiting calls are refused, and hosts that start later start with the switch on; a run's switch
/// is its child runs' too. Exit code 1 says that something that was meant may still run: some host did not answer, the
/// switch could not be written, somebody lifted it meanwhile, or the ledger has no such run and another may be meant.
#[derive(Debug, clap::Args)]
pub(super) struct Kill {
    #[command(flatten)]
    target: TargetArg,
    #[command(flatten)]
    ledger: LedgerArg,
    /// Why, for whoever finds it stopped; the agent is not told.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    /// How long to wait for the hosts to answer, and then for the ledger to say whether it has the run.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = wait)]
    wait: Duration,
    /// End the processes of hosts that have not answered by then, or of all hosts when the switch cannot be written, with
    /// all their calls.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    json: JsonArg,
}

/// What a switch stops: one of the three.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct TargetArg {
    /// The run's id, all of it; its child runs are meant too.
    run: Option<String>,
    /// The tool of this name, in all runs.
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// Everything.
    #[arg(long)]
    all: bool,
}

impl TargetArg {
    /// What was named.
    pub(super) fn target(self, ledger: &LedgerArg) -> Result<Target, CliError> {
        match (self.run, self.tool) {
            (Some(text), _) => match text.parse::<RunId>() {
                Ok(run) => Ok(Target::Run(run)),
                Err(_) => Err(not_whole(&text, ledger)),
            },
            (None, Some(tool)) => Ok(Target::Tool(tool)),
            (None, None) => Ok(Target::All),
        }
    }
}

impl Kill {
    pub(super) fn run(self, console: &mut Console) -> Result<u8, CliError> {
        let path = control_path(&self.ledger, console)?;
        let target = self.target.target(&self.ledger)?;
        if let Target::Tool(tool) = &target {
            refuse_misspelled(tool, &self.ledger)?;
        }
        let now_ms = Seams::system().now_ms();
        let Self { ledger, why, wait, force, json, .. } = self;
        let kill = control::Kill { target: &target, why: &why, now_ms, wait, force };
        let report = control::kill(&path, &kill).map_err(|error| not_thrown(error, force))?;
        let on_ledger = match &target {
            Target::Run(run) => look_up(*run, &ledger, wait).unwrap_or_default(),
            Target::Tool(_) | Target::All => OnLedger::default(),
        };
        let is_slip = on_ledger.run_on_ledger == Some(false);
        if json.json {
            console.json(&Told { report: &report, on_ledger })?;
        } else {
            print(&report, force, console)?;
            if is_slip {
                let near =
                    on_ledger.nearest.map_or_else(String::new, |near| format!(": did you mean {near}?"));
                console.note(format!(
                    "NOT STOPPED: there is no such run on this ledger, so what was meant may still run{near}"
                ));
            }
        }
        Ok(if report.all_stopped && !is_slip { 0 } else { NOT_STOPPED })
    }
}

/// What became of a kill, and whether there was anything to kill.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    report: &'a KillReport,
    #[serde(flatten)]
    on_ledger: OnLedger,
}

/// What the ledger says of the run that was named.
#[derive(Debug, Default, Serialize)]
struct OnLedger {
    /// Whether it has the run; `null` where none was named, or it did not say in time.
    run_on_ledger: Option<bool>,
    /// The run that was perhaps meant, where it has not.
    nearest: Option<RunId>,
}

/// Asks the ledger about a run; `None` where it does not say in time.
fn look_up(run: RunId, ledger: &LedgerArg, wait: Duration) -> Option<OnLedger> {
    let path = ledger.path().ok()?;
    if !path.try_exists().ok()? {
        return Some(OnLedger { run_on_ledger: Some(false), nearest: None });
    }
    let ask = move || -> Result<OnLedger, LedgerError> {
        let reader = Ledger::read(&path)?;
        if reader.lineage(run)?.is_some() {
            return Ok(OnLedger { run_on_ledger: Some(true), nearest: None });
        }
        let ids: Vec<String> = reader.runs()?.iter().map(|known| known.run.to_string()).collect();
        let near = nearest(&run.to_string(), ids.iter().map(String::as_str));
        Ok(OnLedger { run_on_ledger: Some(false), nearest: near.and_then(|id| id.parse().ok()) })
    };
    let (says, said) = mpsc::channel();
    // On a thread that is left alone: what is asked of a busy ledger waits for longer than anybody here.
    std::thread::spawn(move || says.send(ask()));
    said.recv_timeout(wait).ok()?.ok()
}

/// The control database of the ledger that is named.
pub(super) fn control_path(ledger: &LedgerArg, console: &mut Console) -> Result<PathBuf, CliError> {
    match ledger.path() {
        Ok(path) => Ok(control::path_beside(&path)),
        Err(error) => {
            console.note("hint: `--ledger FILE` names the ledger without a policy");
            Err(error)
        }
    }
}

/// What a switch stops, as a person reads it.
pub(super) fn named(target: &Target) -> String {
    clean_line(&target.to_string())
}

/// Part of an id is for reading: what a switch stops is written out, and so is what it may mean.
fn not_whole(text: &str, ledger: &LedgerArg) -> CliError {
    let meant = match ids::run(text, ledger) {
        Ok(run) => format!("; it would mean {run}"),
        Err(CliError::Usage(sentence)) => format!("; {sentence}"),
        Err(_) => String::new(),
    };
    let text = clean_line(text);
    CliError::Usage(format!("`{text}` is not all of a run's id, and a switch takes nothing less{meant}"))
}

/// A switch for a tool that does not exist stops nothing, and would look as if it had.
fn refuse_misspelled(tool: &str, ledger: &LedgerArg) -> Result<(), CliError> {
    let Some(tools) = ledger.tools()? else { return Ok(()) };
    if tools.iter().any(|name| name == tool) {
        return Ok(());
    }
    let near = nearest(tool, tools.iter().map(String::as_str));
    let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Err(CliError::Usage(format!(
        "the policy has no tool `{}`{near} (for a host with another policy, name its ledger with `--ledger FILE`)",
        clean_line(tool)
    )))
}

/// Nothing was thrown; what can be done all the same.
fn not_thrown(error: ControlError, force: bool) -> CliError {
    if force || !error.is_unwritable() {
        return error.into();
    }
    let sentence =
        format!("the switch is NOT written: {error}; --force ends the processes of the hosts all the same");
    CliError::Io(io::Error::other(sentence))
}

fn print(report: &KillReport, force: bool, console: &mut Console) -> Result<(), CliError> {
    let (target, hosts) = (named(&report.target), report.hosts.len());
    if let Written::Nowhere { cause } = &report.written {
        console.line(format!("{target}: the switch is NOT written, {hosts} hosts found"))?;
        console.note(format!("error: {cause}"));
    } else {
        let was = match report.written {
            Written::Lifted => "lifted meanwhile",
            _ if report.was_on => "was off already",
            _ => "switched off",
        };
        console.line(format!("{target}: {was}; {} calls stopped, {hosts} hosts asked", report.stopped))?;
    }
    if hosts > 0 {
        console.table(&["host", "pid", "answer"], report.hosts.iter().map(row).collect())?;
    }
    if report.written != Written::Lifted && report.hosts.iter().any(|host| !host.answer.is_stopped()) {
        let next =
            if force { "look at those processes yourself" } else { "try again, or end them with --force" };
        console.note(format!("NOT STOPPED everywhere: what was meant may still run in a host above; {next}"));
    }
    let lift = format!("lift it: toolgate unkill {}", clean_line(&report.target.arguments()));
    match &report.written {
        Written::Watched => console.note(lift),
        Written::New => console.note(format!("no host has ever run on this ledger; {lift}")),
        Written::Remade => console.note(format!(
            "NOT SEEN: there was no control database any more, so hosts that ran before are not asked; they stop by \
             themselves when they miss it, unless they hang: look for their processes; {lift}"
        )),
        Written::Lifted => console.note(
            "NOT STOPPED: somebody lifted the switch (`toolgate unkill`) before every host had answered, so calls run \
             again and no process was ended from then on; ask who did, and throw it again if it must be on",
        ),
        Written::Nowhere { .. } => {
            console.note("a host that starts now runs: throw the switch again when it can be written");
        }
    }
    Ok(())
}

fn row(host: &HostReport) -> Vec<String> {
    let answer = match host.answer {
        Answer::Acknowledged { stopped } => format!("acknowledged, {stopped} calls stopped"),
        Answer::Stopping { running } => format!("refuses new calls, {running} have NOT ENDED"),
        Answer::Gone => "gone".to_owned(),
        Answer::Unreachable => "UNREACHABLE".to_owned(),
        Answer::Forced => "process ended by force".to_owned(),
        Answer::Lifted => "not stopped, and the switch is off".to_owned(),
    };
    vec![host.host.to_string(), host.pid.to_string(), answer]
}

fn wait(text: &str) -> Result<Duration, String> {
    let span = text.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
    span.filter(|span| *span <= WAIT_MAX)
        .ok_or_else(|| "give a time of at most an hour, such as 2s or 500ms".to_owned())
}

impl From<ControlError> for CliError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Limit(sentence) => Self::Usage(sentence),
            other => Self::Io(io::Error::other(other)),
        }
    }
}
