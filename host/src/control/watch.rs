//! The thread that looks at the control database, applies the switches and acknowledges.
//!
//! It never waits: not for calls to end, not for a lock on the database; what could not be done is done at the next
//! look. Invariants: a host that cannot see the switches for [`FAILED_LOOKS_MAX`] looks stops everything until it
//! sees them again, and for good when the file is not the one it registered in; when the thread ends, however it
//! ends, nothing may run.

use super::connection::Database;
use super::error::ControlError;
use super::running::Shared;
use super::target::{Killed, Origin, Target};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time between two looks: how old the news of a switch can be, while the thread gets its turn.
pub const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks in a row that may fail before everything is stopped: a moment's lock or a passing I/O error is no reason.
const FAILED_LOOKS_MAX: u32 = 5;

/// The caller's wall clock, carried on by the monotonic one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    opened_ms: u64,
    opened: Instant,
}

impl Clock {
    pub(super) fn starting(now_ms: u64) -> Self {
        Self { opened_ms: now_ms, opened: Instant::now() }
    }

    fn now_ms(self) -> u64 {
        self.opened_ms.saturating_add(u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

/// What the thread owns.
pub(super) struct Watcher {
    database: Database,
    host: u64,
    shared: Arc<Shared>,
    clock: Clock,
    failed_looks: u32,
    failed_to_tell: bool,
}

impl Watcher {
    /// Applies the switches that are on already.
    pub(super) fn begin(
        mut database: Database,
        host: u64,
        shared: Arc<Shared>,
        clock: Clock,
    ) -> Result<Self, ControlError> {
        let switches = database.watch(host)?;
        shared.lock().board.set(&switches);
        Ok(Self { database, host, shared, clock, failed_looks: 0, failed_to_tell: false })
    }

    /// Watches until asked to end; then takes the host off the list.
    pub(super) fn run(mut self) -> Result<(), ControlError> {
        let end = ShutAtEnd { shared: Arc::clone(&self.shared), clock: self.clock };
        loop {
            self.look();
            self.acknowledge();
            if self.shared.rest(LOOK_EVERY) {
                break;
            }
        }
        drop(end);
        if self.shared.lock().board.is_idle() {
            return self.database.leave(self.host);
        }
        tracing::warn!("calls still run while the host closes: it stays registered until its process ends");
        Ok(())
    }

    /// Looks once.
    pub(super) fn look(&mut self) {
        match self.database.look(self.host) {
            Ok(switches) => {
                let mut state = self.shared.lock();
                if let Some(switches) = switches {
                    state.board.set(&switches);
                }
                if std::mem::take(&mut self.failed_looks) >= FAILED_LOOKS_MAX {
                    state.board.reopen();
                    tracing::warn!("the switches can be seen again: calls may run");
                }
            }
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &ControlError) {
        self.failed_looks = self.failed_looks.saturating_add(1);
        if self.failed_looks == FAILED_LOOKS_MAX {
            tracing::error!("all calls are stopped: {error}");
            self.shared.lock().board.shut(stopped_by_host(self.clock, &error.to_string()));
        }
    }

    /// Tells the operator what is not known yet, unless the last look failed: nothing is written to what may be damaged
    /// or another's. The count may have fallen since it was taken, and never rises.
    pub(super) fn acknowledge(&mut self) {
        let due = self.shared.lock().board.due();
        if due.is_empty() || self.failed_looks > 0 {
            return;
        }
        match self.database.acknowledge(self.host, &due) {
            Ok(()) => {
                self.shared.lock().board.told(&due);
                self.failed_to_tell = false;
            }
            // It is the operator's turn to write; ours comes at the next look.
            Err(ControlError::Busy { .. }) => {}
            Err(error) if !std::mem::replace(&mut self.failed_to_tell, true) => {
                tracing::error!("cannot acknowledge the kill switch: {error}");
            }
            Err(_) => {}
        }
    }
}

/// Whatever ends the thread, nobody watches from then on.
struct ShutAtEnd {
    shared: Arc<Shared>,
    clock: Clock,
}

impl Drop for ShutAtEnd {
    fn drop(&mut self) {
        let why = "this host does not watch the kill switch any more, because it closes";
        self.shared.lock().board.shut(stopped_by_host(self.clock, why));
    }
}

fn stopped_by_host(clock: Clock, why: &str) -> Killed {
    Killed { target: Target::All, since_ms: clock.now_ms(), why: why.to_owned(), origin: Origin::Host }
}
