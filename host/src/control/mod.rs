//! The control room: the kill switch, thrown by another process while the ledger is busy.
//!
//! Beside the ledger lies a second small database with the switches that are on, the hosts that watch it, and their
//! acknowledgements (`schema.rs` has the tables). Every host has one thread that looks at it every 10 ms
//! (`watch.rs`); calls ask only memory (`board.rs`), so a switch counts at most one look after it was written. The
//! operator's side (`operator.rs`) writes a switch, synced, and waits for what each host says.
//!
//! Not here: ending a guest. Whoever runs one holds a [`Running`] for as long as a guest instruction may run, and
//! ends it when told. Invariants: no call enters between a switch and its acknowledgement; a host acknowledges
//! when no call that the switch means is [`Running`]; a host that cannot see the switches stops everything.

mod board;
mod connection;
mod error;
mod files;
mod operator;
mod process;
mod report;
mod running;
mod schema;
mod standing;
mod table;
mod target;
mod watch;

pub use error::ControlError;
pub use files::path_beside;
pub use operator::{Kill, hosts, kill, prepare, switches, unkill};
pub use process::{Life, Process};
pub use report::{Answer, HostReport, HostSummary, KillReport, Written};
pub use running::{KillSignal, Running};
pub use standing::count_in;
pub use target::{Killed, Origin, Switch, Target};
pub use watch::LOOK_EVERY;

use crate::call::Lineage;
use connection::Database;
use running::Shared;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use watch::{Clock, Watcher};

/// This host, registered with the kill switch. Dropping it does what [`Control::close`] does, and says no error.
#[derive(Debug)]
pub struct Control {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<(), ControlError>>>,
}

impl Control {
    /// Opens or makes the control database at `path` (see [`path_beside`]), strikes out hosts whose process is gone,
    /// registers this one and begins to watch. Switches that are on count from here on.
    ///
    /// # Errors
    /// When the file cannot be made or used, or is something else; nothing may run then.
    pub fn open(path: &Path, now_ms: u64) -> Result<Self, ControlError> {
        let clock = Clock::starting(now_ms);
        let mut database = Database::open_or_make(path)?;
        let (host, lock) = database.register(&Process::current()?, now_ms)?;
        let shared = Arc::new(Shared::new(lock));
        let watcher = Watcher::begin(database, host, Arc::clone(&shared), clock)?;
        let thread = std::thread::Builder::new().name("toolgate-control".to_owned());
        let thread = thread
            .spawn(move || watcher.run())
            .map_err(|error| ControlError::System(format!("cannot start the control thread: {error}")))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Enters a call that is about to run a guest. No I/O. Whoever waits with the call (for a slot, say) may enter
    /// it before, and give up when [`Running::killed`] says so.
    ///
    /// # Errors
    /// When a switch for the run, one that it is part of, the tool or everything is on, or this host cannot see the
    /// switches.
    pub fn enter(&self, run: impl Into<Lineage>, tool: &str) -> Result<Running, Killed> {
        Running::enter(&self.shared, run.into(), tool)
    }

    /// Why a call of this run and tool would not be let in now; `None` when it would. No I/O.
    pub fn check(&self, run: impl Into<Lineage>, tool: &str) -> Option<Killed> {
        self.shared.lock().board.stopped(&run.into(), tool).cloned()
    }

    /// All that stops calls of this run: first what stops every one, then what stops those of a tool. No I/O.
    pub fn about(&self, run: &Lineage) -> Vec<Killed> {
        self.shared.lock().board.about(run)
    }

    /// Takes this host off the list and ends its thread; from here on nothing may enter, and calls that still run
    /// are told to end. With such calls left, the host stays on the list until its process is gone: nobody may think
    /// that they had stopped.
    ///
    /// # Errors
    /// When the host could not be taken off the list. Then the next one that opens finds its process gone.
    pub fn close(mut self) -> Result<(), ControlError> {
        self.stop()
    }

    fn stop(&mut self) -> Result<(), ControlError> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        self.shared.stop();
        thread
            .join()
            .unwrap_or_else(|_| Err(ControlError::System("the control thread broke down".to_owned())))
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!("leaving the kill switch: {error}");
        }
    }
}

#[cfg(test)]
mod tests;
