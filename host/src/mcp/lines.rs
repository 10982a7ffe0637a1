//! Frames: newline-delimited messages out of a byte stream, each at most [`LINE_BYTES_MAX`] long.
//!
//! Not here: JSON. A longer line is skipped without being kept; only its `id` is looked for on the way
//! (see [`IdSkimmer`]). Invariant: `next` is cancel-safe, because every byte read is in `self` before the
//! next await.

use super::skim::IdSkimmer;
use bytes::BytesMut;
use rmcp::model::RequestId;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest line, in bytes without its newline. The same as rmcp's own cap, so that what is acceptable
/// over HTTP is acceptable over stdio.
pub(super) const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Room asked for before a read: the size of a Linux pipe, so that one read empties it.
const CHUNK_BYTES: usize = 64 * 1024;

/// A buffer above this size is given back once its line is taken.
const KEEP_BYTES_MAX: usize = 1024 * 1024;

/// What the stream held next.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    /// A whole line without its newline. The last line of a stream may lack one.
    Line(BytesMut),
    /// A line over the cap, skipped; its `id`, where one could be read.
    TooLong(Option<RequestId>),
    /// The stream ended.
    End,
}

/// Splits a byte stream into frames.
pub(super) struct Lines<R> {
    reader: R,
    buffer: BytesMut,
    /// Bytes of `buffer` known to hold no newline.
    searched: usize,
    /// Set while a line over the cap is being skipped.
    skimmer: Option<IdSkimmer>,
    line_bytes_max: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Reads frames from `reader`; lines over `line_bytes_max` are skipped.
    pub(super) fn new(reader: R, line_bytes_max: usize) -> Self {
        Self { reader, buffer: BytesMut::new(), searched: 0, skimmer: None, line_bytes_max }
    }

    /// The next frame. Cancel-safe. After [`Frame::End`] it keeps returning that.
    pub(super) async fn next(&mut self) -> io::Result<Frame> {
        loop {
            if let Some(frame) = self.take_buffered() {
                return Ok(frame);
            }
            if self.buffer.capacity() - self.buffer.len() < CHUNK_BYTES / 16 {
                self.buffer.reserve(CHUNK_BYTES);
            }
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                return Ok(self.take_last());
            }
        }
    }

    /// Whether more has arrived than the frames that were given out.
    pub(super) fn holds_more(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// A frame that is complete in the buffer; `None` when more bytes are needed.
    pub(super) fn take_buffered(&mut self) -> Option<Frame> {
        let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
        let newline = memchr::memchr(b'\n', unsearched).map(|at| self.searched + at);
        if let Some(mut skimmer) = self.skimmer.take() {
            let skipped = self.buffer.split_to(newline.map_or(self.buffer.len(), |at| at + 1));
            self.searched = 0;
            skimmer.feed(&skipped);
            self.give_back(skipped.len());
            if newline.is_some() {
                return Some(Frame::TooLong(skimmer.finish()));
            }
            self.skimmer = Some(skimmer);
            return None;
        }
        let length = newline.unwrap_or(self.buffer.len());
        if length > self.line_bytes_max {
            self.skimmer = Some(IdSkimmer::default());
            self.searched = 0;
            return self.take_buffered();
        }
        let Some(at) = newline else {
            self.searched = self.buffer.len();
            return None;
        };
        let mut line = self.buffer.split_to(at + 1);
        line.truncate(at);
        self.searched = 0;
        self.give_back(line.len());
        Some(Frame::Line(line))
    }

    /// What is left at the end of the stream.
    fn take_last(&mut self) -> Frame {
        self.searched = 0;
        if let Some(skimmer) = self.skimmer.take() {
            return Frame::TooLong(skimmer.finish());
        }
        if self.buffer.is_empty() {
            return Frame::End;
        }
        Frame::Line(self.buffer.split())
    }

    /// Lets go of the large buffer that a large line needed.
    fn give_back(&mut self, line_bytes: usize) {
        if line_bytes > KEEP_BYTES_MAX {
            self.buffer = BytesMut::from(&*self.buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn frames(input: &[u8], line_bytes_max: usize) -> Vec<Frame> {
        let mut lines = Lines::new(input, line_bytes_max);
        let mut all = Vec::new();
        loop {
            match lines.next().await.unwrap() {
                Frame::End => return all,
                frame => all.push(frame),
            }
        }
    }

    fn line(text: &str) -> Frame {
        Frame::Line(BytesMut::from(text))
    }

    #[tokio::test]
    async fn lines_come_out_in_order_and_the_last_needs_no_newline() {
        assert_eq!(frames(b"a\n\nbc", 8).await, [line("a"), line(""), line("bc")]);
    }

    #[tokio::test]
    async fn a_line_at_the_cap_passes_and_one_byte_more_does_not() {
        assert_eq!(
            frames(b"12345678\n123456789\nx\n", 8).await,
            [line("12345678"), Frame::TooLong(None), line("x")]
        );
    }

    #[tokio::test]
    async fn a_line_over_the_cap_still_tells_its_id() {
        let input = br#"{"params":{"id":1,"x":"aaaaaaaaaaaaaaaaaaaa"},"id":7}"#;
        assert_eq!(frames(input, 8).await, [Frame::TooLong(Some(RequestId::Number(7)))]);
    }

    #[tokio::test]
    async fn a_dropped_read_loses_nothing() {
        let (mut write, read) = tokio::io::duplex(64);
        let mut lines = Lines::new(read, 64);
        tokio::io::AsyncWriteExt::write_all(&mut write, b"ab").await.unwrap();
        for _ in 0..2 {
            let pending = futures::FutureExt::now_or_never(lines.next());
            assert!(pending.is_none());
        }
        tokio::io::AsyncWriteExt::write_all(&mut write, b"c\n").await.unwrap();
        assert_eq!(lines.next().await.unwrap(), line("abc"));
    }
}
