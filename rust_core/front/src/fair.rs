//! No connection holds the thread for long: in one turn only so much is read of each, then it is the others' turn.
//!
//! A peer that floods us with the smallest frames would else be heard for as long as its kernel has more. Where a few of
//! them are much work ([`crate::frames`]), it is asked to calm down, and not heard any more.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::frames::{Frames, Passed, Work};
use crate::life::Life;

/// Some hundred of the smallest frames, or some dozen calls.
const TURN_BYTES: usize = 8 * 1024;

/// How much may still be read in this turn, and what it makes us do.
#[derive(Clone, Debug)]
pub struct Turn(Rc<Current>);

#[derive(Debug)]
struct Current {
    bytes_left: Cell<usize>,
    life: Rc<Life>,
    /// Streams that were opened in this turn, and have no call yet.
    opened: Cell<usize>,
    work: Cell<Work>,
}

impl Turn {
    /// The turns of a connection.
    pub fn new(life: Rc<Life>) -> Self {
        let (bytes_left, opened, work) = (Cell::new(0), Cell::new(0), Cell::new(Work::none()));
        Self(Rc::new(Current { bytes_left, life, opened, work }))
    }

    /// Runs a future whose streams read by this turn.
    pub async fn run<F: Future + Unpin>(&self, mut future: F) -> F::Output {
        std::future::poll_fn(|context| {
            self.0.bytes_left.set(TURN_BYTES);
            self.0.opened.set(0);
            Pin::new(&mut future).poll(context)
        })
        .await
    }

    /// Counts a frame; tells whether it is more than we do for one connection.
    fn is_flooded_by(&self, passed: Passed) -> bool {
        match passed {
            Passed::Headers => self.0.opened.set(self.0.opened.get() + 1),
            Passed::ForAll => {
                let mut work = self.0.work.get();
                let is_flooded = work.is_too_much_with(self.0.life.running() + self.0.opened.get());
                self.0.work.set(work);
                return is_flooded;
            }
            Passed::Other => {}
        }
        false
    }
}

/// A stream that is read by turns.
#[derive(Debug)]
pub struct ByTurns<S> {
    stream: S,
    turn: Turn,
    read: Frames,
    written: Frames,
}

impl<S> ByTurns<S> {
    /// Reads a stream by this turn.
    ///
    /// # Arguments
    /// * `preface_bytes`: how many bytes come before the first frame.
    pub fn new(stream: S, turn: Turn, preface_bytes: usize) -> Self {
        Self { stream, turn, read: Frames::after(preface_bytes), written: Frames::after(0) }
    }
}

impl<S: AsyncWrite + Unpin> ByTurns<S> {
    /// Asks the peer to calm down, if that can be said now.
    fn say_farewell(&mut self, context: &mut Context<'_>) {
        if self.written.is_between() {
            // What is not taken at once is lost: the peer is no friend of ours.
            let _ = Pin::new(&mut self.stream).poll_write(context, &self.read.calm_down());
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for ByTurns<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.turn.0.bytes_left.get();
        if left == 0 {
            // There may be more: we come again, behind the others.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let this = &mut *self;
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        let come = &buffer.filled()[before..];
        this.turn.0.bytes_left.set(left.saturating_sub(come.len()));
        let mut is_flooded = false;
        this.read.pass(come, |passed| is_flooded |= this.turn.is_flooded_by(passed));
        if is_flooded {
            this.say_farewell(context);
            return Poll::Ready(Err(io::Error::other("a peer that floods us")));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ByTurns<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.written.pass(&bytes[..written], |_| {});
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices))?;
        let mut left = written;
        for slice in slices {
            let piece = &slice[..left.min(slice.len())];
            self.written.pass(piece, |_| {});
            left -= piece.len();
        }
        Poll::Ready(Ok(written))
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
    use crate::inbox::ConnectionId;
    use crate::life::Lives;

    #[test]
    fn a_turn_ends_although_there_is_more() {
        let turn = Turn::new(Lives::default().begin(ConnectionId(1)));
        let mut stream = ByTurns::new(tokio::io::join(tokio::io::repeat(7), tokio::io::sink()), turn.clone(), 0);
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
