//! Where the output goes, and the bytes that are still on their way there.
//!
//! A pipe is written to where an answer is made: to wake the writer's task for it costs as much as the
//! write. What the pipe does not take at once, and any other stream, is the task's. Not here: what is written,
//! and who may not go on while too much is unwritten (`outbox`). Invariant: bytes leave in the order in which they
//! were appended, each once.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::AsyncWrite;
use tokio::net::unix::pipe;

/// Written bytes above this number are cut off, and a buffer above this size, in bytes, is given back.
const KEEP_BYTES_MAX: usize = 1024 * 1024;

/// A client's reading end.
pub(super) struct Sink {
    stream: Pin<Box<dyn AsyncWrite + Send>>,
    /// A write by anybody is whole: it does not block, and needs no flush.
    direct: bool,
}

impl Sink {
    /// A pipe.
    pub(super) fn pipe(pipe: pipe::Sender) -> Self {
        Self { stream: Box::pin(pipe), direct: true }
    }

    /// Any stream.
    pub(super) fn stream(stream: impl AsyncWrite + Send + 'static) -> Self {
        Self { stream: Box::pin(stream), direct: false }
    }
}

/// What is on its way out.
pub(super) struct Unwritten {
    sink: Sink,
    bytes: Vec<u8>,
    /// How many of `bytes` the sink has taken.
    taken: usize,
    /// The sink has taken bytes since it was last flushed.
    unflushed: bool,
    /// The sink is full, and wakes the task when it does.
    full: bool,
    /// The writer's task, from its first turn on.
    task: Option<Waker>,
}

impl Unwritten {
    /// Nothing yet.
    pub(super) fn new(sink: Sink) -> Self {
        Self { sink, bytes: Vec::new(), taken: 0, unflushed: false, full: false, task: None }
    }

    /// How many bytes the sink has not taken.
    pub(super) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.taken)
    }

    /// Appends bytes; they leave with the next push or turn.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Sends off what was appended: at once where the sink allows it and it may be `now`, otherwise by the task.
    pub(super) fn push(&mut self, now: bool) -> io::Result<()> {
        // The sink will wake the task, which then finds what was appended.
        if self.full {
            return Ok(());
        }
        // Without a waker the task's first turn is still to come.
        let Some(task) = self.task.take() else { return Ok(()) };
        let pushed = if now && self.sink.direct {
            self.poll_write(&mut Context::from_waker(&task))
        } else {
            task.wake_by_ref();
            Poll::Pending
        };
        self.task = Some(task);
        match pushed {
            Poll::Ready(written) => written,
            Poll::Pending => Ok(()),
        }
    }

    /// A turn of the writer's task: ready once everything is written and flushed.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.task = Some(context.waker().clone());
        self.poll_write(context)
    }

    /// Gives the task a turn.
    pub(super) fn wake(&self) {
        if let Some(task) = &self.task {
            task.wake_by_ref();
        }
    }

    /// Lets go of the sink; what is left is lost.
    pub(super) fn end(&mut self) {
        *self = Self::new(Sink::stream(tokio::io::sink()));
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let written = self.poll_write_all(context);
        self.full = written.is_pending();
        written
    }

    fn poll_write_all(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let rest = self.bytes.get(self.taken..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let taken = ready!(self.sink.stream.as_mut().poll_write(context, rest))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unflushed = true;
            self.take(taken);
        }
        if self.unflushed {
            ready!(self.sink.stream.as_mut().poll_flush(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn take(&mut self, bytes: usize) {
        self.taken = self.taken.saturating_add(bytes);
        if self.left() == 0 {
            self.bytes.clear();
            self.bytes.shrink_to(KEEP_BYTES_MAX);
            self.taken = 0;
        } else if self.taken > KEEP_BYTES_MAX {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::RefCell;
    use std::collections::VecDeque;

    thread_local! {
        static RECEIVED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }

    /// Takes as many bytes at a time as it was told, and nothing at a zero.
    struct Trickle(VecDeque<usize>);

    impl AsyncWrite for Trickle {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            match self.0.pop_front() {
                Some(0) => Poll::Pending,
                most => {
                    let taken = bytes.len().min(most.unwrap_or(usize::MAX));
                    RECEIVED.with_borrow_mut(|all| all.extend_from_slice(&bytes[..taken]));
                    Poll::Ready(Ok(taken))
                }
            }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    proptest! {
        #[test]
        fn bytes_leave_in_their_order_each_once_however_the_sink_takes_them(
            lines in prop::collection::vec((1usize..9, any::<bool>(), any::<bool>()), 1..40),
            takes in prop::collection::vec(0usize..7, 0..80),
            direct in any::<bool>(),
        ) {
            RECEIVED.with_borrow_mut(Vec::clear);
            let sink = Sink { stream: Box::pin(Trickle(takes.into())), direct };
            let (mut unwritten, mut sent) = (Unwritten::new(sink), Vec::new());
            let mut context = Context::from_waker(Waker::noop());
            for (line, (length, now, turn)) in lines.into_iter().enumerate() {
                let bytes = vec![u8::try_from(line).unwrap(); length];
                unwritten.append(&bytes);
                sent.extend(bytes);
                unwritten.push(now).unwrap();
                if turn {
                    let _ = unwritten.poll(&mut context);
                }
                prop_assert_eq!(RECEIVED.with_borrow(Vec::len) + unwritten.left(), sent.len());
            }
            while unwritten.poll(&mut context).is_pending() {}
            prop_assert_eq!(RECEIVED.with_borrow(Vec::clone), sent);
        }
    }
}
