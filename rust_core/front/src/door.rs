//! What stands behind a connection: it sorts requests into those that are taken, health, and what is passed through.

use std::cell::Cell;
use std::collections::HashMap;
use std::future::{Future, ready};
use std::hash::{BuildHasher as _, RandomState};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::sync::{Notify, watch};
use tonic_health::pb::health_server::{HealthServer, SERVICE_NAME};
use tonic_health::server::HealthService;

use crate::answer_body::AnswerBody;
use crate::answers::Answers;
use crate::budget::{Budget, Share};
use crate::connection::Phase;
use crate::health;
use crate::inbox::{ConnectionId, Inbox, MethodIndex, Origin, StreamId, WorkspaceDigest};
use crate::life::{Life, Lives, Running};
use crate::outline::outline;
use crate::pass_through::Behind;
use crate::passing::{self, Passing};
use crate::settings::Settings;
use crate::stream;
use crate::unary::{self, Identified};
use crate::underway::Underway;
use crate::unpacker::{Unpacker, Unpacks};
use crate::wake::LoopWake;

/// How long a front that drains waits for the rest of a request.
const UNSENT_GRACE: Duration = Duration::from_secs(1);
const GRPC: &[u8] = b"application/grpc";

/// What a call ends with.
pub type Answered = Result<Response<AnswerBody>, h2::Error>;

/// What all connections share.
pub struct Context {
    /// What the front was told.
    pub settings: Settings,
    /// The way to the loop.
    pub inbox: Arc<Inbox<LoopWake>>,
    /// The calls that wait for it.
    pub answers: Answers,
    /// How many of each workspace are with it.
    pub underway: Rc<Underway>,
    /// The connections.
    pub lives: Lives,
    /// Something was put into the inbox; the loop is told at the end of this turn.
    pub filled: Notify,
    /// How far the front is on its way out.
    pub phase: watch::Receiver<Phase>,
    methods: HashMap<String, (MethodIndex, bool)>,
    /// The way of what is passed through.
    pub passing: Passing,
    budget: Arc<Budget>,
    unpacker: Unpacker,
    /// What answers calls about health.
    pub health: HealthServer<HealthService>,
    last_connection: Cell<u64>,
    last_stream: Cell<u64>,
    /// Its key is drawn at every start, so that nobody can choose names that fall together.
    hasher: RandomState,
}

impl Context {
    /// Begins without connections.
    pub fn new(
        settings: Settings,
        inbox: Arc<Inbox<LoopWake>>,
        health: HealthServer<HealthService>,
        unpacker: Unpacker,
        phase: watch::Receiver<Phase>,
    ) -> Self {
        let methods = settings.methods.iter().zip((0_u16..).map(MethodIndex));
        Self {
            methods: methods.map(|(method, index)| (method.path.clone(), (index, method.streams))).collect(),
            passing: Passing::new(&settings.passed, settings.limits.queue_calls_max),
            budget: Budget::new(settings.limits.queue_bytes_max, settings.limits.connections_max),
            unpacker,
            inbox,
            answers: Answers::default(),
            underway: Underway::new(settings.limits.workspace_calls_max),
            lives: Lives::default(),
            filled: Notify::new(),
            health,
            phase,
            last_connection: Cell::new(0),
            last_stream: Cell::new(0),
            hasher: RandomState::new(),
            settings,
        }
    }

    /// Names a new stream.
    pub fn next_stream(&self) -> StreamId {
        self.last_stream.set(self.last_stream.get() + 1);
        StreamId(self.last_stream.get())
    }

    /// Waits until what has not come of a request is not waited for any more: the front drains, and a while has passed.
    pub async fn is_done_reading(&self) {
        let mut phase = self.phase.clone();
        // Fails only where the front is gone, and all of this with it.
        let _ = phase.wait_for(|phase| *phase >= Phase::Draining).await;
        tokio::time::sleep(UNSENT_GRACE).await;
    }

    /// Tells for whom a message is counted, and how many calls it holds.
    pub fn origin(&self, connection: ConnectionId, method: MethodIndex, message: &[u8]) -> (Origin, usize) {
        let told = self.settings.methods.get(usize::from(method.0)).map(|method| outline(message, method.fields));
        let (name, calls) = told.map_or((&[][..], 1), |told| (told.workspace, told.calls));
        (Origin { workspace: WorkspaceDigest(self.hasher.hash_one(name)), connection }, calls)
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
    /// The connection's way to have messages unpacked.
    pub unpacks: Rc<Unpacks>,
    /// The connection's way to the server behind.
    pub behind: Rc<Behind>,
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
            unpacks: Rc::new(context.unpacker.of(connection)),
            behind: Rc::new(Behind::new(context.settings.places.behind.clone())),
            context: Rc::clone(context),
        }
    }

    async fn unary(self, method: MethodIndex, request: Request<Incoming>, running: Running) -> Answered {
        let response = unary::answer(&self, method, request).await;
        Ok(response.map(|body| AnswerBody::own(body, running, self.life.answered())))
    }

    async fn stream(self, method: MethodIndex, request: Request<Incoming>, running: Running) -> Answered {
        let response = stream::answer(&self, method, request).await;
        Ok(response.map(|body| AnswerBody::lasting(body, running)))
    }

    async fn health(self, request: Request<Incoming>, running: Running) -> Answered {
        Ok(health::answer(&self, request).await.map(|body| AnswerBody::health(body, running)))
    }

    async fn passed(self, request: Request<Incoming>, running: Running) -> Answered {
        passing::pass(&self, request, running).await
    }

    fn method(&self, request: &Request<Incoming>) -> Option<(MethodIndex, bool)> {
        let path = request.uri().path_and_query()?.as_str();
        self.context.methods.get(path).copied()
    }
}

impl Service<Request<Incoming>> for Door {
    type Response = Response<AnswerBody>;
    type Error = h2::Error;
    type Future = Pin<Box<dyn Future<Output = Answered>>>;

    /// Begins a call. Each kind has a future of its own: in one for all, a unary call would take the memory of the
    /// largest.
    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (door, running) = (self.clone(), self.life.begin());
        if let Some(status) = no_call(&request) {
            return Box::pin(ready(Ok(plain(status).map(|body| AnswerBody::lasting(body, running)))));
        }
        match self.method(&request) {
            Some((method, false)) => Box::pin(door.unary(method, request, running)),
            Some((method, true)) => Box::pin(door.stream(method, request, running)),
            None if is_health(request.uri().path()) => Box::pin(door.health(request, running)),
            None => Box::pin(door.passed(request, running)),
        }
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
