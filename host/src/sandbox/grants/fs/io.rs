//! File contents as WASI streams.
//!
//! Every operation is done when it returns: chunks are at most 64 KiB, and only regular files get here,
//! so there is nothing to wait for. Invariant: a stream draws on its call's allowance, also after its
//! descriptor is dropped.

use super::file::{At, File, IO_BYTES_MAX};
use bytes::Bytes;
use std::sync::Arc;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

/// Reads a file from a position on.
pub(super) struct Reader {
    pub(super) file: Arc<File>,
    pub(super) offset: u64,
}

/// Writes a file from a position on, or at its end.
pub(super) struct Writer {
    file: Arc<File>,
    at: At,
    failed: bool,
}

#[async_trait]
impl InputStream for Reader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        let bytes = self.file.read(size, self.offset).map_err(failed)?;
        if bytes.is_empty() {
            return Err(StreamError::Closed);
        }
        self.offset = self.offset.saturating_add(bytes.len() as u64);
        Ok(bytes.into())
    }
}

#[async_trait]
impl Pollable for Reader {
    async fn ready(&mut self) {}
}

impl Writer {
    pub(super) fn new(file: Arc<File>, at: At) -> Self {
        Self { file, at, failed: false }
    }
}

#[async_trait]
impl OutputStream for Writer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if self.failed {
            return Err(StreamError::Closed);
        }
        if let Err(error) = self.file.write(&bytes, self.at) {
            self.failed = true;
            return Err(failed(error));
        }
        if let At::Offset(offset) = &mut self.at {
            *offset = offset.saturating_add(bytes.len() as u64);
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.check_write().map(drop)
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        if self.failed { Err(StreamError::Closed) } else { Ok(IO_BYTES_MAX) }
    }
}

#[async_trait]
impl Pollable for Writer {
    async fn ready(&mut self) {}
}

/// Carries the code to `filesystem-error-code`.
fn failed(error: ErrorCode) -> StreamError {
    StreamError::LastOperationFailed(error.into())
}
