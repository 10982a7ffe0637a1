//! rmcp's `Transport` over two byte streams: lines in through `lines` and `message`, messages out through
//! `outbox`.
//!
//! A call goes to `calls` from here. What is not a request to work on is answered or ignored here and never
//! reaches rmcp either: rmcp drops what is not JSON without an answer, cannot answer a line over its cap, and
//! sees duplicate keys already merged. Cancellation is handled here too, so that one place knows what is in
//! flight. Invariants: `receive` is cancel-safe; when this ends, every call has been told to.

use super::backend::Backend;
use super::calls::{Began, Calls};
use super::lines::{Frame, Lines};
use super::message::{Call, Incoming, LineReader};
use super::outbox::{Outbox, OutputClosedError};
use rmcp::RoleServer;
use rmcp::model::{ClientRequest, ErrorData, JsonRpcError, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long the last answers may take to leave once the session has ended, if no longer was allowed.
pub(super) const FLUSH_WAIT_MAX: Duration = Duration::from_secs(2);

/// How long calls that were told to stop may take to be answered.
const ABANDONED_WAIT_MAX: Duration = Duration::from_secs(5);

/// Calls that may run on this thread one after the other before the writer, timers and other tasks get a turn.
const CALLS_IN_A_ROW_MAX: usize = 8;

/// Requests to stop: the first ends the reading, a later one the waiting.
pub(super) type Stops = mpsc::Receiver<()>;

/// The server's side of one connection.
pub(super) struct LineTransport<R, B> {
    lines: Lines<R>,
    reader: LineReader,
    outbox: Arc<Outbox>,
    calls: Arc<Calls<B>>,
    /// How many calls ran here since other tasks had a turn.
    calls_in_a_row: usize,
    writer: Option<JoinHandle<()>>,
    stops: Stops,
    phase: Phase,
    /// How long calls in flight may go on once the input has ended, and answers may take to leave.
    grace: Duration,
    /// Until when, once it has.
    grace_ends: Option<Instant>,
}

/// How far the session has come.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Reading,
    /// No more is read; calls in flight may end, until then if there is a limit beside their own.
    Ending(Option<Instant>),
    /// Every call was told to stop, and has until then to be answered.
    LettingGo(Instant),
    Ended,
}

/// What comes next.
enum Event {
    Frame(Frame),
    Stop,
    /// There is nobody to answer any more.
    OutputClosed,
}

impl<R: AsyncRead + Unpin + Send, B: Backend> LineTransport<R, B> {
    /// Reads `lines` until their end or the first of `stops`; `writer` is the task that empties `outbox`.
    pub(super) fn new(
        lines: Lines<R>,
        reader: LineReader,
        outbox: Arc<Outbox>,
        calls: Arc<Calls<B>>,
        writer: JoinHandle<()>,
        stops: Stops,
        grace: Duration,
    ) -> Self {
        let (writer, phase) = (Some(writer), Phase::Reading);
        let (calls_in_a_row, grace_ends) = (0, None);
        Self { lines, reader, outbox, calls, calls_in_a_row, writer, stops, phase, grace, grace_ends }
    }

    async fn event(&mut self) -> Event {
        // What is here already needs no wait, and a stop goes before a line.
        let Ok(room) = self.outbox.has_room() else { return Event::OutputClosed };
        if self.stops.try_recv().is_ok() {
            return Event::Stop;
        }
        if room && let Some(frame) = self.lines.take_buffered() {
            return Event::Frame(frame);
        }
        let (lines, outbox, stops) = (&mut self.lines, &self.outbox, &mut self.stops);
        let next = async {
            if !room && outbox.room().await.is_err() {
                return Event::OutputClosed;
            }
            Event::Frame(lines.next().await.unwrap_or_else(|error| {
                tracing::error!(%error, "the input cannot be read");
                Frame::End
            }))
        };
        tokio::select! {
            event = next => event,
            () = outbox.breaks() => Event::OutputClosed,
            () = stop(stops) => Event::Stop,
        }
    }

