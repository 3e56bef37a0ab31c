//! Reads the one message of a unary call, whole, before anything is made of it.
//!
//! Memory is taken for bytes that came, never for bytes that were announced, and only for as long as more of them come.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use tonic::Status;

use crate::budget::Held;
use crate::door::Door;
use crate::inbox::Full;
use crate::packed_messages::Told;
use crate::packing::{NotUnpacked, Packing};
use crate::patience::Patience;

/// What stands before each message: a flag and the length.
pub const HEADER_BYTES: usize = 5;

/// A message with its header: the first piece as it came, which mostly is all, and what came after it, joined: a
/// message that comes byte by byte must not take a handle for each.
#[derive(Debug, Default)]
pub struct Message {
    first: Bytes,
    rest: BytesMut,
}

/// Reads and unpacks the message of a call.
///
/// # Arguments
/// * `bytes_max`: how many bytes it may have, packed and unpacked.
///
/// # Errors
/// The status that the caller is told.
pub async fn read(
    headers: &HeaderMap<HeaderValue>,
    body: Incoming,
    bytes_max: usize,
    held: &Arc<Held>,
    door: &Door,
) -> Result<Message, Status> {
    let message = collected(body, bytes_max, held, door).await?;
    if !message.is_packed() {
        return Ok(message);
    }
    let Some(packing) = Packing::of(headers) else { return Ok(message) };
    // Boxed, as all that few calls need: each call takes the memory of all that it might come to.
    Box::pin(unpacked(message, packing, bytes_max, held, door)).await
}

async fn unpacked(
    message: Message,
    packing: Packing,
    bytes_max: usize,
    held: &Arc<Held>,
    door: &Door,
) -> Result<Message, Status> {
    let packed = message.joined().split_off(HEADER_BYTES);
    match door.unpacks.unpack(packing, packed, bytes_max, held).await {
        Ok(content) => Ok(Message::plain(content)),
        Err(NotUnpacked::Overloaded) => Err(overloaded(held, door).await),
        Err(why) => Err(Told::by(&door.context).of(why)),
    }
}

/// What stands before a message that is not compressed.
pub fn header(content_bytes: usize) -> Bytes {
    let [a, b, c, d] = u32::try_from(content_bytes).unwrap_or(u32::MAX).to_be_bytes();
    Bytes::copy_from_slice(&[0, a, b, c, d])
}

/// There is no memory for a message; what it has is given back before its caller waits.
async fn overloaded(held: &Held, door: &Door) -> Status {
    held.release(held.bytes());
    door.context.overloaded().await
}

async fn collected(mut body: Incoming, bytes_max: usize, held: &Held, door: &Door) -> Result<Message, Status> {
    let refusals = &door.context.settings.refusals;
    let mut message = Message::default();
    let mut patience = Patience::new(door.context.settings.limits.handshake_timeout);
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            ended = patience.ended(message.announced_bytes().unwrap_or_default(), held) => return Err(ended),
        };
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| Status::cancelled(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        if let Err(Full) = held.add(data.len()) {
            drop(message);
            return Err(Box::pin(overloaded(held, door)).await);
        }
        patience.came(data.len());
        if !message.is_empty() {
            // The first piece comes with the call, which has just moved.
            door.life.moved();
        }
        message.add(data);
        if let Some(length) = message.announced_bytes() {
            if length > bytes_max {
                return Err(refusals.message_too_large.status());
            }
            if message.bytes() >= HEADER_BYTES + length {
                // A unary call has one message; nobody reads what its request has after that.
                message.truncate(HEADER_BYTES + length);
                return Ok(message);
            }
        }
    }
    // Whoever reads half a message would make room for all of it before it found out.
    Err(refusals.no_message.status())
}

impl Message {
    /// A message that is not compressed.
    fn plain(content: Bytes) -> Self {
        Self { first: header(content.len()), rest: content.into() }
    }

    fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    fn bytes(&self) -> usize {
        self.first.len() + self.rest.len()
    }

    fn add(&mut self, piece: Bytes) {
        if self.first.is_empty() {
            self.first = piece;
        } else {
            self.rest.extend_from_slice(&piece);
        }
    }

    /// Keeps so many bytes at most.
    fn truncate(&mut self, bytes: usize) {
        self.rest.truncate(bytes.saturating_sub(self.first.len()));
        self.first.truncate(bytes);
    }

    /// The length that the header tells; none while the header is not there.
    fn announced_bytes(&self) -> Option<usize> {
        if let Some(&[_, a, b, c, d]) = self.first.first_chunk() {
            return usize::try_from(u32::from_be_bytes([a, b, c, d])).ok();
        }
        let mut bytes = self.first.iter().chain(&self.rest).skip(1);
        let mut length = 0;
        for _ in 1..HEADER_BYTES {
            length = length << 8 | usize::from(*bytes.next()?);
        }
        Some(length)
    }

    fn is_packed(&self) -> bool {
        self.bytes() >= HEADER_BYTES && self.first.first() == Some(&1)
    }

    fn joined(self) -> Bytes {
        if self.rest.is_empty() {
            return self.first;
        }
        let mut joined = BytesMut::with_capacity(self.bytes());
        joined.extend_from_slice(&self.first);
        joined.extend_from_slice(&self.rest);
        joined.freeze()
    }
}

impl Body for Message {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let first = std::mem::take(&mut self.first);
        let piece = if first.is_empty() { std::mem::take(&mut self.rest).freeze() } else { first };
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty() && self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_in_single_bytes_is_the_message() {
        let mut message = Message::default();
        for (place, byte) in [0, 0, 0, 0, 2, 7, 8, 9].into_iter().enumerate() {
            assert_eq!(message.announced_bytes(), (place >= HEADER_BYTES).then_some(2));
            message.add(Bytes::copy_from_slice(&[byte]));
        }
        message.truncate(HEADER_BYTES + 2);
        assert_eq!(message.joined(), Bytes::from_static(&[0, 0, 0, 0, 2, 7, 8]));
    }

    #[test]
    fn what_follows_in_the_same_piece_is_cut_off() {
        let mut message = Message::default();
        message.add(Bytes::from_static(&[0, 0, 0, 0, 0, 1]));
        message.truncate(HEADER_BYTES);
        assert_eq!(message.bytes(), HEADER_BYTES);
    }
}
