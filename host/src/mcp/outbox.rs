//! The way out: every message towards the client goes through one buffer, in order.
//!
//! It also keeps the requests in flight, because "exactly one answer, and nothing more after a
//! cancellation" is a rule about what is written. Not here: what a message says, how bytes reach the client
//! (`sink`). Invariant: whatever names a request is written only while that request is open, under the same
//! lock that closes it.

use super::sink::{Sink, Unwritten};
use rmcp::RoleServer;
use rmcp::model::{JsonRpcMessage, RequestId};
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

    /// Writes a message. An answer closes its request, and is dropped when that was cancelled. Unless it goes out
    /// `now`, the writer's task may take it with what follows.
    pub(super) fn send(
        &self,
        message: &TxJsonRpcMessage<RoleServer>,
        now: bool,
    ) -> Result<(), OutputClosedError> {
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
        self.append(&mut state, message, now)
    }

    /// Writes the answer to a call.
    pub(super) fn answer(&self, answer: &TxJsonRpcMessage<RoleServer>, now: bool) {
        // A closed output shows itself to the reader.
        let _ = self.send(answer, now);
    }

    /// Refuses a line that never became a request, so that its id, if any, was never opened.
    pub(super) fn refuse(&self, message: &impl Serialize, now: bool) -> Result<(), OutputClosedError> {
        self.append(&mut self.lock(), message, now)
    }

    /// Writes something about a request in flight; dropped once it is answered or cancelled.
    pub(super) fn report(&self, id: &RequestId, message: &impl Serialize) {
        let mut state = self.lock();
        if state.open.get(id).is_some_and(|slot| !slot.cancelled) {
            // As for an answer.
            let _ = self.append(&mut state, message, true);
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
                let mut state = self.lock();
                if state.broken {
                    return Err(OutputClosedError);
                }
                if state.unwritten.left() <= UNWRITTEN_BYTES_MAX {
                    return Ok(());
                }
                state.crowded = true;
            }
            drained.await;
        }
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

    fn append(
        &self,
        state: &mut State,
        message: &impl Serialize,
        now: bool,
    ) -> Result<(), OutputClosedError> {
        if state.broken {
            return Err(OutputClosedError);
        }
        let bytes = state.unwritten.bytes();
        let before = bytes.len();
        match serde_json::to_writer(&mut *bytes, message) {
            Ok(()) => bytes.push(b'\n'),
            Err(error) => {
                bytes.truncate(before);
                tracing::error!(%error, "a message does not serialize");
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use rmcp::model::{EmptyResult, ServerResult};
    use serde_json::json;
    use std::pin::Pin;
    use tokio::io::{AsyncRead, AsyncReadExt as _};

    type Client = Pin<Box<dyn AsyncRead + Send>>;

    /// An outbox for each kind of sink, with what its client reads from.
    fn both() -> [(Arc<Outbox>, Client); 2] {
        let (pipe, receiver) = tokio::net::unix::pipe::pipe().unwrap();
        let (stream, other_end) = tokio::io::duplex(64 * 1024);
        [
            (Outbox::new(Sink::pipe(pipe)), Box::pin(receiver)),
            (Outbox::new(Sink::stream(stream)), Box::pin(other_end)),
        ]
    }

    fn answer(id: i64) -> TxJsonRpcMessage<RoleServer> {
        JsonRpcMessage::response(ServerResult::EmptyResult(EmptyResult {}), RequestId::Number(id))
    }

    /// What the client reads until the outbox, which is closed, is gone.
    async fn written(outbox: Arc<Outbox>, mut client: Client) -> String {
        outbox.close();
        let writing = tokio::spawn(outbox.write());
        let mut text = String::new();
        client.read_to_string(&mut text).await.unwrap();
        writing.await.unwrap();
        text
    }

    #[tokio::test]
    async fn an_answer_is_written_once_and_only_for_an_open_request() {
        for (outbox, client) in both() {
            assert!(outbox.open(&RequestId::Number(1)).is_some());
            assert!(outbox.open(&RequestId::Number(1)).is_none());
            for id in [1, 1, 2] {
                outbox.send(&answer(id), true).unwrap();
            }
            assert_eq!(written(outbox, client).await, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
        }
    }

    #[tokio::test]
    async fn nothing_is_written_for_a_cancelled_request_and_its_id_is_free_only_after_its_work() {
        for (outbox, client) in both() {
            let id = RequestId::Number(1);
            let cancel = outbox.open(&id).unwrap();
            outbox.cancel(&id);
            cancel.notified().await;
            outbox.report(&id, &json!("progress"));
            assert!(outbox.open(&id).is_none());
            outbox.send(&answer(1), true).unwrap();
            assert!(outbox.open(&id).is_some());
            assert_eq!(written(outbox, client).await, "");
        }
    }

    #[tokio::test]
    async fn a_broken_output_fails_every_later_send_and_wakes_the_reader() {
        for (outbox, client) in both() {
            drop(client);
            outbox.refuse(&json!("x"), true).unwrap();
            let ((), ()) = tokio::join!(Arc::clone(&outbox).write(), outbox.closed());
            assert!(outbox.refuse(&json!("x"), true).is_err());
            assert!(outbox.room().await.is_err());
        }
    }

    #[tokio::test]
    async fn an_output_that_breaks_where_an_answer_is_made_ends_the_writer_too() {
        let (outbox, mut client) = both().into_iter().next().unwrap();
        let writing = tokio::spawn(Arc::clone(&outbox).write());
        outbox.refuse(&json!("x"), true).unwrap();
        client.read_exact(&mut [0; 4]).await.unwrap();
        drop(client);
        outbox.refuse(&json!("x"), true).unwrap();
        assert!(outbox.closed().now_or_never().is_some());
        assert!(outbox.refuse(&json!("x"), true).is_err());
        writing.await.unwrap();
    }

    #[tokio::test]
    async fn only_a_pipe_is_written_to_where_an_answer_is_made_and_only_when_it_goes_out_now() {
        for ((outbox, mut client), direct) in both().into_iter().zip([true, false]) {
            let _writing = tokio::spawn(Arc::clone(&outbox).write());
            // Once the client has read something, the writer has had its first turn, and the pipe is known as ready.
            for (now, left) in
                [(true, None), (true, Some(direct)), (false, Some(false)), (true, Some(direct))]
            {
                outbox.refuse(&json!("x"), now).unwrap();
                if let Some(written) = left {
                    assert_eq!(outbox.lock().unwritten.left() == 0, written, "direct: {direct}, now: {now}");
                }
                client.read_exact(&mut [0; 4]).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_stops_the_reading() {
        for (outbox, mut client) in both() {
            outbox.refuse(&"x".repeat(UNWRITTEN_BYTES_MAX), true).unwrap();
            assert!(outbox.room().now_or_never().is_none());
            let _writing = tokio::spawn(Arc::clone(&outbox).write());
            let reading = tokio::spawn(async move {
                tokio::io::copy(&mut client, &mut tokio::io::sink()).await.unwrap();
            });
            outbox.room().await.unwrap();
            reading.abort();
        }
    }
}
