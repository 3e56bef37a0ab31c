//! What is passed through goes to the server behind as it came, and its answers come back as they are.
//!
//! Each connection of a caller has one of its own to the server behind, made when first needed: bodies move only as fast
//! as they are taken at the other end, so a shared one would let a caller that does not read hold up all others.

use std::cell::RefCell;
use std::error::Error as _;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::Reason;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Request, Response, Uri, Version};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::sync::Mutex;
use tonic::Status;

use crate::executor::OnThisThread;
use crate::passed_request::{GivenUp, PassedRequest};
use crate::room::Place;

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
    open: RefCell<Option<SendRequest<PassedRequest>>>,
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
    pub async fn pass(&self, request: Request<PassedRequest>) -> Result<Response<Incoming>, NotPassed> {
        let mut way = self.way().await.map_err(|_| NotPassed::Unreachable)?;
        way.ready().await.map_err(|_| NotPassed::Unreachable)?;
        way.send_request(addressed(request)).await.map_err(|error| NotPassed::from(&error))
    }

    async fn way(&self) -> io::Result<SendRequest<PassedRequest>> {
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

    fn open_way(&self) -> Option<SendRequest<PassedRequest>> {
        self.open.borrow().as_ref().filter(|way| !way.is_closed()).cloned()
    }
}

/// Callers may leave out to whom they speak; the request that is passed on may not.
fn addressed(mut request: Request<PassedRequest>) -> Request<PassedRequest> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    // Not the caller's: what is none of the two that there are makes gRPC's library write a line.
    parts.scheme = Some(Scheme::HTTP);
    parts.authority.get_or_insert_with(|| Authority::from_static("utterson"));
    parts.path_and_query.get_or_insert_with(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    *request.version_mut() = Version::HTTP_2;
    request
}

/// The body of an answer from behind. Where the server behind goes away in the middle of it, or the request was given up,
/// the caller is told so by a status; where it resets the call, the caller's is reset in the same way.
pub struct Passed {
    body: Incoming,
    /// What is told if there is no end to it.
    unavailable: Option<Status>,
    given_up: GivenUp,
    /// What the call has of the room for such.
    _place: Place,
}

impl Passed {
    /// Passes a body on.
    pub fn new(body: Incoming, unavailable: Status, given_up: GivenUp, place: Place) -> Self {
        Self { body, unavailable: Some(unavailable), given_up, _place: place }
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
        let error = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Err(error)) => error,
            Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
            None => return Poll::Ready(None),
        };
        let given_up = self.given_up.get().cloned();
        let told = match (given_up, NotPassed::from(&error)) {
            (Some(status), _) => Some(status),
            (None, NotPassed::Reset(reason)) => return Poll::Ready(Some(Err(reason.into()))),
            (None, NotPassed::Unreachable) => self.unavailable.clone(),
        };
        self.unavailable = None;
        let mut trailers = HeaderMap::new();
        let told = told.and_then(|status| status.add_header(&mut trailers).ok());
        Poll::Ready(Some(told.map(|()| Frame::trailers(trailers)).ok_or(Reason::INTERNAL_ERROR.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.unavailable.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
