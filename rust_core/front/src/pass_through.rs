//! Whatever is not taken goes to the server behind as it came, and its answers come back as they are.
//!
//! Each connection of a caller has one of its own to the server behind, made when first needed: bodies move only as fast
//! as they are taken at the other end, so a shared one would let a caller that does not read hold up all others.

use std::cell::{Cell, RefCell};
use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use h2::Reason;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Request, Response, Uri, Version};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::sync::Mutex;
use tonic::Status;

use crate::budget::Held;
use crate::executor::OnThisThread;
use crate::message::HEADER_BYTES;

/// Bytes that may be under way to a caller: a stream's and a connection's. A stream that nobody reads keeps its own from
/// the connection, so the latter has room for many such.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 16 * 1024 * 1024;
/// Bytes of a request that wait for the server behind, beyond what it has asked for.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Why there is no answer from the server behind.
#[derive(Debug)]
pub enum NotPassed {
    /// It reset the call, which is all that it says about it.
    Reset(Reason),
    /// It is not there, or went away.
    Unreachable,
    /// A message of the request would take more memory than is left for its connection.
    Full,
}

impl From<&hyper::Error> for NotPassed {
    fn from(error: &hyper::Error) -> Self {
        let reset =
            error.source().and_then(|source| source.downcast_ref::<h2::Error>()).filter(|error| error.is_reset());
        reset.and_then(h2::Error::reason).map_or(Self::Unreachable, Self::Reset)
    }
}

/// A caller's way to the server behind.
pub struct Behind {
    place: PathBuf,
    open: RefCell<Option<SendRequest<Counted>>>,
    opening: Mutex<()>,
}

impl Behind {
    /// A way that is not open yet.
    pub fn new(place: PathBuf) -> Self {
        Self { place, open: RefCell::new(None), opening: Mutex::new(()) }
    }

    /// Passes a request on and gives the answer as soon as its headers are there.
    ///
    /// # Errors
    /// The server behind cannot be reached, or broke off before it answered.
    pub async fn pass(&self, request: Request<Incoming>, held: Arc<Held>) -> Result<Response<Incoming>, NotPassed> {
        let full = Rc::new(Cell::new(false));
        let request = request.map(|body| Counted::new(body, held, Rc::clone(&full)));
        let passed = self.passed(request).await;
        if full.get() { Err(NotPassed::Full) } else { passed }
    }

    async fn passed(&self, request: Request<Counted>) -> Result<Response<Incoming>, NotPassed> {
        let mut way = self.way().await.map_err(|_| NotPassed::Unreachable)?;
        way.ready().await.map_err(|_| NotPassed::Unreachable)?;
        way.send_request(addressed(request)).await.map_err(|error| NotPassed::from(&error))
    }

    async fn way(&self) -> io::Result<SendRequest<Counted>> {
        if let Some(way) = self.open_way() {
            return Ok(way);
        }
        let _one_at_a_time = self.opening.lock().await;
        if let Some(way) = self.open_way() {
            return Ok(way);
        }
        let stream = UnixStream::connect(&self.place).await?;
        let (way, connection) = http2::Builder::new(OnThisThread)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(SEND_BUFFER_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::task::spawn_local(connection);
        *self.open.borrow_mut() = Some(way.clone());
        Ok(way)
    }

    fn open_way(&self) -> Option<SendRequest<Counted>> {
        self.open.borrow().as_ref().filter(|way| !way.is_closed()).cloned()
    }
}

/// Callers may leave out to whom they speak; the request that is passed on may not.
fn addressed(mut request: Request<Counted>) -> Request<Counted> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme.get_or_insert(Scheme::HTTP);
    parts.authority.get_or_insert_with(|| Authority::from_static("utterson"));
    parts.path_and_query.get_or_insert_with(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    *request.version_mut() = Version::HTTP_2;
    request
}

/// The body of a request that is passed on. The server behind keeps of a message what has come until it is whole, so that
/// much is held; of whole messages it counts itself what it keeps.
pub struct Counted {
    body: Incoming,
    held: Arc<Held>,
    /// Whether the body broke off because no more could be held.
    full: Rc<Cell<bool>>,
    message: PartOfMessage,
}

impl Counted {
    fn new(body: Incoming, held: Arc<Held>, full: Rc<Cell<bool>>) -> Self {
        Self { body, held, full, message: PartOfMessage::default() }
    }
}

impl Body for Counted {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context)).transpose()?;
        if let Some(data) = frame.as_ref().and_then(Frame::data_ref) {
            self.message.add(data);
            let (before, now) = (self.held.bytes(), self.message.come as u64);
            if now < before {
                self.held.release(before - now);
            } else if self.held.add(usize::try_from(now - before).unwrap_or(usize::MAX)).is_err() {
                self.full.set(true);
                return Poll::Ready(Some(Err("too much of a message waits for the rest of it".into())));
            }
        }
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// How much has come of the message that is under way.
#[derive(Debug, Default)]
struct PartOfMessage {
    /// Bytes of it that have come, its header's included.
    come: usize,
    header: [u8; HEADER_BYTES],
    missing: usize,
}

impl PartOfMessage {
    fn add(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            if self.come < HEADER_BYTES {
                self.header[self.come] = piece.get_u8();
                self.come += 1;
                if self.come == HEADER_BYTES {
                    let [_, length @ ..] = self.header;
                    self.missing = u32::from_be_bytes(length) as usize;
                }
            } else {
                let come = self.missing.min(piece.len());
                piece.advance(come);
                self.missing -= come;
                self.come += come;
            }
            if self.come >= HEADER_BYTES && self.missing == 0 {
                self.come = 0;
            }
        }
    }
}

/// The body of an answer from behind. Where the server behind goes away in the middle of it, the caller is told so by a
/// status; where it resets the call, the caller's is reset in the same way.
pub struct Passed {
    body: Incoming,
    /// What is told if there is no end to it.
    unavailable: Option<Status>,
}

impl Passed {
    /// Passes a body on.
    pub fn new(body: Incoming, unavailable: Status) -> Self {
        Self { body, unavailable: Some(unavailable) }
    }
}

impl Body for Passed {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.unavailable.is_none() {
            return Poll::Ready(None);
        }
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
            Some(Err(error)) => match NotPassed::from(&error) {
                NotPassed::Reset(reason) => Err(reason.into()),
                NotPassed::Unreachable | NotPassed::Full => {
                    let mut trailers = HeaderMap::new();
                    let told = self.unavailable.take().map(|status| status.add_header(&mut trailers));
                    told.and_then(Result::ok).map(|()| Frame::trailers(trailers)).ok_or(Reason::INTERNAL_ERROR.into())
                }
            },
            None => return Poll::Ready(None),
        };
        Poll::Ready(Some(frame))
    }

    fn is_end_stream(&self) -> bool {
        self.unavailable.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_message_under_way_counts() {
        let mut part = PartOfMessage::default();
        let mut come = |piece: &[u8]| {
            part.add(piece);
            part.come
        };
        assert_eq!(come(&[0, 0, 0]), 3);
        assert_eq!(come(&[0, 2, 7]), 6);
        assert_eq!(come(&[8]), 0);
        assert_eq!(come(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 9, 0]), 1);
        assert_eq!(come(&[0, 0, 1, 0]), 5);
        assert_eq!(come(&[1; 200]), 205);
        assert_eq!(come(&[1; 56]), 0);
    }
}
