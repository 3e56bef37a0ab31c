//! The body of a stream, counted, and given on by whole messages: what reads it makes room for a message as soon as that
//! is announced, and an announcement must not take memory.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming};
use tonic::Status;

use crate::budget::Held;
use crate::framing::Framing;
use crate::patience::Patience;

/// So much may be announced before it has come.
const ANNOUNCED_BYTES_MAX: usize = 64 * 1024;

/// A stream's body.
pub struct WholeMessages {
    body: Incoming,
    held: Arc<Held>,
    overloaded: Status,
    gathered: Gathered,
    patience: Patience,
}

impl WholeMessages {
    /// Reads a body whose messages have `bytes_max` bytes at most, and may stand still for `still_max`. They are held
    /// until somebody gives them back; where no more can be, the body ends with `overloaded`.
    pub fn new(body: Incoming, held: Arc<Held>, overloaded: Status, bytes_max: usize, still_max: Duration) -> Self {
        Self { body, held, overloaded, gathered: Gathered::new(bytes_max), patience: Patience::new(still_max) }
    }

    /// Waits for more, but not for ever where half a message is there.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        let Some((_, message_bytes)) = self.gathered.framing.under_way() else {
            self.patience.rest();
            return Poll::Pending;
        };
        self.patience.poll_ended(message_bytes, &self.held, context)
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
            let frame = match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(frame) => frame.transpose()?,
                Poll::Pending => return self.poll_patience(context).map(|ended| Some(Err(ended.into()))),
            };
            let Some(Ok(data)) = frame.map(Frame::into_data) else {
                // Half a message; the reader would make room for all of it before it found out. Nothing that a request
                // brings after its messages is read.
                let is_half = std::mem::take(&mut self.gathered.keeps);
                return Poll::Ready(is_half.then(|| Err(Status::internal("the stream ends within a message").into())));
            };
            if self.held.add(data.len()).is_err() {
                return Poll::Ready(Some(Err(self.overloaded.clone().into())));
            }
            self.patience.came(data.len());
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
    framing: Framing,
    /// Whether what has come is kept until there is more.
    keeps: bool,
}

impl Gathered {
    fn new(bytes_max: usize) -> Self {
        Self { bytes: BytesMut::new(), bytes_max, framing: Framing::default(), keeps: false }
    }

    /// Adds a piece; gives what may be read by now.
    fn add(&mut self, piece: Bytes) -> Option<Bytes> {
        // One that is too long is refused by whoever reads it, as soon as it does.
        let is_too_long = self.framing.walk(&piece, self.bytes_max);
        self.keeps = !is_too_long && self.framing.missing() > ANNOUNCED_BYTES_MAX;
        if !self.keeps && self.bytes.is_empty() {
            return Some(piece);
        }
        self.bytes.extend_from_slice(&piece);
        (!self.keeps).then(|| self.rest())
    }

    fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.bytes).freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::HEADER_BYTES;

    fn header(length: u32) -> Bytes {
        [&[0][..], &length.to_be_bytes()].concat().into()
    }

    #[test]
    fn short_messages_pass_as_they_come() {
        let mut gathered = Gathered::new(1_000_000);
        let piece: Bytes = [&header(1)[..], b"x", &header(2), b"y"].concat().into();
        assert_eq!(gathered.add(piece.clone()), Some(piece));
        assert_eq!(gathered.framing.missing(), 1);
        assert_eq!(gathered.add(Bytes::from_static(b"z\0\0")), Some(Bytes::from_static(b"z\0\0")));
        assert_eq!(gathered.framing.under_way(), Some((0, 0)));
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
