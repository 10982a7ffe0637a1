//! The operator's side, in a process of its own: throwing a switch and hearing what the hosts say, lifting it, and
//! listing.
//!
//! Invariants: a kill returns a report only when its switch survives power loss; a host is called stopped only where
//! `report.rs` says so; a process is ended only when asked, and only the one that registered.

use super::connection::Database;
use super::error::ControlError;
use super::process::Life;
use super::report::{Answer, HostReport, HostSummary, KillReport};
use super::table::Listed;
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
    /// End the processes (SIGKILL) of hosts that have not answered by then. All their calls end, not only those
    /// that are meant.
    pub force: bool,
}

/// Throws a switch and waits for every registered host. It stays on, over restarts and power loss, until [`unkill`].
/// Without a database yet, makes one, so that a later host starts with the switch on. A switch that is on already is
/// asked after once more.
///
/// # Errors
/// When the switch could not be written, or is on and may not survive power loss ([`ControlError::NotSynced`]). Hosts
/// that do not answer are no error; they are in the report.
pub fn kill(path: &Path, kill: &Kill<'_>) -> Result<KillReport, ControlError> {
    let mut database = Database::open_or_make(path)?;
    let thrown = database.throw(kill.target, kill.why, kill.now_ms)?;
    database.sync()?;
    let Switch { target, since_ms, why, generation } = thrown.switch;
    let mut asked: Vec<Asked> = thrown.hosts.into_iter().map(Asked::new).collect();
    let deadline = Instant::now() + kill.wait;
    loop {
        hear(&database, generation, &mut asked);
        if asked.iter().all(|asked| asked.answer.is_stopped()) || Instant::now() >= deadline {
            break;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    if kill.force {
        end(&mut asked);
    }
    // Hosts that are gone are struck out by the next host at the latest.
    let _ = database.strike_out();
    let hosts = asked.iter().map(Asked::report).collect();
    let was_on = thrown.was_on;
    let mut report =
        KillReport { target, since_ms, why, generation, was_on, hosts, stopped: 0, all_stopped: false };
    report.sum_up();
    Ok(report)
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
    Database::open_existing(path)?.map_or_else(|| Ok(Vec::new()), |database| database.switches())
}

/// The registered hosts, the oldest first.
///
/// # Errors
/// When the database cannot be read.
pub fn hosts(path: &Path) -> Result<Vec<HostSummary>, ControlError> {
    let hosts = Database::open_existing(path)?.map_or_else(|| Ok(Vec::new()), |database| database.hosts())?;
    let summary = |host: Listed| HostSummary {
        host: host.id,
        pid: host.process.pid,
        registered_ms: host.registered_ms,
        life: host.process.life(),
    };
    Ok(hosts.into_iter().map(summary).collect())
}

/// A host, and what it said so far.
struct Asked {
    host: Listed,
    answer: Answer,
}

impl Asked {
    fn new(host: Listed) -> Self {
        Self { host, answer: Answer::Unreachable }
    }

    fn report(&self) -> HostReport {
        HostReport { host: self.host.id, pid: self.host.process.pid, answer: self.answer }
    }
}

/// Takes what the hosts have said. What cannot be read is not said.
fn hear(database: &Database, generation: u64, asked: &mut [Asked]) {
    // First who lives, then what they said: a host that answered and then ended has answered.
    let gone: Vec<bool> = asked.iter().map(|asked| asked.host.process.life() == Life::Gone).collect();
    let Ok(answers) = database.answers(generation) else { return };
    for (asked, gone) in asked.iter_mut().zip(gone).filter(|(asked, _)| !asked.answer.is_stopped()) {
        asked.answer = match answers.get(&asked.host.id) {
            Some(Some(said)) if said.running == 0 => Answer::Acknowledged { stopped: said.stopped },
            None => Answer::Gone,
            _ if gone => Answer::Gone,
            Some(Some(said)) => Answer::Stopping { running: said.running },
            Some(None) => Answer::Unreachable,
        };
    }
}

/// Ends the processes that have not answered.
fn end(asked: &mut [Asked]) {
    for asked in asked.iter_mut().filter(|asked| !asked.answer.is_stopped()) {
        // What cannot be ended stays unreachable.
        let signalled = asked.host.process.kill().is_ok();
        let deadline = Instant::now() + FORCED_END_MAX;
        while signalled && Instant::now() < deadline {
            if asked.host.process.life() == Life::Gone {
                asked.answer = Answer::Forced;
                break;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}