    /// The line's request, if it is one to hand on; otherwise the line, or the reading, is dealt with.
    fn handle(&mut self, event: Event) -> Option<RxJsonRpcMessage<RoleServer>> {
        let incoming = match event {
            Event::Frame(Frame::Line(line)) => self.reader.read(&line.freeze()),
            Event::Frame(Frame::TooLong(id)) => Incoming::Refused(id, too_long()),
            Event::Frame(Frame::End) => {
                self.grace_ends = Instant::now().checked_add(self.grace);
                self.phase = Phase::Ending(self.grace_ends);
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

    /// Gives the other tasks of this thread a turn: what has arrived already is read and run without one.
    async fn give_way(&mut self) {
        if self.calls_in_a_row >= CALLS_IN_A_ROW_MAX {
            self.calls_in_a_row = 0;
            tokio::task::yield_now().await;
        }
    }

    /// Waits for the calls in flight, and tells those that do not end in time to stop.
    async fn finish(&mut self, until: Option<Instant>) {
        let limit = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let idle = tokio::select! {
            biased;
            () = self.outbox.idle() => true,
            () = limit => false,
            () = self.outbox.closed() => false,
            () = stop(&mut self.stops) => false,
        };
        self.phase = if idle { Phase::Ended } else { self.abandon() };
    }

    fn abandon(&self) -> Phase {
        self.outbox.abandon();
        Phase::LettingGo(Instant::now() + ABANDONED_WAIT_MAX)
    }

    /// Waits for the answers of calls that were told to stop.
    async fn let_go(&mut self, until: Instant) {
        if tokio::time::timeout_at(until, self.outbox.idle()).await.is_err() {
            tracing::warn!("calls that were told to stop have not ended");
        }
        self.phase = Phase::Ended;
    }

    /// A request to hand on; `None` when the line has been dealt with.
    fn take(&mut self, incoming: Incoming) -> Option<RxJsonRpcMessage<RoleServer>> {
        match incoming {
            Incoming::Call(id, call) => {
                let cancel = self.open(&id)?;
                self.begin(id, *call, cancel);
                None
            }
            Incoming::Request(id, request) => self.hand_on(id, *request),
            Incoming::Cancel(id) => {
                self.outbox.cancel(&id);
                None
            }
            Incoming::Refused(id, error) => {
                self.refuse(id, error);
                None
            }
            Incoming::Ignored => None,
        }
    }

    fn hand_on(&self, id: RequestId, request: ClientRequest) -> Option<RxJsonRpcMessage<RoleServer>> {
        self.open(&id)?;
        Some(JsonRpcMessage::request(request, id))
    }

    fn begin(&mut self, id: RequestId, call: Call, cancel: Arc<Notify>) {
        match self.calls.begin(id, call, cancel, self.lines.holds_more()) {
            Began::Elsewhere => {}
            Began::Ended => self.calls_in_a_row += 1,
            // Reading on would begin calls faster than they end.
            Began::Waits => self.calls_in_a_row = CALLS_IN_A_ROW_MAX,
        }
    }

    /// Notes a request as in flight, or refuses its id.
    fn open(&self, id: &RequestId) -> Option<Arc<Notify>> {
        let cancel = self.outbox.open(id);
        if cancel.is_none() {
            let text = "Invalid request: `id` belongs to a request that is still being worked on";
            self.refuse(Some(id.clone()), ErrorData::invalid_request(text, None));
        }
        cancel
    }

    fn refuse(&self, id: Option<RequestId>, error: ErrorData) {
        // When the output is closed, the next look for room ends the session.
        let _ = self.outbox.refuse(&JsonRpcError::new(id, error), !self.lines.holds_more());
    }
}

impl<R: AsyncRead + Unpin + Send, B: Backend> Transport<RoleServer> for LineTransport<R, B> {
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
                    self.give_way().await;
                }
                Phase::Ending(until) => self.finish(until).await,
                Phase::LettingGo(until) => self.let_go(until).await,
                Phase::Ended => return None,
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        // A session that is dropped ends without having read or waited to the end.
        if matches!(self.phase, Phase::Reading | Phase::Ending(_)) {
            self.phase = self.abandon();
        }
        if let Phase::LettingGo(until) = self.phase {
            self.let_go(until).await;
        }
        self.outbox.close();
        let until = self.grace_ends.max(Instant::now().checked_add(FLUSH_WAIT_MAX));
        if let (Some(mut writer), Some(until)) = (self.writer.take(), until)
            && tokio::time::timeout_at(until, &mut writer).await.is_err()
        {
            tracing::warn!("the client does not read its last answers");
            writer.abort();
        }
        self.outbox.end();
        Ok(())
    }
}

impl<R, B> Drop for LineTransport<R, B> {
    fn drop(&mut self) {
        self.outbox.abandon();
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
