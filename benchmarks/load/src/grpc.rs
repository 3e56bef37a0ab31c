//! gRPC over HTTP/2 with nothing between: heads made once, frames sent as they are, ends looked at.

use std::future::poll_fn;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::{Bytes, BytesMut};
use h2::client::{self, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Method, Request};
use prost::Message;
use tokio::net::TcpStream;

use crate::codes;
use crate::wire::{FRAME_HEADER_BYTES, put_field, put_varint, whole_frame};
use crate::{Failure, wire};

const STREAM_WINDOW_BYTES: u32 = 16 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 256 << 20;
const FRAME_BYTES_MAX: u32 = 1 << 20;
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A connection; clones share it.
#[derive(Clone, Debug)]
pub struct Connection {
    sender: SendRequest<Bytes>,
}

/// The head of a request, made once for each method.
#[derive(Clone, Debug)]
pub struct Head {
    request: Request<()>,
}

impl Head {
    /// Of a method, as `package.Service/Method`.
    pub fn new(address: &str, method: &str) -> Result<Self, Failure> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{address}/{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())?;
        Ok(Self { request })
    }
}

/// How a call ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ending {
    /// The status code.
    pub code: u8,
    /// What the server says about it: `google.rpc.Status`, encoded; empty after a good end.
    pub status: Vec<u8>,
}

impl Ending {
    fn of(trailers: Option<&HeaderMap>) -> Self {
        let text = |name: &str| trailers.and_then(|map| map.get(name)).map(http::HeaderValue::as_bytes);
        let number = text("grpc-status").and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
        let code = number.unwrap_or(codes::UNKNOWN);
        if code == codes::OK {
            return Self { code, status: Vec::new() };
        }
        let details = text("grpc-status-details-bin").and_then(|details| BASE64.decode(details).ok());
        let status = details.unwrap_or_else(|| {
            let mut status = vec![1 << 3];
            put_varint(code.into(), &mut status);
            put_field(2, text("grpc-message").unwrap_or_default(), &mut status);
            status
        });
        Self { code, status }
    }

    /// Refuses everything but a good end.
    pub fn good(self) -> Result<(), Failure> {
        if self.code == codes::OK {
            return Ok(());
        }
        let message = wire::fields(&self.status).flatten().find_map(|field| match field {
            (2, wire::Field::Content(message)) => Some(String::from_utf8_lossy(message).into_owned()),
            _ => None,
        });
        Err(format!("{}: {}", codes::name(self.code), message.unwrap_or_default()).into())
    }
}

impl Connection {
    /// Connects; must be called within a runtime, which also does the connection's work.
    pub async fn open(address: &str) -> Result<Self, Failure> {
        let socket = TcpStream::connect(address).await.map_err(|error| format!("{address}: {error}"))?;
        socket.set_nodelay(true)?;
        let (sender, connection) = client::Builder::new()
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES_MAX)
            .max_send_buffer_size(CONNECTION_WINDOW_BYTES as usize)
            .handshake(socket)
            .await?;
        // Whoever waits for an answer is told when the connection breaks.
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    /// Begins a call.
    pub async fn begin(&mut self, head: &Head) -> Result<Call, Failure> {
        poll_fn(|context| self.sender.poll_ready(context)).await?;
        let (response, sending) = self.sender.send_request(head.request.clone(), false)?;
        Ok(Call { sending, receiving: Receiving::new(response) })
    }

    /// Makes a call of one message, given as a frame.
    pub async fn call(&mut self, head: &Head, frame: Bytes) -> Result<(Bytes, Ending), Failure> {
        let mut call = self.begin(head).await?;
        call.sending.send_data(frame, true)?;
        let answer = call.receiving.message().await?.unwrap_or_default();
        Ok((answer, call.receiving.ending().await?))
    }

    /// Makes a call with a message and decodes the answer, where neither is many.
    pub async fn ask<A: Message + Default>(&mut self, head: &Head, message: &impl Message) -> Result<A, Ended> {
        let mut frame = BytesMut::new();
        wire::put_frame_head(message.encoded_len(), &mut frame);
        message.encode(&mut frame).expect("the buffer grows");
        let (answer, ending) = self.call(head, frame.freeze()).await.map_err(Ended::Broken)?;
        if ending.code != codes::OK {
            return Err(Ended::Refused(ending));
        }
        A::decode(answer).map_err(|error| Ended::Broken(error.into()))
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Ended {
    /// The server said no.
    Refused(Ending),
    /// Nothing was said, or nothing that can be read.
    Broken(Failure),
}

/// A call under way.
#[derive(Debug)]
pub struct Call {
    /// Takes frames.
    pub sending: SendStream<Bytes>,
    /// Gives messages.
    pub receiving: Receiving,
}

/// The answering half of a call.
#[derive(Debug)]
pub struct Receiving {
    state: State,
    /// What has come and is not a whole message yet.
    rest: Bytes,
}

#[derive(Debug)]
enum State {
    Head(ResponseFuture),
    Body(RecvStream),
    Ended(Ending),
}

impl Receiving {
    fn new(response: ResponseFuture) -> Self {
        Self { state: State::Head(response), rest: Bytes::new() }
    }

    /// Waits for the next whole message, without its frame; nothing at the end. May be dropped and asked again.
    pub async fn message(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(length) = whole_frame(&self.rest) {
                return Ok(Some(self.rest.split_to(length).slice(FRAME_HEADER_BYTES..)));
            }
            match &mut self.state {
                State::Head(response) => self.state = Self::begun(response.await?),
                State::Body(body) => match body.data().await {
                    Some(chunk) => {
                        let chunk = chunk?;
                        body.flow_control().release_capacity(chunk.len())?;
                        self.take(chunk);
                    }
                    None => return Ok(None),
                },
                State::Ended(_) => return Ok(None),
            }
        }
    }

    /// Waits for the end; to be called after the last message.
    pub async fn ending(&mut self) -> Result<Ending, Failure> {
        while self.message().await?.is_some() {}
        match &mut self.state {
            State::Body(body) => Ok(Ending::of(body.trailers().await?.as_ref())),
            State::Ended(ending) => Ok(ending.clone()),
            State::Head(_) => Err("a call ended before it began".into()),
        }
    }

    fn begun(response: http::Response<RecvStream>) -> State {
        let (parts, body) = response.into_parts();
        // A call that gives no message may end with its head.
        if parts.headers.contains_key("grpc-status") {
            return State::Ended(Ending::of(Some(&parts.headers)));
        }
        State::Body(body)
    }

    fn take(&mut self, chunk: Bytes) {
        if self.rest.is_empty() {
            self.rest = chunk;
            return;
        }
        // The frame's length tells how much will come: one allocation a message.
        let needed = self.rest.get(1..FRAME_HEADER_BYTES).map_or(0, |mut head| bytes::Buf::get_u32(&mut head) as usize);
        let rest = std::mem::take(&mut self.rest);
        let mut whole = rest.try_into_mut().unwrap_or_else(|shared| BytesMut::from(shared.as_ref()));
        whole.reserve((FRAME_HEADER_BYTES + needed).saturating_sub(whole.len()));
        whole.extend_from_slice(&chunk);
        self.rest = whole.freeze();
    }
}
