//! Checkpoints: a thread copies the log back into the database, so that no commit has to.
//!
//! Not here: durability of records; that is the group sync's. Invariant: a checkpoint runs beside the writer
//! (PASSIVE), and only a log past its cap makes the writer wait, for one RESTART that waits for no reader.

use super::{Place, connect};
use crate::ledger::commit::Committer;
use crate::ledger::error::LedgerError;
use crate::ledger::health::Health;
use rusqlite::{Connection, OpenFlags};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Pages of 4 KiB by which the log grows between two checkpoints: 32 MiB. Smaller copies pages more often, and
/// begins the log anew more often, which costs one commit a sync; larger costs disk and recovery time. The unit tests
/// have small ones, so that they see checkpoints.
const STEP_PAGES: i32 = if cfg!(test) { 64 } else { 8_192 };

/// The log's cap in pages: 128 MiB.
const CAP_PAGES: i32 = 4 * STEP_PAGES;

/// How far the log has grown; the writer reports, the thread waits.
#[derive(Default)]
pub(in crate::ledger) struct Growth {
    pages: AtomicI32,
    due: AtomicI32,
    state: Mutex<Wish>,
    wake: Condvar,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Wish {
    #[default]
    Nothing,
    Checkpoint,
    Stop,
}

impl Growth {
    /// Lets the writer's connection report each commit.
    pub(super) fn watch(self: &Arc<Self>, connection: &mut Connection) -> rusqlite::Result<()> {
        self.due.store(STEP_PAGES, Ordering::Relaxed);
        let growth = Arc::clone(self);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            growth.report(pages);
            Ok(())
        }))
    }

    fn report(&self, pages: i32) {
        let begun_anew = self.pages.swap(pages, Ordering::Relaxed) > pages;
        if begun_anew {
            self.due.store(STEP_PAGES, Ordering::Relaxed);
        } else if pages >= self.due.load(Ordering::Relaxed) {
            self.due.store(pages.saturating_add(STEP_PAGES), Ordering::Relaxed);
            self.ask(Wish::Checkpoint);
        }
    }

    fn ask(&self, wish: Wish) {
        let mut state = self.lock();
        if *state != Wish::Stop {
            *state = wish;
        }
        drop(state);
        self.wake.notify_one();
    }

    fn next(&self) -> Wish {
        let idle = |state: &mut Wish| *state == Wish::Nothing;
        let mut state = self.wake.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let wish = *state;
        if wish == Wish::Checkpoint {
            *state = Wish::Nothing;
        }
        wish
    }

    fn lock(&self) -> MutexGuard<'_, Wish> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread; dropping it waits for its end.
pub(in crate::ledger) struct Checkpointer {
    growth: Arc<Growth>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Checkpointer {
    /// Connects and starts the thread.
    pub(in crate::ledger) fn start(
        place: &Place,
        vfs: Option<&str>,
        growth: Arc<Growth>,
        committer: Arc<Committer>,
        health: Health,
    ) -> Result<Self, LedgerError> {
        let mut connection = connect(place, OpenFlags::SQLITE_OPEN_READ_WRITE, vfs)?;
        super::use_wal(&connection, place)?;
        // No waiting: PASSIVE never does, and RESTART must not while the writer stands still.
        connection.busy_handler(None::<fn(i32) -> bool>).map_err(|error| place.classify(&error))?;
        let worker = Worker { connection, committer, health };
        let shared = Arc::clone(&growth);
        let spawned = Builder::new().name("ledger-checkpoint".to_owned()).spawn(move || worker.run(&shared));
        let thread = spawned.map_err(|error| place.open_error(&error))?;
        Ok(Self { growth, thread: Mutex::new(Some(thread)) })
    }

    /// Ends the thread and closes its connection. Blocks for a checkpoint in progress.
    pub(in crate::ledger) fn stop(&self) {
        self.growth.ask(Wish::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Its panic would have been a failed checkpoint; the log is whole without it.
        let _ = thread.map(JoinHandle::join);
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Worker {
    connection: Connection,
    committer: Arc<Committer>,
    health: Health,
}

impl Worker {
    fn run(self, growth: &Growth) {
        while growth.next() == Wish::Checkpoint {
            let done = self.checkpoint("PRAGMA wal_checkpoint(PASSIVE)").and_then(|pages| {
                let over = pages >= CAP_PAGES;
                if over {
                    self.committer.pause(|_| self.checkpoint("PRAGMA wal_checkpoint(RESTART)"))?;
                }
                Ok(())
            });
            if let Err(error) = done {
                self.health.fail(format_args!("a checkpoint of the ledger failed: {error}"));
            }
        }
    }

    /// Runs one checkpoint and gives the pages in the log.
    fn checkpoint(&self, pragma: &str) -> rusqlite::Result<i32> {
        let result = self.connection.query_row(pragma, [], |row| row.get(1));
        match result {
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => Ok(0),
            other => other,
        }
    }
}
