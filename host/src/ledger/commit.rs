//! Group commit without a writer thread: whoever finds the store free writes everybody's entries.
//!
//! An entry is queued, then its caller tries the store's lock. With the lock it drains the queue and commits it
//! as one batch; without, the holder is bound to look at the queue again. Alone, a caller commits inline and
//! switches no thread. Not here: what is written (`Store`), syncs (`sync`).
//! Invariant: a non-empty queue always has someone bound to drain it: the holder of the lock, who looks again
//! after letting go, or the front waiter, who was notified; a waiter that is dropped does its duty first.

use super::error::LedgerError;
use super::health::Health;
use super::store::{Answer, Op, Reply, Store};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use tokio::sync::Notify;

/// Entries in one transaction: bounds how long the first of them waits for the last.
const BATCH_MAX: usize = 256;

/// Batches that one caller writes before it hands the duty on: its own answer is waiting.
const ROUNDS_MAX: usize = 2;

/// The queue and the store behind it.
pub(super) struct Committer {
    queue: Mutex<VecDeque<Arc<Waiter>>>,
    store: Mutex<Option<Box<dyn Store>>>,
    health: Health,
    ended: Notify,
}

impl Committer {
    pub(super) fn new(store: Box<dyn Store>, health: Health) -> Self {
        Self { queue: Mutex::default(), store: Mutex::new(Some(store)), health, ended: Notify::new() }
    }

    /// Commits one operation, together with whatever else is queued. Dropping the future does not take
    /// the operation back.
    pub(super) async fn submit(&self, op: Op) -> Answer {
        self.health.check()?;
        let waiter = Arc::new(Waiter { op, answer: Mutex::default(), notify: Notify::new() });
        lock(&self.queue).push_back(Arc::clone(&waiter));
        let mut ticket = Ticket { committer: self, answered: false };
        self.drain();
        loop {
            if let Some(answer) = lock(&waiter.answer).take() {
                ticket.answered = true;
                return answer;
            }
            waiter.notify.notified().await;
            if lock(&waiter.answer).is_none() {
                self.drain();
            }
        }
    }

    /// Commits one operation alone. Blocks for the store.
    pub(super) fn submit_blocking(&self, op: &Op) -> Answer {
        let answers = self.pause(|store| {
            self.health.check()?;
            store.map_or(Err(LedgerError::Closed), |store| store.commit(&[op]))
        });
        let answers = answers
            .map_err(|error| if error == LedgerError::Closed { error } else { self.health.keep(error) })?;
        answers.into_iter().next().unwrap_or(Err(LedgerError::Closed))
    }

    /// Notified after every batch in which a call ended.
    pub(super) fn ended(&self) -> &Notify {
        &self.ended
    }

    /// Keeps everybody from the store while `work` runs, then drains what queued up. Blocks for the lock.
    pub(super) fn pause<R>(&self, work: impl FnOnce(Option<&mut (dyn Store + 'static)>) -> R) -> R {
        let mut store = lock(&self.store);
        let result = work(store.as_deref_mut());
        drop(store);
        self.drain();
        result
    }

    /// Takes the store away for good. Blocks for the lock; what is queued later is refused.
    pub(super) fn take_store(&self) -> Option<Box<dyn Store>> {
        let store = lock(&self.store).take();
        self.drain();
        store
    }

    fn drain(&self) {
        for _ in 0..ROUNDS_MAX {
            if lock(&self.queue).is_empty() {
                return;
            }
            let mut store = match self.store.try_lock() {
                Ok(store) => store,
                Err(TryLockError::WouldBlock) => return,
                Err(TryLockError::Poisoned(poisoned)) => {
                    self.health.fail("the store panicked");
                    poisoned.into_inner()
                }
            };
            let batch = Batch(self.next_batch());
            self.commit(store.as_deref_mut(), &batch);
        }
        if let Some(front) = lock(&self.queue).front() {
            front.notify.notify_one();
        }
    }

    fn next_batch(&self) -> Vec<Arc<Waiter>> {
        let mut queue = lock(&self.queue);
        let count = queue.len().min(BATCH_MAX);
        queue.drain(..count).collect()
    }

    fn commit(&self, store: Option<&mut (dyn Store + 'static)>, batch: &Batch) {
        if batch.0.is_empty() {
            return;
        }
        let Some(store) = store else { return batch.fail(&LedgerError::Closed) };
        if let Err(error) = self.health.check() {
            return batch.fail(&error);
        }
        let ops: Vec<&Op> = batch.0.iter().map(|waiter| &waiter.op).collect();
        match store.commit(&ops) {
            Ok(answers) => {
                batch.0.iter().zip(answers).for_each(|(waiter, answer)| waiter.complete(answer));
                if ops.iter().any(|op| matches!(op, Op::End { .. })) {
                    self.ended.notify_waiters();
                }
            }
            Err(error) => batch.fail(&self.health.keep(error)),
        }
    }
}

/// One queued operation and where its answer goes.
struct Waiter {
    op: Op,
    answer: Mutex<Option<Answer>>,
    notify: Notify,
}

impl Waiter {
    fn complete(&self, answer: Answer) {
        *lock(&self.answer) = Some(answer);
        self.notify.notify_one();
    }
}

/// A batch on its way: whatever happens, nobody in it waits for ever.
struct Batch(Vec<Arc<Waiter>>);

impl Batch {
    fn fail(&self, error: &LedgerError) {
        self.0.iter().for_each(|waiter| waiter.complete(Err(error.clone())));
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fail(&LedgerError::Unavailable {
                cause: "the store panicked while it wrote this batch".to_owned(),
            });
        }
    }
}

/// A caller that waits. Dropped early, it may have been the one bound to drain the queue.
struct Ticket<'a> {
    committer: &'a Committer,
    answered: bool,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.committer.drain();
        }
    }
}

/// Locks; a panic elsewhere does not make plain data unusable.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a reply must be for the operation that was asked.
pub(super) fn unexpected(reply: &Reply) -> LedgerError {
    LedgerError::Unavailable { cause: format!("the store gave the wrong kind of answer: {reply:?}") }
}

#[cfg(test)]
mod tests;
