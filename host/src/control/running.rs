//! A call that may run guest instructions, and the state it shares with the thread that watches the switches.
//!
//! Not here: what the state means (`board.rs`). Invariant: entering, leaving and applying a switch each hold the one
//! lock throughout, so there is no moment between the check and the entry.

use super::board::{Board, Call};
use super::files::HostLock;
use super::target::Killed;
use crate::call::Lineage;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Permission to run guest instructions of one call. Keep it with the guest (in its store, not around the future that
/// drives it) and drop it after the last instruction: the drop is what a host's acknowledgement waits for.
#[derive(Debug)]
#[must_use = "the guest may run for as long as this lives"]
pub struct Running {
    shared: Arc<Shared>,
    id: u64,
    call: Arc<Call>,
}

/// Says when a call must end, for those who drive the guest. It does not keep the call entered.
#[derive(Debug, Clone)]
pub struct KillSignal(Arc<Call>);

impl Running {
    pub(super) fn enter(shared: &Arc<Shared>, run: Lineage, tool: &str) -> Result<Self, Killed> {
        let (id, call) = shared.lock().board.enter(run, tool)?;
        Ok(Self { shared: Arc::clone(shared), id, call })
    }

    /// Why the guest must end, once it must. Cheap: one atomic load.
    pub fn why(&self) -> Option<&Killed> {
        self.call.killed()
    }

    /// Waits until the guest must end.
    pub async fn killed(&self) -> Killed {
        told(&self.call).await
    }

    /// The same news, to be held elsewhere.
    pub fn signal(&self) -> KillSignal {
        KillSignal(Arc::clone(&self.call))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.leave(self.id);
    }
}

impl KillSignal {
    /// Why the guest must end, once it must. Cheap: one atomic load.
    pub fn why(&self) -> Option<&Killed> {
        self.0.killed()
    }

    /// Waits until the guest must end; for ever when the call ends otherwise.
    pub async fn killed(&self) -> Killed {
        told(&self.0).await
    }
}

async fn told(call: &Call) -> Killed {
    loop {
        // Made before the look: it hears what is told from here on.
        let wake = call.wake.notified();
        if let Some(killed) = call.killed() {
            return killed.clone();
        }
        wake.await;
    }
}

/// The board, its lock, and what wakes the thread before its time. It lives for as long as the host watches or a call
/// is entered, and the lock that says so to other processes with it.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    _lives: HostLock,
}

/// What the lock guards.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) board: Board,
    stopping: bool,
    nudged: bool,
}

impl Shared {
    /// What a host shares that lives by this lock.
    pub(super) fn new(lives: HostLock) -> Self {
        Self { state: Mutex::default(), wake: Condvar::new(), _lives: lives }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock panics halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the thread to end.
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.wake.notify_one();
    }

    /// Waits for the next look, or less when the last of the killed calls ended. True when the thread is to end.
    pub(super) fn rest(&self, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        let mut state = self.lock();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if state.stopping || std::mem::take(&mut state.nudged) || left.is_zero() {
                return state.stopping;
            }
            state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn leave(&self, id: u64) {
        let mut state = self.lock();
        if state.board.leave(id) {
            state.nudged = true;
            self.wake.notify_one();
        }
    }
}
