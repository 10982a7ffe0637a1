//! Power loss: whatever part of the unsynced writes reaches the disk, no synced record is lost and the chain
//! verifies; and each single sync is needed for that.
//!
//! A ledger works on real files through a VFS and a disk that record; then, for many moments, images of what the
//! disk may hold are made and opened. `POWER_LOSS_IMAGES` sets how many (default 1500).

mod image;
mod log;
mod vfs;

use crate::support::chance::Chance;
use crate::support::{entries, folder_in_memory, number};
use image::Platter;
use log::{Class, Event, RecordingDisk};
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use toolgate::call::{CallId, Outcome, RunId, Status};
use toolgate::ledger::{
    CallState, Durability, Effect, Ending, Intent, Ledger, LedgerOptions, NewRun, Start, Told,
};

#[test]
fn no_synced_record_is_lost_to_a_power_loss() {
    let record = Recorded::make(None);
    let images = number("POWER_LOSS_IMAGES").unwrap_or(1_500);
    if let Some(failure) = record.first_failure(0..images) {
        panic!("{failure}");
    }
}

macro_rules! each_sync_is_needed {
    ($($name:ident: $class:ident),+ $(,)?) => {$(
        #[test]
        fn $name() {
            let record = Recorded::make(Some(Class::$class));
            assert!(record.ignored_count > 0, "no sync of this class was ever done");
            let mut passes = (0..40).map(|pass| 500 * pass..500 * (pass + 1));
            assert!(passes.any(|images| record.first_failure(images).is_some()), "the records survive without this sync");
        }
    )+};
}

each_sync_is_needed! {
    without_the_syncs_of_creation_there_is_half_a_ledger: Creation,
    without_the_sync_of_intents_a_started_call_is_lost: Intent,
    without_the_sync_of_endings_an_answered_call_is_lost: Ending,
    without_the_sync_of_the_log_before_a_checkpoint_the_ledger_is_damaged: CheckpointLog,
    without_the_sync_of_the_database_after_a_checkpoint_records_are_lost: CheckpointDatabase,
    without_the_sync_of_a_new_logs_header_old_frames_come_back: LogHeader,
    without_the_sync_of_the_folder_the_files_are_lost: Folder,
    without_the_sync_of_the_folder_above_the_folder_is_lost: ParentFolder,
}

/// Everything that happened to one ledger.
struct Recorded {
    folder: PathBuf,
    events: Vec<Event>,
    ignored_count: usize,
    _dir: TempDir,
}

impl Recorded {
    /// Lets a ledger work, without the syncs of one class.
    fn make(ignored: Option<Class>) -> Self {
        vfs::register();
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().canonicalize().expect("a path").join("made");
        log::with(&folder, |log| log.ignored = ignored);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(work(&folder));
        let (events, ignored_count) =
            log::with(&folder, |log| (std::mem::take(&mut log.events), log.ignored_count));
        Self { folder, events, ignored_count, _dir: dir }
    }

    /// Opens images of many moments until one does not hold what was promised.
    fn first_failure(&self, images: Range<u64>) -> Option<String> {
        let moment = |number| (Chance::new(number).index(self.events.len() + 1), number);
        let mut moments: Vec<(usize, u64)> = images.map(moment).collect();
        moments.sort_unstable();
        let mut platter = Platter::new(&self.folder);
        let mut promised = Vec::new();
        let mut happened = 0;
        for (moment, number) in moments {
            while happened < moment {
                let event = &self.events[happened];
                platter.take(event);
                if let Event::Promised { call, ended } = event {
                    promised.push((*call, *ended));
                }
                happened += 1;
            }
            let into = folder_in_memory();
            let there = platter.write(into.path(), &mut Chance::new(!number));
            let broken = if there {
                broken_promise(into.path(), &promised)
            } else {
                promised.first().map(|_| "all is gone".to_owned())
            };
            if let Some(broken) = broken {
                return Some(format!("image {number}, power lost after event {moment}: {broken}"));
            }
        }
        None
    }
}

