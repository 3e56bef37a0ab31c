//! No connection holds the thread for long: in one turn only so much is read of each, then it is the others' turn.
//!
//! A peer that floods us with the smallest frames would else be heard for as long as its kernel has more.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Some hundred of the smallest frames, or some dozen calls.
const TURN_BYTES: usize = 8 * 1024;

/// How much may still be read in this turn.
#[derive(Clone, Debug, Default)]
pub struct Turn(Rc<Cell<usize>>);

impl Turn {
    /// Runs a future whose streams read by this turn.
    pub async fn run<F: Future + Unpin>(&self, mut future: F) -> F::Output {
        std::future::poll_fn(|context| {
            self.0.set(TURN_BYTES);
            Pin::new(&mut future).poll(context)
        })
        .await
    }
}

/// A stream that is read by turns.
#[derive(Debug)]
pub struct ByTurns<S> {
    stream: S,
    turn: Turn,
}

impl<S> ByTurns<S> {
    /// Reads a stream by this turn.
    pub fn new(stream: S, turn: Turn) -> Self {
        Self { stream, turn }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ByTurns<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.turn.0.get();
        if left == 0 {
            // There may be more: we come again, behind the others.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.turn.0.set(left.saturating_sub(buffer.filled().len() - before));
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ByTurns<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Waker;

    use tokio::io::AsyncReadExt;

    use super::*;

    #[test]
    fn a_turn_ends_although_there_is_more() {
        let turn = Turn::default();
        let mut stream = ByTurns::new(tokio::io::repeat(7), turn.clone());
        let mut read = Vec::new();
        let mut reading = pin!(async {
            while read.len() < 3 * TURN_BYTES {
                stream.read_buf(&mut read).await.expect("no end");
            }
        });
        let mut turns = 0;
        loop {
            turns += 1;
            let mut running = pin!(turn.run(reading.as_mut()));
            if running.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                break;
            }
        }
        assert!(turns >= 3, "{turns}");
    }
}
