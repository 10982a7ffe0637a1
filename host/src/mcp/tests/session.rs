//! One client's session: raw lines in, JSON out.

use super::super::lines::Lines;
use super::super::sink::Sink;
use super::super::workers::Workers;
use super::super::{ServeError, serve_backend};
use super::stand_in::StandIn;
use serde_json::{Value, json};
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader, DuplexStream, Lines as TextLines};
use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The longest line in these sessions, in bytes.
pub(super) const LINE_BYTES_MAX: usize = 64 * 1024;

/// A grace that does not end.
const HOUR: Duration = Duration::from_secs(3600);

/// A client and the server it talks to.
pub(super) struct Session {
    pub(super) gate: StandIn,
    input: Option<DuplexStream>,
    output: TextLines<BufReader<Pin<Box<dyn AsyncRead + Send>>>>,
    serving: JoinHandle<Result<(), ServeError>>,
    stops: mpsc::Sender<()>,
}

impl Session {
    /// Starts one.
    pub(super) fn open() -> Self {
        Self::with_grace(HOUR)
    }

    /// Starts one whose calls may go on for `grace` after the end of the input.
    pub(super) fn with_grace(grace: Duration) -> Self {
        let (output, stream) = tokio::io::duplex(1 << 20);
        Self::with(grace, Sink::stream(stream), Box::pin(output))
    }

    /// Starts one in whose output one answer has no room until somebody reads.
    pub(super) fn cramped() -> Self {
        let (output, stream) = tokio::io::duplex(64);
        Self::with(HOUR, Sink::stream(stream), Box::pin(output))
    }

    /// Starts one whose answers come through a pipe.
    pub(super) fn piped() -> Self {
        let (pipe, output) = pipe::pipe().unwrap();
        Self::with(HOUR, Sink::pipe(pipe), Box::pin(output))
    }

    fn with(grace: Duration, sink: Sink, output: Pin<Box<dyn AsyncRead + Send>>) -> Self {
        let (input, read) = tokio::io::duplex(1 << 20);
        let (stops, stopped) = mpsc::channel(1);
        let gate = StandIn::default();
        let lines = Lines::new(read, LINE_BYTES_MAX);
        let workers = Workers::new(tokio::runtime::Handle::current());
        let serving = tokio::spawn(serve_backend(gate.clone(), lines, sink, stopped, grace, workers));
        Self { gate, input: Some(input), output: BufReader::new(output).lines(), serving, stops }
    }

    /// Starts one and initializes it, for the legacy era.
    pub(super) async fn legacy() -> Self {
        let mut session = Self::open();
        session
            .send(&json!({"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": {
                "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}))
            .await;
        assert_eq!(session.next().await["result"]["protocolVersion"], "2025-11-25");
        session.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        session
    }

    /// Sends bytes as they are.
    pub(super) async fn raw(&mut self, bytes: &[u8]) {
        self.input.as_mut().unwrap().write_all(bytes).await.unwrap();
    }

    /// Sends one message.
    pub(super) async fn send(&mut self, message: &Value) {
        self.raw(format!("{message}\n").as_bytes()).await;
    }

    /// The next message from the server.
    pub(super) async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(20), self.output.next_line()).await;
        serde_json::from_str(&line.expect("an answer in time").unwrap().expect("an open session")).unwrap()
    }

    /// Sends one line and gives the next message.
    pub(super) async fn ask_raw(&mut self, line: &str) -> Value {
        self.raw(format!("{line}\n").as_bytes()).await;
        self.next().await
    }

    /// Sends one message and gives the next.
    pub(super) async fn ask(&mut self, message: Value) -> Value {
        self.send(&message).await;
        self.next().await
    }

    /// Tells the server to stop, as a signal does.
    pub(super) async fn stop(&self) {
        self.stops.send(()).await.unwrap();
    }

    /// Waits until the server has taken the last stop.
    pub(super) async fn place_for_a_stop(&self) -> mpsc::OwnedPermit<()> {
        self.stops.clone().reserve_owned().await.unwrap()
    }

    /// Goes away without a word, then does `after`; returns once the server has ended.
    pub(super) async fn vanish(self, after: impl FnOnce()) {
        let Self { input, output, serving, .. } = self;
        drop((input, output));
        after();
        serving.await.unwrap().unwrap();
    }

    /// Drops the server where it stands, as an embedding program may.
    pub(super) fn drop_server(&self) {
        self.serving.abort();
    }

    /// Closes the input.
    pub(super) async fn end_input(&mut self) {
        self.input.take().unwrap().shutdown().await.unwrap();
    }

    /// Closes the input; gives what the server still says before it ends.
    pub(super) async fn close(mut self) -> Vec<Value> {
        self.end_input().await;
        self.rest().await
    }

    /// What the server still says before it ends by itself.
    pub(super) async fn rest(mut self) -> Vec<Value> {
        let mut rest = Vec::new();
        while let Some(line) = self.output.next_line().await.unwrap() {
            rest.push(serde_json::from_str(&line).unwrap());
        }
        self.serving.await.unwrap().unwrap();
        rest
    }
}

/// A modern request: `params` with the `_meta` that the era requires, and `meta` beside it.
pub(super) fn modern(id: impl Into<Value>, method: &str, mut params: Value, meta: Value) -> Value {
    let mut all = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    all.as_object_mut().unwrap().extend(meta.as_object().unwrap().clone());
    params["_meta"] = all;
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
}