/// Reopens an image and looks for every promise.
fn broken_promise(folder: &Path, promised: &[(u64, bool)]) -> Option<String> {
    let ledger = match Ledger::open(LedgerOptions::new(folder.join("ledger.db")), 9_000) {
        Ok(ledger) => ledger,
        Err(error) => return Some(error.to_string()),
    };
    let reader = match ledger.reader() {
        Ok(reader) => reader,
        Err(error) => return Some(error.to_string()),
    };
    match reader.verify(None) {
        Ok(report) if report.ok => {}
        Ok(report) => return Some(format!("{:?}", report.broken.first())),
        Err(error) => return Some(error.to_string()),
    }
    let trace = reader.trace(run()).map_err(|error| error.to_string());
    let calls = match trace {
        Ok(trace) => trace.map(|trace| trace.calls).unwrap_or_default(),
        Err(error) => return Some(error),
    };
    promised.iter().find_map(|(number, ended)| {
        let state = calls.iter().find(|trace| trace.call == call(*number)).map(|trace| trace.state);
        let kept = match state {
            Some(CallState::Completed) => true,
            Some(CallState::InDoubt) => !ended,
            _ => false,
        };
        (!kept).then(|| format!("call {number} (ended: {ended}) is {state:?}"))
    })
}

/// A few rounds of synced and of only committed calls, with a checkpoint between them.
async fn work(folder: &Path) {
    let disk = Arc::new(RecordingDisk { folder: folder.to_owned() });
    let path = folder.join("ledger.db");
    let ledger = Ledger::open(LedgerOptions { path: path.clone(), disk }, 1_000).expect("a ledger");
    let new = NewRun {
        id: run(),
        principal: "default".to_owned(),
        name: None,
        policy_digest: [1; 32],
        goal: None,
        context: None,
        parent: None,
        at_ms: 1_000,
    };
    ledger.open_run(new).await.expect("a run");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let checkpointer = Connection::open_with_flags_and_vfs(&path, flags, vfs::NAME).expect("a connection");
    checkpointer.execute_batch("PRAGMA synchronous = NORMAL").expect("a setting");
    for round in 0..4 {
        for n in 0..4 {
            synced_call(&ledger, folder, 100 * round + n).await;
        }
        for n in 50..54 {
            committed_call(&ledger, 100 * round + n).await;
        }
        checkpointer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).expect("a checkpoint");
        for n in 60..62 {
            committed_call(&ledger, 100 * round + n).await;
        }
    }
    synced_call(&ledger, folder, 900).await;
    // As the power would: nobody signs off, and what closing writes is not part of the record.
    log::with(folder, |log| log.purpose = None);
    let events = log::with(folder, |log| log.events.len());
    drop((ledger, checkpointer));
    log::with(folder, |log| log.events.truncate(events));
}

async fn synced_call(ledger: &Ledger, folder: &Path, n: u64) {
    log::with(folder, |log| log.purpose = Some(Class::Intent));
    let started = ledger.start(intent(n, Effect::Once), Durability::Synced).await.expect("a start");
    assert!(matches!(started.start, Start::Fresh(_)));
    log::with(folder, |log| log.events.push(Event::Promised { call: n, ended: false }));
    log::with(folder, |log| log.purpose = Some(Class::Ending));
    ledger.end(ending(n), Durability::Synced).await.expect("an ending");
    log::with(folder, |log| log.events.push(Event::Promised { call: n, ended: true }));
}

async fn committed_call(ledger: &Ledger, n: u64) {
    ledger.start(intent(n, Effect::ReadOnly), Durability::Committed).await.expect("a start");
    ledger.end(ending(n), Durability::Committed).await.expect("an ending");
}

fn run() -> RunId {
    RunId::new(1_000, [1; 10])
}

fn call(n: u64) -> CallId {
    let [a, b, c, d, e, f, g, h] = n.to_be_bytes();
    CallId::new(1_000, [0, 0, a, b, c, d, e, f, g, h])
}

fn intent(n: u64, effect: Effect) -> Intent {
    Intent {
        arguments: json!({ "text": "x".repeat(1_500) }),
        arguments_digest: [1; 32],
        key: (effect == Effect::Once).then(|| format!("key {n}")),
        at_ms: 1_000 + n,
        ..entries::intent(run(), call(n), "default", "echo", effect)
    }
}

fn ending(n: u64) -> Ending {
    let output = Some(json!({ "text": "y".repeat(1_500) }));
    let outcome = Outcome { output, ..entries::outcome(run(), call(n), "echo", Status::Completed) };
    Ending {
        call: call(n),
        outcome,
        logs: Vec::new(),
        in_doubt: false,
        told: Told::NOTHING,
        good: None,
        guards: Vec::new(),
        met: None,
        at_ms: 1_000 + n,
    }
}
