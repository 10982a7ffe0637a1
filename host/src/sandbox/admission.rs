//! Admission: how many calls may run, how many may wait, and that no tool takes more than half.
//!
//! A ticket is a place in the queue, given out when the call is decided; a slot is the right to run
//! guest code, held only while guest code may run. Invariant: both are given back on drop, whichever
//! way a call ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The gate before the instance pool.
pub struct Admission {
    queue: Arc<Semaphore>,
    slots: Arc<Semaphore>,
    slots_per_tool: usize,
    tools: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// A place in the queue.
pub struct Ticket {
    _place: OwnedSemaphorePermit,
    tool: Arc<Semaphore>,
    slots: Arc<Semaphore>,
}

/// The right to run guest code.
pub(super) struct Slot {
    _tool: OwnedSemaphorePermit,
    _slot: OwnedSemaphorePermit,
}

impl Admission {
    /// `concurrency` calls run at once; `queue` more may wait.
    pub fn new(concurrency: usize, queue: usize) -> Self {
        let clamp = |n: usize| n.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            queue: Arc::new(Semaphore::new(clamp(concurrency.saturating_add(queue)))),
            slots: Arc::new(Semaphore::new(clamp(concurrency))),
            slots_per_tool: clamp(concurrency / 2),
            tools: Mutex::default(),
        }
    }

    /// Takes a place in the queue, or `None` when it is full.
    pub fn ticket(&self, tool: &str) -> Option<Ticket> {
        let place = Arc::clone(&self.queue).try_acquire_owned().ok()?;
        let mut tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tool = match tools.get(tool) {
            Some(semaphore) => Arc::clone(semaphore),
            None => Arc::clone(
                tools.entry(tool.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(self.slots_per_tool))),
            ),
        };
        Some(Ticket { _place: place, tool: of_tool, slots: Arc::clone(&self.slots) })
    }
}

impl Ticket {
    /// Waits for a slot. First the tool's share, then the host's, so that a crowd at one tool does not
    /// stand before the others. `None` when the host is closing.
    pub(super) async fn slot(&self) -> Option<Slot> {
        let tool = Arc::clone(&self.tool).acquire_owned().await.ok()?;
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        Some(Slot { _tool: tool, _slot: slot })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_tool_takes_more_than_half_of_the_slots() {
        let admission = Admission::new(4, 10);
        let tickets: Vec<_> = (0..3).map(|_| admission.ticket("a").unwrap()).collect();
        let _one = tickets[0].slot().await.unwrap();
        let _two = tickets[1].slot().await.unwrap();
        let mut third = Box::pin(tickets[2].slot());
        assert!(futures::poll!(third.as_mut()).is_pending());
        let other = admission.ticket("b").unwrap();
        assert!(futures::poll!(Box::pin(other.slot())).is_ready());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_a_dropped_ticket_makes_room() {
        let admission = Admission::new(1, 1);
        let first = admission.ticket("a").unwrap();
        let _second = admission.ticket("a").unwrap();
        assert!(admission.ticket("a").is_none());
        drop(first);
        assert!(admission.ticket("a").is_some());
    }
}
