//! What stands behind a connection: it sorts requests into those that are taken, health, and the rest.

use std::cell::Cell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::sync::{Notify, Semaphore, watch};
use tonic_health::pb::health_server::{HealthServer, SERVICE_NAME};
use tonic_health::server::HealthService;

use crate::answer_body::AnswerBody;
use crate::answers::Answers;
use crate::budget::{Budget, Share};
use crate::connection::Phase;
use crate::health::Watched;
use crate::inbox::{ConnectionId, Inbox, MethodIndex, StreamId};
use crate::life::{Life, Lives, Running};
use crate::pass_through::{Behind, NotPassed, Passed};
use crate::settings::Settings;
use crate::stream;
use crate::unary::{self, Identified};
use crate::wake::LoopWake;

const GRPC: &[u8] = b"application/grpc";

/// What all connections share.
pub struct Context {
    /// What the front was told.
    pub settings: Settings,
    /// The way to the loop.
    pub inbox: Arc<Inbox<LoopWake>>,
    /// The calls that wait for it.
    pub answers: Answers,
    /// The connections.
    pub lives: Lives,
    /// Something was put into the inbox; the loop is told at the end of this turn.
    pub filled: Notify,
    /// How far the front is on its way out.
    pub phase: watch::Receiver<Phase>,
    methods: HashMap<String, (MethodIndex, bool)>,
    budget: Arc<Budget>,
    health: HealthServer<HealthService>,
    last_connection: Cell<u64>,
    last_stream: Cell<u64>,
}

impl Context {
    /// Begins without connections.
    pub fn new(
        settings: Settings,
        inbox: Arc<Inbox<LoopWake>>,
        health: HealthServer<HealthService>,
        phase: watch::Receiver<Phase>,
    ) -> Self {
        let methods = settings.methods.iter().zip((0_u16..).map(MethodIndex));
        Self {
            methods: methods.map(|(method, index)| (method.path.clone(), (index, method.streams))).collect(),
            budget: Budget::new(settings.limits.queue_bytes_max),
            inbox,
            answers: Answers::default(),
            lives: Lives::default(),
            filled: Notify::new(),
            health,
            phase,
            last_connection: Cell::new(0),
            last_stream: Cell::new(0),
            settings,
        }
    }

    /// Names a new stream.
    pub fn next_stream(&self) -> StreamId {
        self.last_stream.set(self.last_stream.get() + 1);
        StreamId(self.last_stream.get())
    }
}

/// One connection's calls.
#[derive(Clone)]
pub struct Door {
    /// What all connections share.
    pub context: Rc<Context>,
    /// Names the connection.
    pub connection: ConnectionId,
    /// What the connection holds of the memory for requests.
    pub share: Arc<Share>,
    /// What the connection does.
    pub life: Rc<Life>,
    /// Whose turn it is to unpack.
    pub unpacking: Rc<Semaphore>,
    behind: Rc<Behind>,
}

impl Door {
    /// Opens the door of a new connection.
    pub fn new(context: &Rc<Context>) -> Self {
        let number = context.last_connection.get() + 1;
        context.last_connection.set(number);
        let connection = ConnectionId(number);
        Self {
            connection,
            share: context.budget.share(),
            life: context.lives.begin(connection),
            unpacking: Rc::new(Semaphore::new(1)),
            behind: Rc::new(Behind::new(context.settings.places.behind.clone())),
            context: Rc::clone(context),
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<AnswerBody>, h2::Error> {
        let running = self.life.begin();
        if let Some(status) = no_call(&request) {
            return Ok(plain(status).map(|body| AnswerBody::lasting(body, running)));
        }
        match self.method(&request) {
            Some((method, false)) => {
                let response = unary::answer(&self, method, request).await;
                return Ok(response.map(|body| AnswerBody::own(body, running, self.life.answered())));
            }
            // What is compressed is unpacked behind: message by message it would hold up the front's thread.
            Some((method, true)) if !is_packed(&request) => {
                let response = stream::answer(&self, method, request).await;
                return Ok(response.map(|body| AnswerBody::lasting(body, running)));
            }
            Some(_) | None => {}
        }
        if is_health(request.uri().path()) {
            return Ok(self.tell_health(request).await.map(|body| AnswerBody::health(body, running)));
        }
        self.pass(request, running).await
    }

    async fn pass(&self, request: Request<Incoming>, running: Running) -> Result<Response<AnswerBody>, h2::Error> {
        let unavailable = || self.context.settings.refusals.unavailable.status();
        match self.behind.pass(request, self.share.begin()).await {
            Ok(response) => Ok(response.map(|body| AnswerBody::passed(Passed::new(body, unavailable()), running))),
            Err(NotPassed::Reset(reason)) => Err(reason.into()),
            Err(NotPassed::Full) => {
                let overloaded = self.context.settings.refusals.overloaded.status();
                Ok(unary::refused(&overloaded, None).map(|body| AnswerBody::lasting(body, running)))
            }
            Err(NotPassed::Unreachable) => {
                Ok(unary::refused(&unavailable(), None).map(|body| AnswerBody::lasting(body, running)))
            }
        }
    }

    fn method(&self, request: &Request<Incoming>) -> Option<(MethodIndex, bool)> {
        let path = request.uri().path_and_query()?.as_str();
        self.context.methods.get(path).copied()
    }

    async fn tell_health(&self, request: Request<Incoming>) -> Response<Watched> {
        use tower_service::Service as _;

        let mut health = self.context.health.clone();
        let Ok(response) = health.call(request).await;
        let unavailable = self.context.settings.refusals.unavailable.status();
        response.map(|body| Watched::new(body, self.context.phase.clone(), unavailable))
    }
}

impl Service<Request<Incoming>> for Door {
    type Response = Response<AnswerBody>;
    type Error = h2::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, h2::Error>>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let door = self.clone();
        Box::pin(door.answer(request))
    }
}

/// Why a request is no call of gRPC; such ones are answered in the words of HTTP.
fn no_call(request: &Request<Incoming>) -> Option<StatusCode> {
    if request.method() != Method::POST {
        return Some(StatusCode::METHOD_NOT_ALLOWED);
    }
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.as_bytes().strip_prefix(GRPC));
    (!matches!(kind, Some([] | [b'+' | b';', ..]))).then_some(StatusCode::UNSUPPORTED_MEDIA_TYPE)
}

fn is_packed(request: &Request<Incoming>) -> bool {
    request.headers().get("grpc-encoding").is_some_and(|encoding| encoding != "identity")
}

fn plain(status: StatusCode) -> Response<Identified> {
    let mut response =
        Response::new(Identified::without(tonic::body::Body::new(Full::from("this is a gRPC server\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

fn is_health(path: &str) -> bool {
    path.strip_prefix('/').and_then(|path| path.strip_prefix(SERVICE_NAME)).is_some_and(|rest| rest.starts_with('/'))
}
