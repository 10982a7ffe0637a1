//! The operator's side, in a process of its own: throwing a switch and hearing what the hosts say, lifting it, and
//! listing.
//!
//! Invariants: a kill says that its switch is written only when it survives power loss; a host is called stopped only
//! where `report.rs` says so; a process is ended only when asked, only the one that registered, and not for a switch that
//! somebody has lifted meanwhile.

use super::connection::Database;
use super::error::ControlError;
use super::files;
use super::process::Life;
use super::report::{Answer, HostReport, HostSummary, KillReport, Written};
use super::table::{Listed, Thrown};
use super::target::{Switch, Target};
use std::path::Path;
use std::time::{Duration, Instant};

/// Time between two looks for answers.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How long a process may take to end after SIGKILL before it is called unreachable.
const FORCED_END_MAX: Duration = Duration::from_secs(5);

/// What to kill, and how long to wait.
#[derive(Debug, Clone)]
pub struct Kill<'a> {
    /// What to stop.
    pub target: &'a Target,
    /// Why, for whoever finds it stopped; may be empty. At most 1,000 bytes.
    pub why: &'a str,
    /// The time, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// How long to wait for the hosts' answers, by the monotonic clock.
    pub wait: Duration,
    /// End the processes (SIGKILL) of hosts that have not answered by then, and of all hosts when the switch cannot be
    /// written. All their calls end, not only those that are meant.
    pub force: bool,
}

