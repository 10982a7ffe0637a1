//! The process's standard streams as a client's pipes.
//!
//! A pipe is opened anew through `/proc/self/fd`, so that it can be polled: tokio's own standard streams
//! hand every read and write to another thread, which costs more than a call. The new description also
//! keeps `O_NONBLOCK` away from whoever shares the old one. Anything but a pipe (a terminal, a file, a
//! socket) takes tokio's streams. Invariant: what is read and written is the same either way.

use super::sink::Sink;
use std::pin::Pin;
use tokio::io::AsyncRead;
use tokio::net::unix::pipe;

/// A readable stream.
pub(super) type Input = Pin<Box<dyn AsyncRead + Send>>;

/// Standard input.
pub(super) fn input() -> Input {
    match pipe::OpenOptions::new().open_receiver("/proc/self/fd/0") {
        Ok(pipe) => Box::pin(pipe),
        Err(_) => Box::pin(tokio::io::stdin()),
    }
}

/// Standard output.
pub(super) fn output() -> Sink {
    match pipe::OpenOptions::new().open_sender("/proc/self/fd/1") {
        Ok(pipe) => Sink::pipe(pipe),
        Err(_) => Sink::stream(tokio::io::stdout()),
    }
}
