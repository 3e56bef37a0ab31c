//! Whatever is not taken goes to the server behind as it came, and its answers come back as they are.
//!
//! Each connection of a caller has one of its own to the server behind, made when first needed: bodies move only as fast
//! as they are taken at the other end, so a shared one would let a caller that does not read hold up all others.

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::sync::Mutex;

use crate::executor::OnThisThread;

/// Bytes that may be under way to a caller: a stream's and a connection's.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// A caller's way to the server behind.
pub struct Behind {
    place: PathBuf,
    open: RefCell<Option<SendRequest<Incoming>>>,
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
    pub async fn pass(self: &Rc<Self>, request: Request<Incoming>) -> io::Result<Response<Incoming>> {
        let mut way = self.way().await?;
        way.ready().await.map_err(io::Error::other)?;
        way.send_request(addressed(request)).await.map_err(io::Error::other)
    }

    async fn way(&self) -> io::Result<SendRequest<Incoming>> {
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
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::task::spawn_local(connection);
        *self.open.borrow_mut() = Some(way.clone());
        Ok(way)
    }

    fn open_way(&self) -> Option<SendRequest<Incoming>> {
        self.open.borrow().as_ref().filter(|way| !way.is_closed()).cloned()
    }
}

/// Callers may leave out to whom they speak; the request that is passed on may not.
fn addressed(mut request: Request<Incoming>) -> Request<Incoming> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme.get_or_insert(Scheme::HTTP);
    parts.authority.get_or_insert_with(|| Authority::from_static("utterson"));
    parts.path_and_query.get_or_insert_with(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    *request.version_mut() = Version::HTTP_2;
    request
}