/// Throws a switch and waits for every registered host. It stays on, over restarts and power loss, until [`unkill`].
/// Without a database yet, makes one, so that a later host starts with the switch on. A switch that is on already is
/// asked after once more. Nobody can answer to one that is lifted meanwhile: then the wait is over, nothing is forced, and
/// the report says so ([`Written::Lifted`]).
///
/// # Errors
/// When the switch could not be written, or is on and may not survive power loss ([`ControlError::NotSynced`]). Hosts
/// that do not answer are no error; they are in the report. Nor is it one, where force was asked for, that the switch
/// cannot be written while the hosts can be listed: the report says so ([`Written::Nowhere`]).
pub fn kill(path: &Path, kill: &Kill<'_>) -> Result<KillReport, ControlError> {
    let (mut database, thrown) = match throw(path, kill) {
        Err(error) if kill.force && error.is_unwritable() => return end_unwritten(path, kill, error),
        thrown => thrown?,
    };
    database.sync()?;
    let mut written = match database.made {
        false => Written::Watched,
        true if files::hosts_have_run(path) => Written::Remade,
        true => Written::New,
    };
    let Thrown { switch, was_on, hosts, said } = thrown;
    let generation = switch.generation;
    let stopped_before = |host: &Listed| said.get(&host.id).copied().flatten().map_or(0, |said| said.stopped);
    let asked = hosts.into_iter().map(|host| Asked::new(stopped_before(&host), host));
    let mut asked: Vec<Asked> = asked.collect();
    let deadline = Instant::now() + kill.wait;
    // What cannot be read is not lifted.
    let lifted = |database: &Database| database.is_on(generation) == Ok(false);
    loop {
        hear(&database, generation, &mut asked);
        if have_stopped(&asked) || lifted(&database) || Instant::now() >= deadline {
            break;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    if kill.force {
        end(path, &mut asked, || !lifted(&database));
    }
    if !have_stopped(&asked) && lifted(&database) {
        written = Written::Lifted;
        for asked in asked.iter_mut().filter(|asked| !asked.answer.is_stopped()) {
            asked.answer = Answer::Lifted;
        }
    }
    // Hosts that are gone are struck out by the next host at the latest.
    let _ = database.strike_out();
    Ok(KillReport::new(switch, was_on, written, asked.iter().map(Asked::report).collect()))
}

fn throw(path: &Path, kill: &Kill<'_>) -> Result<(Database, Thrown), ControlError> {
    let mut database = Database::open_or_make(path)?;
    let thrown = database.throw(kill.target, kill.why, kill.now_ms)?;
    Ok((database, thrown))
}

/// Ends every host that can be listed, since none can be told.
fn end_unwritten(path: &Path, kill: &Kill<'_>, error: ControlError) -> Result<KillReport, ControlError> {
    // Where not even the list can be read, the first error says what is to be done.
    let Ok(Some(database)) = Database::open_to_read(path) else { return Err(error) };
    let Ok(hosts) = database.hosts() else { return Err(error) };
    let mut asked: Vec<Asked> = hosts.into_iter().map(|host| Asked::new(0, host)).collect();
    for asked in asked.iter_mut().filter(|asked| asked.host.life(path) == Life::Gone) {
        asked.answer = Answer::Gone;
    }
    end(path, &mut asked, || true);
    let on = database.switches().unwrap_or_default();
    let was_on = on.iter().any(|switch| switch.target == *kill.target);
    let switch = Switch {
        target: kill.target.clone(),
        since_ms: kill.now_ms,
        why: kill.why.to_owned(),
        generation: 0,
    };
    let written = Written::Nowhere { cause: error.to_string() };
    Ok(KillReport::new(switch, was_on, written, asked.iter().map(Asked::report).collect()))
}

/// Makes the database when it is missing, for a ledger that is new: a later kill that finds none knows that one was lost.
///
/// # Errors
/// When it cannot be made, or the file is something else.
pub fn prepare(path: &Path) -> Result<(), ControlError> {
    Database::open_or_make(path).map(drop)
}

/// Lifts a switch; gives it, or `None` when it was not on. Hosts let calls in again within 10 ms. Other switches stay:
/// lifting [`Target::All`] lifts no run's and no tool's.
///
/// # Errors
/// When the database cannot be written: the switch is on still; with [`ControlError::NotSynced`] it is off, and may be
/// on again after power loss.
pub fn unkill(path: &Path, target: &Target) -> Result<Option<Switch>, ControlError> {
    match Database::open_existing(path)? {
        Some(mut database) => {
            let lifted = database.lift(target)?;
            database.sync()?;
            Ok(lifted)
        }
        None => Ok(None),
    }
}

/// The switches that are on, the oldest first.
///
/// # Errors
/// When the database cannot be read.
pub fn switches(path: &Path) -> Result<Vec<Switch>, ControlError> {
    Database::open_to_read(path)?.map_or_else(|| Ok(Vec::new()), |database| database.switches())
}

/// The registered hosts, the oldest first.
///
/// # Errors
/// When the database cannot be read.
pub fn hosts(path: &Path) -> Result<Vec<HostSummary>, ControlError> {
    let hosts = Database::open_to_read(path)?.map_or_else(|| Ok(Vec::new()), |database| database.hosts())?;
    let summary = |host: Listed| HostSummary {
        host: host.id,
        pid: host.process.pid,
        registered_ms: host.registered_ms,
        life: host.life(path),
    };
    Ok(hosts.into_iter().map(summary).collect())
}

/// A host, and what it said so far.
struct Asked {
    host: Listed,
    /// Calls that it had stopped when this kill began.
    stopped_before: u64,
    answer: Answer,
}

impl Asked {
    fn new(stopped_before: u64, host: Listed) -> Self {
        Self { host, stopped_before, answer: Answer::Unreachable }
    }

    fn report(&self) -> HostReport {
        HostReport { host: self.host.id, pid: self.host.process.pid, answer: self.answer }
    }
}

fn have_stopped(asked: &[Asked]) -> bool {
    asked.iter().all(|asked| asked.answer.is_stopped())
}

/// Takes what the hosts have said. What cannot be read is not said.
fn hear(database: &Database, generation: u64, asked: &mut [Asked]) {
    // First who lives, then what they said: a host that answered and then ended has answered.
    let life = |asked: &Asked| asked.host.life(&database.path);
    let gone: Vec<bool> = asked.iter().map(|asked| life(asked) == Life::Gone).collect();
    let Ok(answers) = database.answers(generation) else { return };
    for (asked, gone) in asked.iter_mut().zip(gone).filter(|(asked, _)| !asked.answer.is_stopped()) {
        asked.answer = match answers.get(&asked.host.id) {
            Some(Some(said)) if said.running == 0 => {
                Answer::Acknowledged { stopped: said.stopped.saturating_sub(asked.stopped_before) }
            }
            None => Answer::Gone,
            _ if gone => Answer::Gone,
            Some(Some(said)) => Answer::Stopping { running: said.running },
            Some(None) => Answer::Unreachable,
        };
    }
}

/// Ends the processes that have not answered, for as long as they are meant.
fn end(path: &Path, asked: &mut [Asked], are_meant: impl Fn() -> bool) {
    for asked in asked.iter_mut().filter(|asked| !asked.answer.is_stopped()) {
        if !are_meant() {
            return;
        }
        // What cannot be ended stays unreachable.
        let signalled = asked.host.process.kill().is_ok();
        let deadline = Instant::now() + FORCED_END_MAX;
        while signalled && Instant::now() < deadline {
            if asked.host.life(path) == Life::Gone {
                asked.answer = Answer::Forced;
                break;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}
