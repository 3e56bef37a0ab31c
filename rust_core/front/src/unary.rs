//! A call that is taken: read, handed to the loop, answered in time.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tonic::Status;
use tonic::codec::CompressionEncoding;
use tonic::server::{Grpc, UnaryService};

use crate::answers::Answer;
use crate::budget::Held;
use crate::codec::BytesCodec;
use crate::deadline;
use crate::door::{Context, Door};
use crate::inbox::{Call, ConnectionId, MethodIndex, Origin, Part, Token};
use crate::message;
use crate::request_id;

/// So much of an answer is given to a connection at once.
const PIECE_BYTES: usize = 16 * 1024;

/// Answers one call of a method that is taken.
pub async fn answer(door: &Door, method: MethodIndex, request: Request<Incoming>) -> Response<Identified> {
    let limits = &door.context.settings.limits;
    let sent_id = request_id::sent(request.headers());
    let own_timeout = deadline::timeout(request.headers());
    let held = door.share.begin();
    let call = ToLoop {
        context: Rc::clone(&door.context),
        connection: door.connection,
        method,
        request_id: sent_id.as_ref().and_then(|id| id.to_str().ok()).map(str::to_owned),
        held: Arc::clone(&held),
        made_id: Rc::default(),
    };
    let made_id = Rc::clone(&call.made_id);
    let answered = tokio::time::timeout(own_timeout.unwrap_or(limits.unary_timeout), asked(door, call, request)).await;
    let told_id = made_id.take().or(sent_id);
    let refusals = &door.context.settings.refusals;
    match answered {
        Ok(Ok(response)) => match response.extensions().get::<Status>() {
            Some(status) => refused(status, told_id),
            None => {
                response.map(|body| Identified { body, request_id: told_id, rest: Bytes::new(), _held: Some(held) })
            }
        },
        Ok(Err(status)) => refused(&status, told_id),
        Err(_) if own_timeout.is_some() => refused(&Status::deadline_exceeded("Deadline Exceeded"), told_id),
        Err(_) => refused(&refusals.unanswered.status(), told_id),
    }
}

/// Reads the message and asks the loop; what gRPC has to say about either is the library's part.
async fn asked(door: &Door, call: ToLoop, request: Request<Incoming>) -> Result<Response<tonic::body::Body>, Status> {
    let (head, body) = request.into_parts();
    let context = &door.context;
    let bytes_max = context.settings.limits.message_bytes_max;
    let message = tokio::select! {
        biased;
        message = message::read(&head.headers, body, bytes_max, &call.held, door) => message?,
        () = context.is_done_reading() => return Err(context.settings.refusals.stopping.status()),
    };
    let mut grpc = Grpc::new(BytesCodec)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Deflate)
        .max_decoding_message_size(bytes_max)
        .max_encoding_message_size(usize::MAX);
    Ok(grpc.unary(call, Request::from_parts(head, message)).await)
}

/// A refusal, with a request id by which it can be asked about.
pub fn refused(status: &Status, request_id: Option<HeaderValue>) -> Response<Identified> {
    let mut response = status.clone().into_http();
    response.headers_mut().insert(request_id::HEADER, request_id.unwrap_or_else(request_id::made));
    response.map(Identified::without)
}

/// The part of a call that waits for the loop.
struct ToLoop {
    context: Rc<Context>,
    connection: ConnectionId,
    method: MethodIndex,
    request_id: Option<String>,
    held: Arc<Held>,
    made_id: Rc<RefCell<Option<HeaderValue>>>,
}

impl UnaryService<Bytes> for ToLoop {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Bytes>, Status>>>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let context = Rc::clone(&self.context);
        let made_id = Rc::clone(&self.made_id);
        let held = Arc::clone(&self.held);
        let (request, request_id) = (request.into_inner(), self.request_id.take());
        let (origin, calls) = context.origin(self.connection, self.method, &request);
        let method = self.method;
        Box::pin(async move {
            let request_bytes = request.len();
            let _counted = match context.underway.begin(origin.workspace, calls) {
                Ok(counted) => counted,
                Err(too_many) => {
                    drop(request);
                    held.release(held.bytes());
                    return Err(Box::pin(context.workspace_full(&too_many)).await);
                }
            };
            let (token, answer) = context.answers.expect(origin.workspace, &held);
            let call = Call { token, method, part: Part::Whole, calls, request, request_id };
            if held.add(request_bytes).is_err() || context.inbox.push(origin, call).is_err() {
                context.answers.forget(token);
                held.release(held.bytes());
                return Err(Box::pin(context.overloaded()).await);
            }
            context.filled.notify_one();
            let _waiting = Waiting::new(&context, origin, token);
            match answer.await {
                Ok(Answer::Response(response)) => Ok(tonic::Response::new(response)),
                Ok(Answer::Identified(response, id)) => {
                    *made_id.borrow_mut() = HeaderValue::try_from(id).ok();
                    Ok(tonic::Response::new(response))
                }
                Ok(Answer::Refused(refusal, id)) => {
                    *made_id.borrow_mut() = HeaderValue::try_from(id).ok();
                    Err(refusal.status())
                }
                Err(_) => Err(context.settings.refusals.unavailable.status()),
            }
        })
    }
}

/// A call that waits for its answer; when nobody waits any more, the loop is told so.
pub struct Waiting {
    context: Rc<Context>,
    origin: Origin,
    token: Token,
}

impl Waiting {
    /// Waits for the answer to a token until it is dropped.
    pub fn new(context: &Rc<Context>, origin: Origin, token: Token) -> Self {
        Self { context: Rc::clone(context), origin, token }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.context.answers.forget(self.token) {
            self.context.inbox.withdraw(self.origin, self.token);
            self.context.filled.notify_one();
        }
    }
}

/// The body of an answer, which brings the request id back in its trailers.
///
/// A long answer goes out piece by piece: what the caller has not taken stays here, where it is counted.
pub struct Identified {
    body: tonic::body::Body,
    request_id: Option<HeaderValue>,
    rest: Bytes,
    /// What the call holds of the memory, until the caller has taken the answer.
    _held: Option<Arc<Held>>,
}

impl Identified {
    /// The answer of a stream, which brings an id back whatever becomes of it.
    pub fn around(mut response: Response<tonic::body::Body>, request_id: HeaderValue) -> Response<Self> {
        if response.extensions().get::<Status>().is_some() {
            response.headers_mut().insert(request_id::HEADER, request_id.clone());
        }
        response.map(|body| Self { request_id: Some(request_id), ..Self::without(body) })
    }

    /// A body that brings none.
    pub fn without(body: tonic::body::Body) -> Self {
        Self { body, request_id: None, rest: Bytes::new(), _held: None }
    }
}

impl Body for Identified {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.rest.is_empty() {
            let mut frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                other => return Poll::Ready(other),
            };
            if let Some(trailers) = frame.trailers_mut()
                && let Some(request_id) = self.request_id.take()
            {
                trailers.insert(request_id::HEADER, request_id);
            }
            match frame.into_data() {
                Ok(data) => self.rest = data,
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
            }
        }
        let piece_bytes = self.rest.len().min(PIECE_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece_bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.rest.is_empty() { self.body.size_hint() } else { SizeHint::default() }
    }
}
