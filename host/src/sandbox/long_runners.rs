//! Fairness: a call that has run for more than two ticks moves to threads of its own.
//!
//! A guest that computes gives its thread back once a tick (the epoch callback yields). A few spinners
//! would still make every short call wait for its turn, so calls that turn out to be long go to a pool
//! of at most cores − 1 threads. Invariant: dropping the returned future ends the call, wherever it runs.

use super::SandboxError;
use super::engine::TICK;
use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Instant;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// A call is long when it has run for this many ticks.
const LONG_AFTER_TICKS: u32 = 2;

/// The pool.
pub(super) struct LongRunners(Option<Runtime>);

impl LongRunners {
    pub(super) fn new() -> Result<Self, SandboxError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Builder::new_multi_thread()
            .worker_threads(cores.saturating_sub(1).max(1))
            .thread_name("toolgate-long")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .map_err(|error| SandboxError::Engine(format!("cannot start the long-runner threads: {error}")))
    }

    /// Runs `call` here while it is short, and in the pool from then on.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let long_after = TICK * LONG_AFTER_TICKS;
        let mut call = Box::pin(call);
        let started = Instant::now();
        let short = poll_fn(|cx| {
            if started.elapsed() > long_after {
                return Poll::Ready(None);
            }
            call.as_mut().poll(cx).map(Some)
        });
        match (short.await, &self.0) {
            (Some(done), _) => Some(done),
            (None, Some(pool)) => EndOnDrop(pool.spawn(call)).wait().await,
            (None, None) => None,
        }
    }
}

impl Drop for LongRunners {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

struct EndOnDrop<T>(JoinHandle<T>);

impl<T> EndOnDrop<T> {
    /// `None` when the task panicked or was ended.
    async fn wait(mut self) -> Option<T> {
        (&mut self.0).await.ok()
    }
}

impl<T> Drop for EndOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
