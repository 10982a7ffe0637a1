//! The way out: every message towards the client goes through one buffer, in order, and one writer.
//!
//! It also keeps the requests in flight, because "exactly one answer, and nothing more after a
//! cancellation" is a rule about what is written. Not here: what a message says. Invariant: whatever
//! names a request is written only while that request is open, under the same lock that closes it.

use rmcp::RoleServer;
use rmcp::model::{JsonRpcMessage, RequestId};
use rmcp::service::TxJsonRpcMessage;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

/// Above this much unwritten output, in bytes, no further line is read: a client that does not read its
/// answers is not given more.
const UNWRITTEN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A write buffer above this size, in bytes, is given back after its write.
const KEEP_BYTES_MAX: usize = 1024 * 1024;

/// The buffer and the requests in flight, shared by the transport, the handlers and the writer.
pub(super) struct Outbox {
    state: Mutex<State>,
    /// Wakes the writer.
    filled: Notify,
    /// Wakes the reader that waits for room.
    drained: Notify,
    /// Wakes the reader that waits for the last answer.
    idle: Notify,
    /// Wakes the reader when the output has failed.
    broken: Notify,
}

#[derive(Default)]
struct State {
    unwritten: Vec<u8>,
    open: HashMap<RequestId, Slot>,
    closing: bool,
    broken: bool,
}

struct Slot {
    cancel: Arc<Notify>,
    cancelled: bool,
}

/// The output cannot be written any more.
#[derive(Debug, thiserror::Error)]
#[error("the client has closed the output")]
pub(super) struct OutputClosedError;

impl Outbox {
    /// An empty one; something must run [`Outbox::write_to`].
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            filled: Notify::new(),
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

    /// Writes a message. An answer closes its request, and is dropped when that was cancelled.
    pub(super) fn send(&self, message: &TxJsonRpcMessage<RoleServer>) -> Result<(), OutputClosedError> {
        let mut state = self.lock();
        let answered = match message {
            JsonRpcMessage::Response(response) => Some(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
        };
        if let Some(id) = answered {
            let slot = state.open.remove(id);
            if state.open.is_empty() {
                self.idle.notify_one();
            }
            if slot.is_none_or(|slot| slot.cancelled) {
                return Ok(());
            }
        }
        self.append(&mut state, message)
    }

    /// Writes the answer to a call.
    pub(super) fn answer(&self, answer: &TxJsonRpcMessage<RoleServer>) {
        // A closed output shows itself to the reader.
        let _ = self.send(answer);
    }

    /// Refuses a line that never became a request, so that its id, if any, was never opened.
    pub(super) fn refuse(&self, message: &impl Serialize) -> Result<(), OutputClosedError> {
        self.append(&mut self.lock(), message)
    }

    /// Writes something about a request in flight; dropped once it is answered or cancelled.
    pub(super) fn report(&self, id: &RequestId, message: &impl Serialize) {
        let mut state = self.lock();
        if state.open.get(id).is_some_and(|slot| !slot.cancelled) {
            // As for an answer.
            let _ = self.append(&mut state, message);
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

    /// Returns once the unwritten output is below its bound; an error when it never will be.
    pub(super) async fn room(&self) -> Result<(), OutputClosedError> {
        loop {
            let drained = self.drained.notified();
            {
                let state = self.lock();
                if state.broken {
                    return Err(OutputClosedError);
                }
                if state.unwritten.len() <= UNWRITTEN_BYTES_MAX {
                    return Ok(());
                }
            }
            drained.await;
        }
    }

    /// Lets the writer end once everything is written.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.filled.notify_one();
    }

    /// Writes what is sent until [`Outbox::close`]: everything that is ready goes out in one write and one
    /// flush. A write error ends it, and every later send fails.
    pub(super) async fn write_to(self: Arc<Self>, mut writer: impl AsyncWrite + Unpin) {
        let mut batch = Vec::new();
        loop {
            {
                let mut state = self.lock();
                std::mem::swap(&mut state.unwritten, &mut batch);
                if batch.is_empty() && state.closing {
                    return;
                }
            }
            if batch.is_empty() {
                self.filled.notified().await;
                continue;
            }
            let written = match writer.write_all(&batch).await {
                Ok(()) => writer.flush().await,
                Err(error) => Err(error),
            };
            batch.clear();
            batch.shrink_to(KEEP_BYTES_MAX);
            if let Err(error) = written {
                tracing::info!(%error, "the client has closed the output");
                self.lock().broken = true;
                self.drained.notify_one();
                self.broken.notify_one();
                return;
            }
            self.drained.notify_one();
        }
    }

    fn append(&self, state: &mut State, message: &impl Serialize) -> Result<(), OutputClosedError> {
        if state.broken {
            return Err(OutputClosedError);
        }
        let before = state.unwritten.len();
        match serde_json::to_writer(&mut state.unwritten, message) {
            Ok(()) => state.unwritten.push(b'\n'),
            Err(error) => {
                state.unwritten.truncate(before);
                tracing::error!(%error, "a message does not serialize");
            }
        }
        self.filled.notify_one();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::model::{EmptyResult, ServerResult};
    use serde_json::json;

    fn answer(id: i64) -> TxJsonRpcMessage<RoleServer> {
        JsonRpcMessage::response(ServerResult::EmptyResult(EmptyResult {}), RequestId::Number(id))
    }

    async fn written(outbox: Arc<Outbox>) -> String {
        outbox.close();
        let mut bytes = Vec::new();
        outbox.write_to(&mut bytes).await;
        String::from_utf8(bytes).unwrap()
    }

    #[tokio::test]
    async fn an_answer_is_written_once_and_only_for_an_open_request() {
        let outbox = Outbox::new();
        assert!(outbox.open(&RequestId::Number(1)).is_some());
        assert!(outbox.open(&RequestId::Number(1)).is_none());
        for id in [1, 1, 2] {
            outbox.send(&answer(id)).unwrap();
        }
        assert_eq!(written(outbox).await, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
    }

    #[tokio::test]
    async fn nothing_is_written_for_a_cancelled_request_and_its_id_is_free_only_after_its_work() {
        let outbox = Outbox::new();
        let id = RequestId::Number(1);
        let cancel = outbox.open(&id).unwrap();
        outbox.cancel(&id);
        cancel.notified().await;
        outbox.report(&id, &json!("progress"));
        assert!(outbox.open(&id).is_none());
        outbox.send(&answer(1)).unwrap();
        assert!(outbox.open(&id).is_some());
        assert_eq!(written(outbox).await, "");
    }

    #[tokio::test]
    async fn a_broken_output_fails_every_later_send_and_wakes_the_reader() {
        let outbox = Outbox::new();
        let (writer, reader) = tokio::io::duplex(8);
        drop(reader);
        outbox.refuse(&json!("x")).unwrap();
        Arc::clone(&outbox).write_to(writer).await;
        assert!(outbox.refuse(&json!("x")).is_err());
        assert!(outbox.room().await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_stops_the_reading() {
        let outbox = Outbox::new();
        outbox.refuse(&"x".repeat(UNWRITTEN_BYTES_MAX)).unwrap();
        assert!(futures::FutureExt::now_or_never(outbox.room()).is_none());
        let writer = Arc::clone(&outbox).write_to(tokio::io::sink());
        let room = outbox.room();
        tokio::select! { () = writer => {}, room = room => room.unwrap() }
    }
}
