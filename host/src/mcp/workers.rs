//! Where a call runs: on the session's own thread while it is alone in flight or the workers have enough to
//! do, on a worker's otherwise.
//!
//! A hand-over to another thread and back costs as much as a short call, and buys nothing when there is
//! nothing else to do. Not here: which calls may run at once (`sandbox/admission`), and a call that turns
//! out to be long (`sandbox/long_runners` takes it off whatever thread it is on). Invariant: dropping the
//! returned future ends the call, wherever it runs.

use crate::call::Outcome;
use std::pin::Pin;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Calls that may be handed over and not have ended, for each worker: one runs while the next waits.
const CALLS_PER_WORKER: usize = 2;

/// A call on its way to its outcome. Boxed once, since rmcp moves what it polls several times.
pub(super) type Calling = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The threads beside the session's.
#[derive(Debug, Clone)]
pub(super) struct Workers {
    runtime: Handle,
    free: Arc<Semaphore>,
}

impl Workers {
    /// The threads of this runtime.
    pub(super) fn new(runtime: Handle) -> Self {
        let calls = runtime.metrics().num_workers().saturating_mul(CALLS_PER_WORKER);
        Self { runtime, free: Arc::new(Semaphore::new(calls)) }
    }

    /// Runs the call to its outcome; `None` when its task panicked.
    pub(super) async fn run(&self, call: Calling, alone: bool) -> Option<Outcome> {
        let place = if alone { None } else { Arc::clone(&self.free).try_acquire_owned().ok() };
        let Some(place) = place else {
            return Some(call.await);
        };
        let handed_over = async move {
            let outcome = call.await;
            drop(place);
            outcome
        };
        let mut task = EndOnDrop(self.runtime.spawn(handed_over));
        (&mut task.0).await.ok()
    }
}

struct EndOnDrop(JoinHandle<Outcome>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
