//! What stands behind a connection: it sorts requests into those that are taken, health, and the rest.

use std::cell::Cell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};
use http_body_util::Either;
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::sync::Notify;
use tonic_health::pb::health_server::{HealthServer, SERVICE_NAME};
use tonic_health::server::HealthService;

use crate::answers::Answers;
use crate::budget::{Budget, Share};
use crate::inbox::{ConnectionId, Inbox, MethodIndex, StreamId};
use crate::pass_through::Behind;
use crate::settings::Settings;
use crate::stream;
use crate::unary::{self, Identified};
use crate::wake::LoopWake;

/// The body of an answer: of our own, or passed through.
pub type AnswerBody = Either<Identified, Incoming>;

const GRPC: &[u8] = b"application/grpc";

/// What all connections share.
pub struct Context {
    /// What the front was told.
    pub settings: Settings,
    /// The way to the loop.
    pub inbox: Arc<Inbox<LoopWake>>,
    /// The calls that wait for it.
    pub answers: Answers,
    /// Something was put into the inbox; the loop is told at the end of this turn.
    pub filled: Notify,
    methods: HashMap<String, (MethodIndex, bool)>,
    budget: Arc<Budget>,
    health: HealthServer<HealthService>,
    last_connection: Cell<u64>,
    last_stream: Cell<u64>,
}

impl Context {
    /// Begins without connections.
    pub fn new(settings: Settings, inbox: Arc<Inbox<LoopWake>>, health: HealthServer<HealthService>) -> Self {
        let methods = settings.methods.iter().zip((0_u16..).map(MethodIndex));
        Self {
            methods: methods.map(|(method, index)| (method.path.clone(), (index, method.streams))).collect(),
            budget: Budget::new(settings.limits.queue_bytes_max),
            inbox,
            answers: Answers::default(),
            filled: Notify::new(),
            health,
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
    behind: Rc<Behind>,
}

impl Door {
    /// Opens the door of a new connection.
    pub fn new(context: &Rc<Context>) -> Self {
        let number = context.last_connection.get() + 1;
        context.last_connection.set(number);
        Self {
            connection: ConnectionId(number),
            share: context.budget.share(),
            behind: Rc::new(Behind::new(context.settings.places.behind.clone())),
            context: Rc::clone(context),
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Response<AnswerBody> {
        if is_grpc(&request) {
            if let Some(method) = self.context.methods.get(request.uri().path()).copied() {
                let response = match method {
                    (method, false) => unary::answer(&self, method, request).await,
                    (method, true) => stream::answer(&self, method, request).await,
                };
                return response.map(Either::Left);
            }
            if is_health(request.uri().path()) {
                return self.tell_health(request).await.map(Either::Left);
            }
        }
        match self.behind.pass(request).await {
            Ok(response) => response.map(Either::Right),
            Err(_) => unary::refused(&self.context.settings.refusals.unavailable.status(), None).map(Either::Left),
        }
    }

    async fn tell_health(&self, request: Request<Incoming>) -> Response<Identified> {
        use tower_service::Service as _;

        let mut health = self.context.health.clone();
        let Ok(response) = health.call(request).await;
        response.map(Identified::without)
    }
}

impl Service<Request<Incoming>> for Door {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let door = self.clone();
        Box::pin(async move { Ok(door.answer(request).await) })
    }
}

/// Anything else is for the server behind to judge.
fn is_grpc(request: &Request<Incoming>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE);
    request.method() == Method::POST && kind.is_some_and(|kind| kind.as_bytes().starts_with(GRPC))
}

fn is_health(path: &str) -> bool {
    path.strip_prefix('/').and_then(|path| path.strip_prefix(SERVICE_NAME)).is_some_and(|rest| rest.starts_with('/'))
}
