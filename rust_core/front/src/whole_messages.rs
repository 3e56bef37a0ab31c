//! The body of a stream, counted, and given on by whole messages: what reads it makes room for a message as soon as that
//! is announced, and an announcement must not take memory.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming};
use tonic::Status;

use crate::budget::Held;
use crate::message::HEADER_BYTES;

/// So much may be announced before it has come.
const ANNOUNCED_BYTES_MAX: usize = 64 * 1024;

/// A stream's body.
pub struct WholeMessages {
    body: Incoming,
    held: Arc<Held>,
    overloaded: Status,
    gathered: Gathered,
}

impl WholeMessages {
    /// Reads a body whose messages have `bytes_max` bytes at most. They are held until somebody gives them back; where no
    /// more can be, the body ends with `overloaded`.
    pub fn new(body: Incoming, held: Arc<Held>, overloaded: Status, bytes_max: usize) -> Self {
        Self { body, held, overloaded, gathered: Gathered::new(bytes_max) }
    }
}

impl Body for WholeMessages {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(context)).transpose()?;
            let Some(Ok(data)) = frame.map(Frame::into_data) else {
                // Half a message; the reader would make room for all of it before it found out. Nothing that a request
                // brings after its messages is read.
                let is_half = std::mem::take(&mut self.gathered.keeps);
                return Poll::Ready(is_half.then(|| Err(Status::internal("the stream ends within a message").into())));
            };
            if self.held.add(data.len()).is_err() {
                return Poll::Ready(Some(Err(self.overloaded.clone().into())));
            }
            if let Some(whole) = self.gathered.add(data) {
                return Poll::Ready(Some(Ok(Frame::data(whole))));
            }
        }
    }
}

/// What has come of a message that is not whole.
#[derive(Debug)]
struct Gathered {
    bytes: BytesMut,
    bytes_max: usize,
    /// The header of the message under way, as far as it has come.
    header: [u8; HEADER_BYTES],
    header_bytes: usize,
    /// Bytes of it that are still to come after its header.
    missing: usize,
    /// Whether what has come is kept until there is more.
    keeps: bool,
}

impl Gathered {
    fn new(bytes_max: usize) -> Self {
        Self { bytes: BytesMut::new(), bytes_max, header: [0; HEADER_BYTES], header_bytes: 0, missing: 0, keeps: false }
    }

    /// Adds a piece; gives what may be read by now.
    fn add(&mut self, piece: Bytes) -> Option<Bytes> {
        self.look_at(&piece);
        if !self.keeps && self.bytes.is_empty() {
            return Some(piece);
        }
        self.bytes.extend_from_slice(&piece);
        (!self.keeps).then(|| self.rest())
    }

    fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes).freeze()
    }

    /// Walks over the messages of a piece; afterwards it is known how much is missing of the last.
    fn look_at(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            let come = self.missing.min(piece.len());
            self.missing -= come;
            piece.advance(come);
            let wanted = (HEADER_BYTES - self.header_bytes).min(piece.len());
            self.header[self.header_bytes..self.header_bytes + wanted].copy_from_slice(&piece[..wanted]);
            self.header_bytes += wanted;
            piece.advance(wanted);
            if self.header_bytes == HEADER_BYTES && wanted > 0 {
                let [_, length @ ..] = self.header;
                self.missing = u32::from_be_bytes(length) as usize;
                self.header_bytes = 0;
                // One that is too long is refused by whoever reads it, as soon as it does.
                if self.missing > self.bytes_max {
                    self.keeps = false;
                    return;
                }
            }
        }
        self.keeps = self.missing > ANNOUNCED_BYTES_MAX;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(length: u32) -> Bytes {
        [&[0][..], &length.to_be_bytes()].concat().into()
    }

    #[test]
    fn short_messages_pass_as_they_come() {
        let mut gathered = Gathered::new(1_000_000);
        let piece: Bytes = [&header(1)[..], b"x", &header(2), b"y"].concat().into();
        assert_eq!(gathered.add(piece.clone()), Some(piece));
        assert_eq!(gathered.missing, 1);
        assert_eq!(gathered.add(Bytes::from_static(b"z\0\0")), Some(Bytes::from_static(b"z\0\0")));
        assert_eq!(gathered.header_bytes, 2);
    }

    #[test]
    fn what_is_announced_is_kept_until_most_of_it_is_there() {
        let mut gathered = Gathered::new(1_000_000);
        assert_eq!(gathered.add(header(900_000)), None);
        assert_eq!(gathered.add(vec![1; 800_000].into()), None);
        assert_eq!(gathered.add(vec![1; 99_999].into()).map(|given| given.len()), Some(899_999 + HEADER_BYTES));
        assert_eq!(gathered.add(vec![1].into()).map(|given| given.len()), Some(1));
        assert_eq!(gathered.rest(), Bytes::new());
    }

    #[test]
    fn a_message_that_is_too_long_is_for_the_reader_to_refuse() {
        let mut gathered = Gathered::new(1_000_000);
        assert_eq!(gathered.add(header(1_000_001)), Some(header(1_000_001)));
    }
}
