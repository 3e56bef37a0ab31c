//! A caller that holds every frame in its own hands.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use h2::client::{self, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, StatusCode};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::world::{SOON, World};

pub struct Caller {
    pub send: SendRequest<Bytes>,
    pub connection: JoinHandle<Result<(), h2::Error>>,
}

/// An answer, whole.
#[derive(Debug)]
pub struct Reply {
    pub http: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: HeaderMap,
}

impl Reply {
    /// The status, wherever it stands.
    pub fn code(&self) -> i32 {
        let status = self.trailers.get("grpc-status").or_else(|| self.headers.get("grpc-status"));
        status.expect("a status").to_str().unwrap().parse().unwrap()
    }

    pub fn message(&self) -> &[u8] {
        assert_eq!(self.code(), 0);
        assert_eq!(self.body.len(), 5 + u32::from_be_bytes(self.body[1..5].try_into().unwrap()) as usize);
        &self.body[5..]
    }

    pub fn told(&self, name: &str) -> String {
        let told = self.trailers.get(name).or_else(|| self.headers.get(name));
        // All that is escaped in our sentences.
        told.unwrap_or_else(|| panic!("no {name}")).to_str().unwrap().replace("%20", " ")
    }
}

/// A message with its header.
pub fn framed(message: &[u8]) -> Bytes {
    flagged(0, message)
}

pub fn flagged(flag: u8, message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(flag);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(message);
    framed.freeze()
}

pub fn request(path: &str) -> http::request::Builder {
    Request::post(format!("http://front{path}")).header("content-type", "application/grpc").header("te", "trailers")
}

impl Caller {
    pub async fn connect(world: &World) -> Self {
        Self::connect_as(world.address(), client::Builder::new().initial_window_size(8 * 1024 * 1024)).await
    }

    pub async fn connect_as(address: SocketAddr, builder: &client::Builder) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (send, connection) = builder.handshake(stream).await.unwrap();
        Self { send, connection: tokio::spawn(connection) }
    }

    /// Begins a call whose request goes on.
    pub async fn open(&mut self, request: Request<()>) -> (ResponseFuture, SendStream<Bytes>) {
        self.send = within(self.send.clone().ready()).await.unwrap();
        self.send.send_request(request, false).unwrap()
    }

    /// Makes a call with this body, which is followed by the end of the request.
    pub async fn send(&mut self, request: Request<()>, body: Bytes) -> Result<Reply, h2::Error> {
        let (response, mut stream) = self.open(request).await;
        // An answer may come before all is sent.
        let sending = async move {
            let mut body = body;
            while !body.is_empty() {
                stream.reserve_capacity(body.len());
                match std::future::poll_fn(|context| stream.poll_capacity(context)).await {
                    Some(Ok(capacity)) => drop(stream.send_data(body.split_to(capacity.min(body.len())), false)),
                    _ => return,
                }
            }
            let _ = stream.send_data(Bytes::new(), true);
        };
        let sender = tokio::spawn(sending);
        let reply = within(reply(response)).await;
        sender.abort();
        reply
    }

    pub async fn call(&mut self, path: &str, message: &[u8]) -> Result<Reply, h2::Error> {
        self.send(request(path).body(()).unwrap(), framed(message)).await
    }
}

pub async fn reply(response: ResponseFuture) -> Result<Reply, h2::Error> {
    let (head, body) = response.await?.into_parts();
    let (body, trailers) = read(body).await?;
    Ok(Reply { http: head.status, headers: head.headers, body, trailers })
}

async fn read(mut stream: RecvStream) -> Result<(Bytes, HeaderMap), h2::Error> {
    let mut body = BytesMut::new();
    while let Some(piece) = stream.data().await {
        let piece = piece?;
        stream.flow_control().release_capacity(piece.len())?;
        body.extend_from_slice(&piece);
    }
    Ok((body.freeze(), stream.trailers().await?.unwrap_or_default()))
}

/// No test waits for ever.
pub async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(SOON, future).await.expect("an end within ten seconds")
}

pub async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
