//! The threads beside the session's, and how many calls they take.
//!
//! A hand-over to another thread and back costs as much as a short call, and buys nothing when there is
//! nothing else to do: a call that is alone stays where it was read (`calls`). Not here: which calls may run
//! at once (`sandbox/admission`), and a call that turns out to be long (`sandbox/long_runners` takes it off
//! whatever thread it is on). Invariant: a call has its place until its future is gone.

use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Calls that may be handed over and not have ended, for each worker: one runs while the next waits.
const CALLS_PER_WORKER: usize = 2;

/// The threads beside the session's.
#[derive(Debug, Clone)]
pub(super) struct Workers {
    runtime: Handle,
    free: Arc<Semaphore>,
}

/// Leave to hand one call over.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Workers {
    /// The threads of this runtime.
    pub(super) fn new(runtime: Handle) -> Self {
        let calls = runtime.metrics().num_workers().saturating_mul(CALLS_PER_WORKER);
        Self { runtime, free: Arc::new(Semaphore::new(calls)) }
    }

    /// A place for one more call; `None` when the workers have enough to do.
    pub(super) fn place(&self) -> Option<Place> {
        Arc::clone(&self.free).try_acquire_owned().ok().map(|permit| Place { _permit: permit })
    }

    /// Carries a call on that waits, on whichever worker comes to it: where it was begun it would keep lines waiting.
    pub(super) fn carry_on(&self, call: impl Future<Output = ()> + Send + 'static) {
        drop(self.runtime.spawn(call));
    }

    /// Runs a call on a worker, to its end.
    pub(super) fn run(&self, place: Place, call: impl Future<Output = ()> + Send + 'static) {
        drop(self.runtime.spawn(async move {
            call.await;
            drop(place);
        }));
    }
}
