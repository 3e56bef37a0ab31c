//! The body of a stream whose messages are compressed: each is gathered, unpacked beside the front's thread if it is more
//! than a little, and given on as if it had come so.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use tonic::Status;

use crate::budget::Held;
use crate::door;
use crate::message::{HEADER_BYTES, header};
use crate::packing::{NotUnpacked, Packing};
use crate::patience::Patience;
use crate::unpacker::Unpacks;

/// The flag of a message that is compressed.
const PACKED: u8 = 1;

/// A message, unpacked: its header and its content.
type Unpacked = (Bytes, Bytes);
/// The next message of a body; none at its end.
type Next = Pin<Box<dyn Future<Output = (Reader, Result<Option<Unpacked>, Status>)> + Send>>;

/// A stream's body.
pub struct PackedMessages {
    next: Option<Next>,
    /// What follows the header that was given last.
    content: Option<Bytes>,
}

/// What the caller is told of a message that is not taken.
#[derive(Clone, Debug)]
pub struct Told {
    too_large: Status,
    overloaded: Status,
}

impl Told {
    /// As things are now.
    pub fn by(context: &door::Context) -> Self {
        let too_large = context.settings.refusals.message_too_large.status();
        Self { too_large, overloaded: context.overloaded_now() }
    }

    /// What is told of one that is not unpacked.
    pub fn of(&self, why: NotUnpacked) -> Status {
        match why {
            NotUnpacked::TooLarge => self.too_large.clone(),
            NotUnpacked::Overloaded => self.overloaded.clone(),
            NotUnpacked::Broken(error) => Status::internal(format!("the message cannot be decompressed: {error}")),
        }
    }
}

/// What reads one message after the other.
pub struct Reader {
    body: Incoming,
    /// What has come and was not given on.
    come: BytesMut,
    packing: Packing,
    unpacks: Unpacks,
    held: Arc<Held>,
    patience: Patience,
    told: Told,
    bytes_max: usize,
}

impl Reader {
    /// Reads a body whose messages have `bytes_max` bytes at most, packed and unpacked, and may stand still for
    /// `still_max`. They are held until somebody gives them back.
    pub fn new(
        body: Incoming,
        (packing, unpacks): (Packing, Unpacks),
        held: Arc<Held>,
        told: Told,
        (bytes_max, still_max): (usize, Duration),
    ) -> Self {
        let patience = Patience::new(still_max);
        Self { body, come: BytesMut::new(), packing, unpacks, held, patience, told, bytes_max }
    }

    async fn advanced(mut self) -> (Self, Result<Option<Unpacked>, Status>) {
        let next = self.next().await;
        (self, next)
    }

    async fn next(&mut self) -> Result<Option<Unpacked>, Status> {
        loop {
            let announced_bytes = self.announced_bytes()?;
            if let Some(bytes) = announced_bytes.filter(|bytes| self.come.len() >= HEADER_BYTES + bytes) {
                let mut message = self.come.split_to(HEADER_BYTES + bytes).freeze();
                let content = message.split_off(HEADER_BYTES);
                return self.unpacked(message, content).await.map(Some);
            }
            let frame = if self.come.is_empty() {
                self.patience.rest();
                self.body.frame().await
            } else {
                tokio::select! {
                    biased;
                    frame = self.body.frame() => frame,
                    ended = self.patience.ended(announced_bytes.unwrap_or_default(), &self.held) => return Err(ended),
                }
            };
            match frame.transpose().map_err(|error| Status::cancelled(error.to_string()))?.map(Frame::into_data) {
                Some(Ok(data)) => self.add(&data)?,
                // Nothing that a request brings after its messages is read.
                Some(Err(_)) | None if self.come.is_empty() => return Ok(None),
                Some(Err(_)) | None => return Err(Status::internal("the stream ends within a message")),
            }
        }
    }

    fn add(&mut self, data: &[u8]) -> Result<(), Status> {
        self.held.add(data.len()).map_err(|_| self.told.overloaded.clone())?;
        self.patience.came(data.len());
        self.come.extend_from_slice(data);
        Ok(())
    }

    /// The length that the header of the message under way tells; none while the header is not there.
    fn announced_bytes(&self) -> Result<Option<usize>, Status> {
        let Some([_, length @ ..]) = self.come.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let bytes = u32::from_be_bytes(*length) as usize;
        if bytes > self.bytes_max { Err(self.told.too_large.clone()) } else { Ok(Some(bytes)) }
    }

    async fn unpacked(&self, message_header: Bytes, content: Bytes) -> Result<Unpacked, Status> {
        // What the flag means else is judged by whoever reads it.
        if message_header.first() != Some(&PACKED) {
            return Ok((message_header, content));
        }
        let unpacked = self.unpacks.unpack(self.packing, content, self.bytes_max, &self.held).await;
        let content = unpacked.map_err(|why| self.told.of(why))?;
        Ok((header(content.len()), content))
    }
}

impl From<Reader> for PackedMessages {
    fn from(reader: Reader) -> Self {
        Self { next: Some(Box::pin(reader.advanced())), content: None }
    }
}

impl Body for PackedMessages {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(content) = self.content.take() {
            return Poll::Ready(Some(Ok(Frame::data(content))));
        }
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let (reader, message) = ready!(next.as_mut().poll(context));
        self.next = None;
        Poll::Ready(message.transpose().map(|message| {
            let (header, rest) = message?;
            self.content = Some(rest);
            self.next = Some(Box::pin(reader.advanced()));
            Ok(Frame::data(header))
        }))
    }
}
