//! rmcp's `Transport` over two byte streams: lines in through `lines` and `message`, messages out through
//! `outbox`.
//!
//! What is not a request to work on is answered or ignored here and never reaches rmcp: rmcp drops
//! what is not JSON without an answer, cannot answer a line over its cap, and sees duplicate keys already
//! merged. Cancellation is handled here too, so that one place knows what is in flight. Invariant:
//! `receive` is cancel-safe.

use super::lines::{Frame, Lines};
use super::message::{Incoming, LineReader};
use super::outbox::{Outbox, OutputClosedError};
use super::server::Cancel;
use rmcp::RoleServer;
use rmcp::model::{ClientRequest, ErrorData, GetExtensions, JsonRpcError, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long the last answers may take to leave once the session has ended.
const FLUSH_WAIT_MAX: Duration = Duration::from_secs(2);

/// Requests to stop: the first ends the reading, a later one the waiting.
pub(super) type Stops = mpsc::Receiver<()>;

/// The server's side of one connection.
pub(super) struct LineTransport<R> {
    lines: Lines<R>,
    reader: LineReader,
    outbox: Arc<Outbox>,
    writer: Option<JoinHandle<()>>,
    stops: Stops,
    phase: Phase,
    /// How long calls in flight may go on once the input has ended.
    grace: Duration,
}

/// How far the session has come.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Reading,
    /// No more is read; calls in flight may end, until then if there is a limit beside their own.
    Ending(Option<Instant>),
    Ended,
}

/// What comes next.
enum Event {
    Frame(Frame),
    Stop,
    /// There is nobody to answer any more.
    OutputClosed,
}

impl<R: AsyncRead + Unpin + Send> LineTransport<R> {
    /// Reads `lines` until their end or the first of `stops`; `writer` is the task that empties `outbox`.
    pub(super) fn new(
        lines: Lines<R>,
        reader: LineReader,
        outbox: Arc<Outbox>,
        writer: JoinHandle<()>,
        stops: Stops,
        grace: Duration,
    ) -> Self {
        Self { lines, reader, outbox, writer: Some(writer), stops, phase: Phase::Reading, grace }
    }

    async fn event(&mut self) -> Event {
        let (lines, outbox, stops) = (&mut self.lines, &self.outbox, &mut self.stops);
        let next = async {
            if outbox.room().await.is_err() {
                return Event::OutputClosed;
            }
            Event::Frame(lines.next().await.unwrap_or_else(|error| {
                tracing::error!(%error, "the input cannot be read");
                Frame::End
            }))
        };
        tokio::select! {
            event = next => event,
            () = outbox.closed() => Event::OutputClosed,
            () = stop(stops) => Event::Stop,
        }
    }

    /// The line's request, if it is one to hand on; otherwise the line, or the reading, is dealt with.
    fn handle(&mut self, event: Event) -> Option<RxJsonRpcMessage<RoleServer>> {
        let incoming = match event {
            Event::Frame(Frame::Line(line)) => self.reader.read(&line.freeze()),
            Event::Frame(Frame::TooLong(id)) => Incoming::Refused(id, too_long()),
            Event::Frame(Frame::End) => {
                self.phase = Phase::Ending(Instant::now().checked_add(self.grace));
                return None;
            }
            Event::Stop => {
                self.phase = Phase::Ending(None);
                return None;
            }
            Event::OutputClosed => {
                self.phase = Phase::Ending(Some(Instant::now()));
                return None;
            }
        };
        self.take(incoming)
    }

    /// Waits for the calls in flight, and stops those that do not end in time.
    async fn finish(&mut self, until: Option<Instant>) {
        let limit = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.outbox.idle() => {}
            () = limit => self.outbox.abandon(),
            () = self.outbox.closed() => self.outbox.abandon(),
            () = stop(&mut self.stops) => self.outbox.abandon(),
        }
        self.phase = Phase::Ended;
    }

    /// A request to hand on; `None` when the line has been dealt with.
    fn take(&mut self, incoming: Incoming) -> Option<RxJsonRpcMessage<RoleServer>> {
        match incoming {
            Incoming::Request(id, request) => self.open(id, *request),
            Incoming::Cancel(id) => {
                self.outbox.cancel(&id);
                None
            }
            Incoming::Refused(id, error) => self.refuse(id, error),
            Incoming::Ignored => None,
        }
    }

    fn open(&self, id: RequestId, mut request: ClientRequest) -> Option<RxJsonRpcMessage<RoleServer>> {
        let Some(cancel) = self.outbox.open(&id) else {
            let text = "Invalid request: `id` belongs to a request that is still being worked on";
            return self.refuse(Some(id), ErrorData::invalid_request(text, None));
        };
        request.extensions_mut().insert(Cancel(cancel));
        Some(JsonRpcMessage::request(request, id))
    }

    fn refuse(&self, id: Option<RequestId>, error: ErrorData) -> Option<RxJsonRpcMessage<RoleServer>> {
        // When the output is closed, the next look for room ends the session.
        let _ = self.outbox.refuse(&JsonRpcError::new(id, error));
        None
    }
}

impl<R: AsyncRead + Unpin + Send> Transport<RoleServer> for LineTransport<R> {
    type Error = OutputClosedError;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        std::future::ready(self.outbox.send(&item))
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            match self.phase {
                Phase::Reading => {
                    let event = self.event().await;
                    if let Some(message) = self.handle(event) {
                        return Some(message);
                    }
                }
                Phase::Ending(until) => self.finish(until).await,
                Phase::Ended => return None,
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.outbox.close();
        if let Some(mut writer) = self.writer.take()
            && tokio::time::timeout(FLUSH_WAIT_MAX, &mut writer).await.is_err()
        {
            tracing::warn!("the client does not read its last answers");
            writer.abort();
        }
        Ok(())
    }
}

/// The next request to stop; never, when nobody can ask any more.
async fn stop(stops: &mut Stops) {
    if stops.recv().await.is_none() {
        std::future::pending().await
    }
}

fn too_long() -> ErrorData {
    let mib = super::lines::LINE_BYTES_MAX / (1024 * 1024);
    let text = format!("Invalid request: a line may have at most {mib} MiB; send less, or a reference to it");
    ErrorData::invalid_request(text, None)
}
