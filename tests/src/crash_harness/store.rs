//! A store that fails: its n-th write or sync finds the disk full, meets an I/O error, or writes half; once.
//!
//! It fails at the ledger's own seam and below SQLite, in the whole gate; `host/src/ledger/tests/disk.rs` does the
//! former for the ledger alone. A short write is one of SQLite's: our own seam has no bytes. Not here: a disk that
//! says it wrote and did not (`power_loss`). Invariant: one failure per ledger, so whatever is refused after it is
//! refused because the host remembers.

use super::agent::{Agent, Answer, Request};
use super::audit::{self, every_effect_has_its_intent, no_effect_is_lost_or_repeated};
use super::effects::{self, Tool};
use crate::support::vfs::{self, Fate, Tap};
use crate::support::{TestGate, assert_word, word};
use rusqlite::ffi;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use toolgate::call::{Outcome, Suggestion};
use toolgate::ledger::{CallState, Disk, Sync, SystemDisk};
use toolgate::{Gate, GateError, GateOptions};

/// More operations than this workload has.
const OPERATIONS_MAX: u64 = 5_000;
/// Fewer would mean that the failures miss most of it.
const OPERATIONS_MIN: u64 = 40;

/// One run for all that a folder sees, so that what is asked again is known again.
const RUN: &str = "[run]\nfrom = \"name\"\nname = \"store\"";

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// `ENOSPC`: nothing is written.
    DiskFull,
    /// `EIO`: nothing is written.
    IoError,
    /// Half is written, and then the disk is full.
    ShortWrite,
}

impl Failure {
    /// What SQLite is told of a write of so many bytes.
    fn of_write(self, bytes: usize) -> Fate {
        match self {
            Self::DiskFull => Fate::Failed { bytes: 0, code: ffi::SQLITE_FULL },
            Self::IoError => Fate::Failed { bytes: 0, code: ffi::SQLITE_IOERR_WRITE },
            Self::ShortWrite => Fate::Failed { bytes: bytes / 2, code: ffi::SQLITE_FULL },
        }
    }

    /// `errno(3)`, as Linux numbers it.
    fn of_system(self) -> io::Error {
        const EIO: i32 = 5;
        const ENOSPC: i32 = 28;
        io::Error::from_raw_os_error(if self == Self::IoError { EIO } else { ENOSPC })
    }
}

/// The disk of one gate, with a VFS of its own.
struct FailingStore {
    vfs: String,
    failure: Failure,
    left: AtomicU64,
    failed: AtomicBool,
}

impl FailingStore {
    /// Fails at its n-th operation, from 1.
    fn new(failure: Failure, nth: u64) -> Arc<Self> {
        let store = Arc::new(Self {
            vfs: format!("failing-store-{failure:?}-{nth}"),
            failure,
            left: AtomicU64::new(nth),
            failed: AtomicBool::new(false),
        });
        vfs::register(&store.vfs, Arc::clone(&store));
        store
    }

    fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    fn fails_now(&self) -> bool {
        let now = self.left.fetch_sub(1, Ordering::SeqCst) == 1;
        self.failed.fetch_or(now, Ordering::SeqCst);
        now
    }

    /// The same, of what is not a write of bytes.
    fn fails_now_whole(&self) -> bool {
        self.failure != Failure::ShortWrite && self.fails_now()
    }
}

impl Disk for FailingStore {
    fn vfs(&self) -> Option<&str> {
        Some(&self.vfs)
    }

    fn before_commit(&self) -> io::Result<()> {
        if self.fails_now_whole() { Err(self.failure.of_system()) } else { Ok(()) }
    }

    fn sync(&self, what: Sync, file: &File) -> io::Result<()> {
        if self.fails_now_whole() { Err(self.failure.of_system()) } else { SystemDisk.sync(what, file) }
    }
}

impl Tap for Arc<FailingStore> {
    fn write(&self, _path: &Path, _at: usize, bytes: &[u8]) -> Fate {
        if self.fails_now() { self.failure.of_write(bytes.len()) } else { Fate::Done }
    }

    fn sync(&self, _path: &Path) -> Fate {
        let code = ffi::SQLITE_IOERR_FSYNC;
        if self.fails_now_whole() { Fate::Failed { bytes: 0, code } } else { Fate::Done }
    }
}

macro_rules! whichever_operation_fails {
    ($($name:ident: $failure:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            whichever_operation_fails(Failure::$failure).await;
        }
    )+};
}

