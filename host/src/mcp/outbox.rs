//! The way out: every message towards the client goes through one buffer, in order.
//!
//! It also keeps the requests in flight, because "exactly one answer, and nothing more after a
//! cancellation" is a rule about what is written. Not here: what a message says, how bytes reach the client
//! (`sink`). Invariant: whatever names a request is written only while that request is open, under the same
//! lock that closes it.

use super::sink::{Sink, Unwritten};
use rmcp::RoleServer;
use rmcp::model::{ErrorData, JsonRpcError, JsonRpcMessage, JsonRpcResponse, JsonRpcVersion2_0, RequestId};
use rmcp::service::TxJsonRpcMessage;
use serde::Serialize;
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::Notify;

/// Above this much unwritten output, in bytes, no further line is read: a client that does not read its
/// answers is not given more.
const UNWRITTEN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Room for an ordinary line.
const LINE_BYTES: usize = 1024;

/// The buffer and the requests in flight, shared by the transport, the calls and the writer.
pub(super) struct Outbox {
    state: Mutex<State>,
    /// Wakes the reader that waits for room.
    drained: Notify,
    /// Wakes the reader that waits for the last answer.
    idle: Notify,
    /// Wakes the reader when the output has failed.
    broken: Notify,
}

struct State {
    unwritten: Unwritten,
    open: HashMap<RequestId, Slot>,
    /// The reader waits for room.
    crowded: bool,
    closing: bool,
    broken: bool,
}

struct Slot {
    cancel: Arc<Notify>,
    cancelled: bool,
}

/// The answer to a request, as it goes out.
pub(super) struct Answer {
    id: RequestId,
    line: Vec<u8>,
}

impl Answer {
    /// Serializes it, where the work was done.
    pub(super) fn new(id: RequestId, answered: Result<impl Serialize, ErrorData>) -> Self {
        let line = match answered {
            Ok(result) => line(&JsonRpcResponse { jsonrpc: JsonRpcVersion2_0, id: id.clone(), result }),
            Err(error) => line(&JsonRpcError::new(Some(id.clone()), error)),
        };
        Self { id, line }
    }
}

/// The output cannot be written any more.
#[derive(Debug, thiserror::Error)]
#[error("the client has closed the output")]
pub(super) struct OutputClosedError;

impl Outbox {
    /// An empty one; something must run [`Outbox::write`].
    pub(super) fn new(sink: Sink) -> Arc<Self> {
        let unwritten = Unwritten::new(sink);
        let state = State { unwritten, open: HashMap::new(), crowded: false, closing: false, broken: false };
        Arc::new(Self {
            state: Mutex::new(state),
            drained: Notify::new(),
            idle: Notify::new(),
            broken: Notify::new(),
        })
    }

    /// Notes a request as in flight. What is returned wakes when the client cancels it; `None` when a
    /// request of this id is in flight already.
    pub(super) fn open(&self, id: &RequestId) -> Option<Arc<Notify>> {
        let mut state = self.lock();
        if state.open.contains_key(id) {
            return None;
        }
        let cancel = Arc::new(Notify::new());
        state.open.insert(id.clone(), Slot { cancel: Arc::clone(&cancel), cancelled: false });
        Some(cancel)
    }

    /// Whether there is no more than one request in flight.
    pub(super) fn one_open(&self) -> bool {
        self.lock().open.len() <= 1
    }

    /// Cancels a request: its work is told to stop, and nothing is written for it from here on. Its id
    /// stays taken until the work has ended. Unknown ids are ignored, as the specification asks.
    pub(super) fn cancel(&self, id: &RequestId) {
        if let Some(slot) = self.lock().open.get_mut(id) {
            slot.cancelled = true;
            slot.cancel.notify_one();
        }
    }

    /// Writes a message of rmcp's. One that answers is as in [`Outbox::answer`].
    pub(super) fn send(&self, message: &TxJsonRpcMessage<RoleServer>) -> Result<(), OutputClosedError> {
        let line = line(message);
        match message {
            JsonRpcMessage::Response(response) => self.close_with(&response.id, &line, true),
            JsonRpcMessage::Error(JsonRpcError { id: Some(id), .. }) => self.close_with(id, &line, true),
            _ => self.append(&mut self.lock(), &line, true),
        }
    }

    /// Writes an answer, which closes its request; dropped when that was cancelled. Unless it goes out `now`, the
    /// writer's task may take it with what follows.
    pub(super) fn answer(&self, answer: &Answer, now: bool) {
        // A closed output shows itself to the reader.
        let _ = self.close_with(&answer.id, &answer.line, now);
    }

