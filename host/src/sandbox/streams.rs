//! What a guest prints: the first bytes are kept, the rest is only counted.
//!
//! Not here: stdin, which is always at its end (the runtime's default). Invariants: a write always
//! succeeds at once and never traps, so printing cannot change what a tool does; memory stays under the
//! limit, for floods of any kind, empty writes among them.

use bytes::Bytes;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes kept of one output.
pub(super) const KEPT_BYTES_MAX: usize = 64 * 1024;

/// Bytes that one write may bring: the permit that the guest is given each time.
const WRITE_BYTES_MAX: usize = 64 * 1024;

/// One of a guest's outputs. Clones are the same output.
#[derive(Debug, Clone, Default)]
pub(super) struct BoundedOutput(Arc<Mutex<Captured>>);

/// What came through an output.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Captured {
    /// The first bytes, at most [`KEPT_BYTES_MAX`].
    pub(super) kept: Vec<u8>,
    /// All bytes that were written.
    pub(super) bytes_total: u64,
}

impl BoundedOutput {
    /// What was written so far; the output starts again from nothing.
    pub(super) fn take(&self) -> Captured {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn record(&self, bytes: &[u8]) {
        let mut printed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        printed.bytes_total = printed.bytes_total.saturating_add(bytes.len() as u64);
        let room = KEPT_BYTES_MAX.saturating_sub(printed.kept.len());
        let fits = bytes.get(..room).unwrap_or(bytes);
        printed.kept.extend_from_slice(fits);
    }
}

impl IsTerminal for BoundedOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for BoundedOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl OutputStream for BoundedOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.record(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

#[async_trait]
impl Pollable for BoundedOutput {
    async fn ready(&mut self) {}
}

impl AsyncWrite for BoundedOutput {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.record(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_are_kept_and_all_are_counted() {
        let output = BoundedOutput::default();
        let mut stream = output.p2_stream();
        for chunk in ["a".repeat(KEPT_BYTES_MAX - 1), "bcd".to_owned(), "e".to_owned()] {
            stream.write(chunk.into()).unwrap();
        }
        let printed = output.take();
        assert_eq!(printed.kept.len(), KEPT_BYTES_MAX);
        assert_eq!(printed.kept.last(), Some(&b'b'));
        assert_eq!(printed.bytes_total, KEPT_BYTES_MAX as u64 + 3);
    }

    #[test]
    fn a_flood_of_100_mib_stays_within_the_limit() {
        let output = BoundedOutput::default();
        let mut stream = output.p2_stream();
        let chunk = Bytes::from(vec![b'x'; WRITE_BYTES_MAX]);
        for _ in 0..1600 {
            stream.write(chunk.clone()).unwrap();
        }
        let printed = output.take();
        assert_eq!(printed.bytes_total, 100 << 20);
        assert!(printed.kept.capacity() <= 2 * KEPT_BYTES_MAX);
    }

    #[test]
    fn empty_writes_take_no_memory() {
        let output = BoundedOutput::default();
        let mut stream = output.p2_stream();
        for _ in 0..100_000 {
            stream.write(Bytes::new()).unwrap();
        }
        let printed = output.take();
        assert_eq!((printed.kept.capacity(), printed.bytes_total), (0, 0));
    }

    #[tokio::test]
    async fn an_output_is_always_ready() {
        let mut stream = BoundedOutput::default().p2_stream();
        assert_eq!(stream.write_ready().await.unwrap(), WRITE_BYTES_MAX);
        stream.blocking_write_and_flush("line\n".into()).await.unwrap();
        stream.write_zeroes(10).unwrap();
    }

    #[tokio::test]
    async fn both_kinds_of_stream_reach_the_same_output() {
        use tokio::io::AsyncWriteExt;
        let output = BoundedOutput::default();
        output.p2_stream().write("a".into()).unwrap();
        Box::into_pin(output.async_stream()).write_all(b"b").await.unwrap();
        assert_eq!(output.take(), Captured { kept: b"ab".to_vec(), bytes_total: 2 });
        assert_eq!(output.take(), Captured::default());
    }
}
