//! Reads the one message of a unary call, whole, before anything is made of it.
//!
//! Memory is taken for bytes that came, never for bytes that were announced. What is compressed is unpacked beside the
//! front's thread where it is more than a little: a kilobyte can announce a megabyte, and all others would wait for it.

use std::convert::Infallible;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::{Bytes, BytesMut};
use flate2::read::{GzDecoder, ZlibDecoder};
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use tokio::sync::Semaphore;
use tonic::Status;

use crate::budget::Held;
use crate::door::Context;
use crate::inbox::Full;

/// What stands before each message: a flag and the length.
pub const HEADER_BYTES: usize = 5;
/// So much is unpacked at once in the front's thread.
const UNPACKED_AT_ONCE_BYTES: usize = 16 * 1024;

/// A message with its header: the first piece as it came, which mostly is all, and what came after it, joined: a
/// message that comes byte by byte must not take a handle for each.
#[derive(Debug, Default)]
pub struct Message {
    first: Bytes,
    rest: BytesMut,
}

/// How a message is compressed.
#[derive(Clone, Copy, Debug)]
enum Packing {
    Gzip,
    Deflate,
}

/// Why a message is not unpacked.
enum NotUnpacked {
    TooLarge,
    Overloaded,
    Broken(io::Error),
}

/// Reads and unpacks the message of a call.
///
/// # Errors
/// The status that the caller is told.
pub async fn read(
    headers: &HeaderMap<HeaderValue>,
    body: Incoming,
    held: &Arc<Held>,
    turn: &Semaphore,
    context: &Context,
) -> Result<Message, Status> {
    let message = collected(body, held, context).await?;
    match packing(headers) {
        Some(packing) if message.is_packed() => unpacked(packing, message, held, turn, context).await,
        _ => Ok(message),
    }
}

async fn collected(mut body: Incoming, held: &Held, context: &Context) -> Result<Message, Status> {
    let mut message = Message::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Status::cancelled(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        if held.add(data.len()).is_err() {
            drop(message);
            held.release(held.bytes());
            return Err(context.overloaded().await);
        }
        message.add(data);
        if let Some(length) = message.announced_bytes() {
            if length > context.settings.limits.message_bytes_max {
                return Err(context.settings.refusals.message_too_large.status());
            }
            if message.bytes() >= HEADER_BYTES + length {
                // A unary call has one message; nobody reads what its request has after that.
                message.truncate(HEADER_BYTES + length);
                return Ok(message);
            }
        }
    }
    // Whoever reads half a message would make room for all of it before it found out.
    Err(context.settings.refusals.no_message.status())
}

async fn unpacked(
    packing: Packing,
    message: Message,
    held: &Arc<Held>,
    turn: &Semaphore,
    context: &Context,
) -> Result<Message, Status> {
    let bytes_max = context.settings.limits.message_bytes_max;
    let packed = message.joined().split_off(HEADER_BYTES);
    let at_once = unpack(packing, &packed, UNPACKED_AT_ONCE_BYTES.min(bytes_max), held);
    let result = match at_once {
        Err(NotUnpacked::TooLarge) if bytes_max > UNPACKED_AT_ONCE_BYTES => {
            // One at a time of a connection, so that others' are not queued behind a thousand of one caller's.
            let _turn = turn.acquire().await;
            let held = Arc::clone(held);
            tokio::task::spawn_blocking(move || unpack(packing, &packed, bytes_max, &held))
                .await
                .map_err(|_| Status::internal("the message could not be unpacked"))?
        }
        at_once => at_once,
    };
    match result {
        Ok(plain) => Ok(Message::plain(plain)),
        Err(NotUnpacked::TooLarge) => Err(context.settings.refusals.message_too_large.status()),
        Err(NotUnpacked::Overloaded) => Err(context.overloaded().await),
        Err(NotUnpacked::Broken(error)) => {
            Err(Status::internal(format!("the message cannot be decompressed: {error}")))
        }
    }
}

fn unpack(packing: Packing, packed: &[u8], bytes_max: usize, held: &Held) -> Result<Bytes, NotUnpacked> {
    let mut reader: Box<dyn Read> = match packing {
        Packing::Gzip => Box::new(GzDecoder::new(packed)),
        Packing::Deflate => Box::new(ZlibDecoder::new(packed)),
    };
    let mut unpacked = BytesMut::new();
    let mut piece = [0; 8 * 1024];
    loop {
        let read = reader.read(&mut piece).map_err(NotUnpacked::Broken)?;
        if read == 0 {
            return Ok(unpacked.freeze());
        }
        if unpacked.len() + read > bytes_max {
            return Err(NotUnpacked::TooLarge);
        }
        held.add(read).map_err(|Full| NotUnpacked::Overloaded)?;
        unpacked.extend_from_slice(&piece[..read]);
    }
}

fn packing(headers: &HeaderMap<HeaderValue>) -> Option<Packing> {
    match headers.get("grpc-encoding")?.as_bytes() {
        b"gzip" => Some(Packing::Gzip),
        b"deflate" => Some(Packing::Deflate),
        _ => None,
    }
}

impl Message {
    /// A message that is not compressed.
    fn plain(content: Bytes) -> Self {
        let mut header = [0; HEADER_BYTES];
        header[1..].copy_from_slice(&u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes());
        Self { first: Bytes::copy_from_slice(&header), rest: content.into() }
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