    /// Refuses a line that never became a request, so that its id, if any, was never opened.
    pub(super) fn refuse(&self, message: &impl Serialize, now: bool) -> Result<(), OutputClosedError> {
        let line = line(message);
        self.append(&mut self.lock(), &line, now)
    }

    /// Writes something about a request in flight; dropped once it is answered or cancelled.
    pub(super) fn report(&self, id: &RequestId, message: &impl Serialize) {
        let line = line(message);
        let mut state = self.lock();
        if state.open.get(id).is_some_and(|slot| !slot.cancelled) {
            // As for an answer.
            let _ = self.append(&mut state, &line, true);
        }
    }

    /// Returns once no request is in flight.
    pub(super) async fn idle(&self) {
        while !self.lock().open.is_empty() {
            self.idle.notified().await;
        }
    }

    /// Tells the work on every request in flight to stop; unlike after a cancellation, each is answered.
    pub(super) fn abandon(&self) {
        for slot in self.lock().open.values() {
            slot.cancel.notify_one();
        }
    }

    /// Returns once the output cannot be written any more.
    pub(super) async fn closed(&self) {
        while !self.lock().broken {
            self.broken.notified().await;
        }
    }

    /// Returns when the output breaks that was whole at the last look for room.
    pub(super) async fn breaks(&self) {
        self.broken.notified().await;
    }

    /// Whether the unwritten output is below its bound; an error when the output cannot be written any more.
    pub(super) fn has_room(&self) -> Result<bool, OutputClosedError> {
        let mut state = self.lock();
        if state.broken {
            return Err(OutputClosedError);
        }
        state.crowded = state.unwritten.left() > UNWRITTEN_BYTES_MAX;
        Ok(!state.crowded)
    }

    /// Returns once the unwritten output is below its bound; an error when it never will be.
    pub(super) async fn room(&self) -> Result<(), OutputClosedError> {
        while !self.has_room()? {
            self.drained.notified().await;
        }
        Ok(())
    }

    /// Lets the writer end once everything is written.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        state.unwritten.wake();
    }

    /// Lets go of the output. Whatever is sent from here on is lost, as after a write error.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.broken = true;
        state.unwritten.end();
    }

    /// The writer's task: writes what could not be written where it was sent, until [`Outbox::close`] or a write
    /// error. Everything that is ready goes out in one write.
    pub(super) async fn write(self: Arc<Self>) {
        poll_fn(|context| self.poll(context)).await;
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.broken {
            return Poll::Ready(());
        }
        let written = state.unwritten.poll(context);
        let all = written.is_ready();
        let written = match written {
            Poll::Ready(written) => written,
            Poll::Pending => Ok(()),
        };
        self.note(&mut state, written);
        if state.broken || (all && state.closing) { Poll::Ready(()) } else { Poll::Pending }
    }

    fn close_with(&self, id: &RequestId, line: &[u8], now: bool) -> Result<(), OutputClosedError> {
        let mut state = self.lock();
        let slot = state.open.remove(id);
        if state.open.is_empty() {
            self.idle.notify_one();
        }
        if slot.is_none_or(|slot| slot.cancelled) {
            return Ok(());
        }
        self.append(&mut state, line, now)
    }

    fn append(&self, state: &mut State, line: &[u8], now: bool) -> Result<(), OutputClosedError> {
        if state.broken {
            return Err(OutputClosedError);
        }
        state.unwritten.append(line);
        let pushed = state.unwritten.push(now);
        self.note(state, pushed);
        Ok(())
    }

    /// Sees to what a write came to: tells the reader of room, or that there is nobody to write to.
    fn note(&self, state: &mut State, written: io::Result<()>) {
        if let Err(error) = written {
            tracing::info!(%error, "the client has closed the output");
            state.broken = true;
            state.unwritten.wake();
            self.broken.notify_one();
        }
        if state.crowded && (state.broken || state.unwritten.left() <= UNWRITTEN_BYTES_MAX) {
            state.crowded = false;
            self.drained.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message with its newline; nothing when it does not serialize.
fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::with_capacity(LINE_BYTES);
    match serde_json::to_writer(&mut line, message) {
        Ok(()) => line.push(b'\n'),
        Err(error) => {
            line.clear();
            tracing::error!(%error, "a message does not serialize");
        }
    }
    line
}

#[cfg(test)]
mod tests;
