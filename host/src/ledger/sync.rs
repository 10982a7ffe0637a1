//! Group sync: one thread makes the write-ahead log durable for everyone who asked before it began.
//!
//! Runs on a descriptor of its own, off the writer's lock, so commits go on beside it. After each sync, and every
//! [`LOOK_EVERY`] while there is none, it looks whether the ledger is still there, and stops everything where it is not.
//! Invariant: whoever waits is answered by a sync that began after it asked, and by a look after that; after a failed sync
//! nobody is ever answered well again, because the kernel may have dropped the pages (`fsync` reports an error once and
//! calls them clean).

use super::disk::{Disk, Sync as What};
use super::error::LedgerError;
use super::health::Health;
use std::fs::File;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The part of the last sync's time that a group waits to fill up to the size of the last: callers that
/// were answered together come back together, and would otherwise split into two alternating groups.
const GATHER_DIVISOR: u32 = 8;

/// Time between two looks: how long what needs no sync may go on being written to a ledger that was taken away. Whoever
/// waits for a sync is never told that such a record counts.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Whether the ledger is still where it was.
pub(super) type Look = Box<dyn Fn() -> Result<(), LedgerError> + Send>;

/// Queues callers for the thread that syncs.
pub(super) struct GroupSync {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<oneshot::Sender<Result<(), LedgerError>>>,
    stop: bool,
}

impl GroupSync {
    /// Starts the thread, which keeps `wal` open.
    pub(super) fn start(disk: Arc<dyn Disk>, wal: File, look: Look, health: Health) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), wake: Condvar::new() });
        let worker = Worker {
            shared: Arc::clone(&shared),
            disk,
            wal,
            look,
            health,
            last_group: 0,
            last_took: Duration::ZERO,
        };
        let thread = Builder::new().name("ledger-sync".to_owned()).spawn(move || worker.run())?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Waits for a sync that begins after this call.
    pub(super) async fn wait(&self) -> Result<(), LedgerError> {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.shared.lock();
            if state.stop {
                return Err(LedgerError::Closed);
            }
            state.waiting.push(sender);
        }
        self.shared.wake.notify_one();
        receiver.await.unwrap_or(Err(LedgerError::Closed))
    }

    /// Answers who waits, then ends the thread and closes its descriptor. Blocks for that.
    pub(super) fn stop(&self) {
        self.shared.lock().stop = true;
        self.shared.wake.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic of the thread has already answered its callers: their channels closed.
        let _ = thread.map(JoinHandle::join);
    }
}

impl Drop for GroupSync {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Worker {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    wal: File,
    look: Look,
    health: Health,
    last_group: usize,
    last_took: Duration,
}

impl Worker {
    fn run(mut self) {
        while let Some(group) = self.next_group() {
            let began = Instant::now();
            let result = self.sync();
            self.last_took = began.elapsed();
            self.last_group = group.len();
            for caller in group {
                // A caller that went away needs no answer.
                let _ = caller.send(result.clone());
            }
        }
    }

    fn sync(&self) -> Result<(), LedgerError> {
        self.health.check()?;
        self.disk
            .sync(What::Wal, &self.wal)
            .map_err(|error| self.health.fail(format_args!("syncing the write-ahead log failed: {error}")))?;
        self.look()
    }

    fn look(&self) -> Result<(), LedgerError> {
        self.health.check()?;
        (self.look)().map_err(|error| {
            let kept = self.health.keep(error);
            tracing::error!("all calls are stopped: {kept}");
            kept
        })
    }

    fn next_group(&self) -> Option<Vec<oneshot::Sender<Result<(), LedgerError>>>> {
        let (expected, patience) = (self.last_group, self.last_took / GATHER_DIVISOR);
        let state = self.wait_for_callers();
        let small = |state: &mut State| state.waiting.len() < expected && !state.stop;
        let gathered = self.shared.wake.wait_timeout_while(state, patience, small);
        let (mut state, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        let group = std::mem::take(&mut state.waiting);
        (!group.is_empty()).then_some(group)
    }

    /// Until somebody waits or the thread is to end; meanwhile looks now and then.
    fn wait_for_callers(&self) -> MutexGuard<'_, State> {
        loop {
            let idle = |state: &mut State| state.waiting.is_empty() && !state.stop;
            let waited = self.shared.wake.wait_timeout_while(self.shared.lock(), LOOK_EVERY, idle);
            let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            if !waited.timed_out() {
                return state;
            }
            drop(state);
            // What it finds is kept, and refuses everything from then on.
            let _ = self.look();
        }
    }
}

#[cfg(test)]
mod tests;
