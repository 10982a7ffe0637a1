//! The kill switch, tried: in memory, over the file, by hand and by threads, and between processes.
//!
//! A real guest is in `guest.rs` alone. Invariant: nothing waits for a time to pass; what takes a while is asked
//! for until it holds, and a host by hand ([`Hand`]) looks when it is told to.

mod board;
mod by_hand;
mod guest;
mod hosts;
mod loss;
mod processes;
mod stress;

use super::connection::Database;
use super::running::{Running, Shared};
use super::watch::{Clock, Watcher};
use super::*;
use crate::call::RunId;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longer than anything takes on the slowest machine.
const LONG: Duration = Duration::from_secs(30);

const NOW_MS: u64 = 1_700_000_000_000;

fn run(number: u8) -> RunId {
    RunId::new(NOW_MS, [number; 10])
}

fn tool(name: &str) -> Target {
    Target::Tool(name.to_owned())
}

/// A control database that does not exist yet.
struct Room {
    _folder: TempDir,
    path: PathBuf,
}

impl Room {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = path_beside(&folder.path().join("state/ledger.db"));
        Self { _folder: folder, path }
    }

    fn open(&self) -> Control {
        Control::open(&self.path, NOW_MS).expect("a sound database")
    }

    fn kill_within(&self, target: &Target, wait: Duration, force: bool) -> KillReport {
        let order = Kill { target, why: "a test", now_ms: NOW_MS, wait, force };
        kill(&self.path, &order).expect("it is written")
    }

    fn kill(&self, target: &Target) -> KillReport {
        self.kill_within(target, LONG, false)
    }

    fn unkill(&self, target: &Target) -> Option<Switch> {
        unkill(&self.path, target).expect("it is written")
    }

    /// Another connection, as a curious person would make one.
    fn sql(&self, text: &str) {
        let connection = rusqlite::Connection::open(&self.path).expect("it is a database");
        connection.busy_timeout(LONG).expect("a setting");
        connection.execute_batch(text).expect("sound SQL");
    }
}

fn only(report: &KillReport) -> Answer {
    assert_eq!(report.hosts.len(), 1, "{report:?}");
    report.hosts[0].answer
}

#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// A host whose thread is the test: it looks and acknowledges when it is told to.
struct Hand {
    shared: Arc<Shared>,
    watcher: Watcher,
    host: u64,
}

impl Hand {
    fn open(room: &Room) -> Self {
        let mut database = Database::open_or_make(&room.path).expect("a sound database");
        let process = Process::current().expect("a system with /proc");
        let (host, lock) = database.register(&process, NOW_MS).expect("it is written");
        let shared = Arc::new(Shared::new(lock));
        let watcher = Watcher::begin(database, host, Arc::clone(&shared), Clock::starting(NOW_MS));
        Self { watcher: watcher.expect("nothing is lost"), shared, host }
    }

    fn enter(&self, run: impl Into<Lineage>, tool: &str) -> Result<Running, Killed> {
        Running::enter(&self.shared, run.into(), tool)
    }
}
