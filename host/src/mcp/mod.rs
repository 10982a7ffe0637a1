//! MCP: the model's way in. One JSON-RPC message a line, over stdio, in both eras of the protocol
//! (2026-07-28 and the `initialize` handshake of 2025-11-25 and before).
//!
//! The way of a line: `lines` (framing) → `message` (strict JSON, envelope, era, `_meta`) → `transport`
//! (what is in flight) → for a call `calls` (the gate) → `result` → `outbox`; for anything else rmcp's loop →
//! `server` → `outbox`. Not here: deciding anything; the gate does. Invariant: standard output carries
//! JSON-RPC and nothing else, and of what a guest made only what has passed the sanitizer.

mod backend;
mod calls;
mod elicit;
mod era;
mod lines;
mod listing;
mod message;
mod meta;
mod outbox;
mod progress;
mod result;
mod server;
mod sink;
mod skim;
mod stdio;
#[cfg(test)]
mod tests;
mod text;
mod transport;
mod workers;

use crate::Gate;
use backend::Backend;
use calls::Calls;
use lines::{LINE_BYTES_MAX, Lines};
use listing::Listing;
use message::LineReader;
use outbox::Outbox;
use server::Server;
use sink::Sink;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use transport::LineTransport;
use workers::Workers;

/// How long calls in flight may go on once the client has closed the input.
pub const GRACE: Duration = Duration::from_secs(5);

/// How long calls that were cut off at the end may take to note it.
const LETTING_GO_WAIT_MAX: Duration = Duration::from_secs(2);

/// The session could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The operating system does not deliver signals to this process.
    #[error("failed to listen for signals")]
    Signals(#[source] io::Error),
    /// A defect: the task that serves the session ended by a panic.
    #[error("failed to serve the session: its task ended early")]
    Aborted(#[source] tokio::task::JoinError),
}

/// Serves one client on the standard streams until it closes the input, or until SIGTERM or SIGINT.
///
/// Calls in flight may then end and are answered: within [`GRACE`] of the end of the input, after a signal
/// within their own deadlines. At a further signal, what still runs is cancelled, which the gate records.
/// A call that is alone in flight runs on the thread of the session, others on those of `workers` while these have
/// room: the session is quickest on a runtime of one thread, with another one's handle for the calls.
///
/// # Errors
/// See [`ServeError`]. A client that goes away is not an error.
pub async fn serve_stdio(gate: Gate, workers: Handle) -> Result<(), ServeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
    let (stop, stops) = mpsc::channel(1);
    let signals = tokio::spawn(async move {
        loop {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            if stop.send(()).await.is_err() {
                return;
            }
        }
    });
    let lines = Lines::new(stdio::input(), LINE_BYTES_MAX);
    let served = serve_backend(gate, lines, stdio::output(), stops, GRACE, Workers::new(workers)).await;
    signals.abort();
    served
}

/// Serves one client on any pair of byte streams until the input ends or something comes from `stops`;
/// otherwise like [`serve_stdio`], with `stops` for the signals.
///
/// # Errors
/// See [`ServeError`].
pub async fn serve<R, W>(
    gate: Gate,
    reader: R,
    writer: W,
    stops: mpsc::Receiver<()>,
) -> Result<(), ServeError>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let workers = Workers::new(Handle::current());
    serve_backend(gate, Lines::new(reader, LINE_BYTES_MAX), Sink::stream(writer), stops, GRACE, workers).await
}

async fn serve_backend<R>(
    gate: impl Backend,
    lines: Lines<R>,
    sink: Sink,
    stops: mpsc::Receiver<()>,
    grace: Duration,
    workers: Workers,
) -> Result<(), ServeError>
where
    R: AsyncRead + Unpin + Send + 'static,
{
    let outbox = Outbox::new(sink);
    let writing = tokio::spawn(Arc::clone(&outbox).write());
    let reader = LineReader::new(gate.strict_caps());
    let (alive, mut all_gone) = mpsc::channel::<Infallible>(1);
    let info = server::implementation();
    let listing = Arc::new(Listing::new(gate.tools(), meta::server_meta(&info)));
    let server = Server::new(info, Arc::clone(&listing));
    let calls = Calls::new(gate, listing, Arc::clone(&outbox), workers, alive);
    let transport = LineTransport::new(lines, reader, outbox, calls, writing, stops, grace);
    // Either era may open the session, and `message` keeps them apart: rmcp's handshake, which ends the
    // session over an unexpected first line, is left out.
    let running = rmcp::service::serve_directly(server, transport, None);
    let ended = running.waiting().await;
    // The session and the last call to end let go of the calls, and with them of the sender.
    let _ = tokio::time::timeout(LETTING_GO_WAIT_MAX, all_gone.recv()).await;
    ended.map(drop).map_err(ServeError::Aborted)
}