whichever_operation_fails! {
    whichever_write_or_sync_finds_the_disk_full_the_host_refuses_rather_than_forgets: DiskFull,
    whichever_write_or_sync_meets_an_io_error_the_host_refuses_rather_than_forgets: IoError,
    whichever_write_is_cut_short_the_host_refuses_rather_than_forgets: ShortWrite,
}

async fn whichever_operation_fails(failure: Failure) {
    for nth in 1..OPERATIONS_MAX {
        let store = FailingStore::new(failure, nth);
        holds(&store, nth).await;
        if !store.has_failed() {
            assert!(nth > OPERATIONS_MIN, "{failure:?}: there are only {nth} operations");
            println!("{failure:?}: each of {} operations failed once, and nothing was forgotten", nth - 1);
            return;
        }
    }
    panic!("{failure:?}: the store never got through");
}

/// A host on the store, and then one on the system's disk that is asked for everything again.
async fn holds(store: &Arc<FailingStore>, nth: u64) {
    let (test, mut agent) = (effects::host(RUN), Agent::new(nth));
    let options = GateOptions { disk: Arc::clone(store) as _, ..GateOptions::default() };
    match test.try_open(options).await {
        Ok(gate) => {
            assert!(!store.has_failed(), "operation {nth} failed, and the gate opened all the same");
            work(gate, store, &mut agent, nth).await;
        }
        Err(GateError::Ledger(error)) => assert!(store.has_failed(), "{error}"),
        Err(error) => panic!("operation {nth}: {error}"),
    }
    let told = agent.answers().to_vec();
    ask_for_everything_again(&test, &mut agent, nth).await;
    assert_eq!(test.verified().running, 0, "operation {nth}");
    let calls = audit::calls(&test);
    for answer in &told {
        let state = calls.get(&answer.call).map(|call| call.state);
        assert_eq!(state, Some(CallState::Completed), "operation {nth}: {answer:?} was promised");
    }
    for tool in Tool::WITH_EFFECT {
        let traces = effects::traces(&test, tool);
        every_effect_has_its_intent(tool, &traces, &calls);
        no_effect_is_lost_or_repeated(tool, &traces, &agent);
    }
}

/// Two rounds, the second of them on a store that has failed, if it ever does.
async fn work(gate: Gate, store: &FailingStore, agent: &mut Agent, nth: u64) {
    for _ in 0..2 {
        let had_failed = store.has_failed();
        let requests = Tool::ALL.map(|tool| agent.want(0, tool));
        let [a, b, c, d] = &requests;
        let outcomes: [Outcome; 4] =
            tokio::join!(ask(&gate, a), ask(&gate, b), ask(&gate, c), ask(&gate, d)).into();
        let unavailable = |outcome: &&Outcome| word(outcome) == "ledger_unavailable";
        let refused = outcomes.iter().filter(unavailable).count();
        let expected = match (had_failed, store.has_failed()) {
            (true, _) => 4..=4,
            (false, true) => 1..=4,
            (false, false) => 0..=0,
        };
        assert!(expected.contains(&refused), "operation {nth}: {refused} were refused in {outcomes:#?}");
        for (request, outcome) in requests.iter().zip(&outcomes).filter(|(_, outcome)| !unavailable(outcome))
        {
            assert_word(outcome, "completed");
            agent.hear(vec![Answer::new(request, outcome)]);
        }
    }
}

/// The next host knows what was promised, and does nothing twice that may be done only once.
async fn ask_for_everything_again(test: &TestGate, agent: &mut Agent, nth: u64) {
    let gate = test.open().await;
    for request in agent.requests().to_vec() {
        let outcome = ask(&gate, &request).await;
        let expected: &[&str] = match request.tool {
            Tool::Once => &["completed", "in_doubt"],
            _ => &["completed"],
        };
        assert!(expected.contains(&word(&outcome)), "operation {nth}: {outcome:#?}");
        agent.hear(vec![Answer::new(&request, &outcome)]);
    }
    gate.close().await.expect("the gate closes");
}

async fn ask(gate: &Gate, request: &Request) -> Outcome {
    let suggestion = Suggestion {
        run: None,
        tool: request.tool.as_str().to_owned(),
        arguments: request.arguments().into(),
        meta: request.meta(),
    };
    gate.call(suggestion, None).await
}
