//! Health, answered from what the loop said last and how long ago that was.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use hyper::body::{Body, Frame, Incoming};
use tokio::sync::Notify;
use tonic::Status;
use tonic::codec::CompressionEncoding;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tower_service::Service as _;

use crate::connection::Phase;
use crate::deadline;
use crate::door::Door;
use crate::message;
use crate::settings::Settings;

/// The name under which the front tells whether the process is alive. All others, the empty one first, tell whether it
/// is ready.
pub const LIVENESS: &str = "liveness";

/// A loop that is silent for so many times as long as makes it unready is stuck: the process should be ended.
const STUCK_TIMES: u32 = 20;

/// How often the loop's silence is measured.
const LOOK: Duration = Duration::from_millis(250);

/// The longest question about health, in bytes: it holds the name of a service.
const QUESTION_BYTES_MAX: usize = 1024;
/// How long a watcher stays once the front drains: long enough to be told that nobody is served any more.
const FAREWELL: Duration = Duration::from_millis(300);

/// What the loop says of itself; written by its thread, read by the front's.
#[derive(Debug)]
pub struct LoopWord {
    started_at: Instant,
    serving: AtomicBool,
    said_at_ms: AtomicU64,
    changed: Notify,
}

impl LoopWord {
    /// The word of a loop that has not said anything.
    pub fn new() -> Self {
        Self {
            started_at: Instant::now(),
            serving: AtomicBool::new(false),
            said_at_ms: AtomicU64::new(0),
            changed: Notify::new(),
        }
    }

    /// The loop is alive.
    pub fn alive(&self) {
        self.said_at_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// The loop takes calls, or does not take them any more.
    pub fn set_serving(&self, serving: bool) {
        self.serving.store(serving, Ordering::Relaxed);
        self.alive();
        self.changed.notify_one();
    }

    /// Whether calls are served as far as anybody knows.
    pub fn is_ready(&self, silence_max: Duration) -> bool {
        self.serving.load(Ordering::Relaxed) && self.silence() <= silence_max
    }

    /// Whether the loop is only slow, if anything. One that takes no calls any more is alive.
    pub fn is_alive(&self, silence_max: Duration) -> bool {
        self.silence() <= silence_max * STUCK_TIMES
    }

    fn silence(&self) -> Duration {
        Duration::from_millis(self.now_ms().saturating_sub(self.said_at_ms.load(Ordering::Relaxed)))
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// An answer about health that goes on while its caller watches, and ends at its deadline, or when the front drains: a
/// connection that only watches would hold the end up.
pub struct Watched {
    body: tonic::body::Body,
    end: Pin<Box<dyn Future<Output = Status>>>,
    is_over: bool,
}

impl Watched {
    /// Begins to watch.
    ///
    /// # Arguments
    /// * `body`: what is told meanwhile.
    /// * `end`: when it ends, and the status that is told then.
    fn new(body: tonic::body::Body, end: impl Future<Output = Status> + 'static) -> Self {
        Self { body, end: Box::pin(end), is_over: false }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        let ended = ready!(self.end.as_mut().poll(context));
        self.is_over = true;
        let mut trailers = HeaderMap::new();
        Poll::Ready(Some(ended.add_header(&mut trailers).map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.body.is_end_stream()
    }
}

/// Answers a call about health, within the memory, the bounds and the time that other calls have.
pub async fn answer(door: &Door, request: Request<Incoming>) -> Response<Watched> {
    let Settings { limits, refusals, .. } = &door.context.settings;
    let (timeout, began) = (deadline::timeout(request.headers()), Instant::now());
    let asked = tokio::time::timeout(timeout.unwrap_or(limits.unary_timeout), asked(door, request));
    let response = match asked.await {
        // One that is over before it begins is not answered, however quick the answer is.
        _ if timeout.is_some_and(|timeout| timeout.is_zero()) => late().into_http(),
        Ok(Ok(response)) => response,
        Ok(Err(status)) => status.into_http(),
        Err(_) => late().into_http(),
    };
    let (mut phase, stopping) = (door.context.phase.clone(), refusals.unavailable.status());
    let end = async move {
        let left = timeout.map(|timeout| timeout.saturating_sub(began.elapsed()));
        let stops = async {
            let _ = phase.wait_for(|phase| *phase >= Phase::Draining).await;
            tokio::time::sleep(FAREWELL).await;
        };
        let expires = async {
            match left {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stops => stopping,
            () = expires => late(),
        }
    };
    response.map(|body| Watched::new(body, end))
}

async fn asked(door: &Door, request: Request<Incoming>) -> Result<Response<tonic::body::Body>, Status> {
    let memory = door.share.begin();
    let (head, body) = request.into_parts();
    let refusals = &door.context.settings.refusals;
    let message = message::read(&head.headers, body, QUESTION_BYTES_MAX, &memory, door).await.map_err(|status| {
        let is_too_large = status.message() == refusals.message_too_large.message;
        let told = format!("a question about health has {QUESTION_BYTES_MAX} bytes at most");
        if is_too_large { Status::resource_exhausted(told) } else { status }
    })?;
    let mut health = door.context.health.clone();
    let Ok(response) = health.call(Request::from_parts(head, message)).await;
    Ok(response)
}

fn late() -> Status {
    Status::deadline_exceeded("Deadline Exceeded")
}

/// The health service of gRPC, and who keeps it up to date.
pub struct Health {
    reporter: HealthReporter,
    services: Vec<String>,
}

impl Health {
    /// Tells about the server as a whole, about `services` and about the process; nothing is served yet.
    pub async fn new(services: &[String]) -> (Self, HealthServer<HealthService>) {
        let reporter = HealthReporter::new();
        let server = HealthServer::new(HealthService::from_health_reporter(reporter.clone()))
            .accept_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Deflate);
        let services = std::iter::once(String::new()).chain(services.iter().cloned()).collect();
        let health = Self { reporter, services };
        health.tell_ready(false).await;
        health.tell_alive(true).await;
        (health, server)
    }

    /// Keeps looking at the loop's word; never ends.
    pub async fn follow(&self, word: &LoopWord, silence_max: Duration) {
        let (mut told_ready, mut told_alive) = (false, true);
        loop {
            let (ready, alive) = (word.is_ready(silence_max), word.is_alive(silence_max));
            if ready != told_ready {
                self.tell_ready(ready).await;
                told_ready = ready;
            }
            if alive != told_alive {
                self.tell_alive(alive).await;
                told_alive = alive;
            }
            // A word that was said is told at once, silence as soon as it is noticed.
            let _ = tokio::time::timeout(LOOK, word.changed.notified()).await;
        }
    }

    async fn tell_ready(&self, ready: bool) {
        for service in &self.services {
            self.reporter.set_service_status(service, status(ready)).await;
        }
    }

    async fn tell_alive(&self, alive: bool) {
        self.reporter.set_service_status(LIVENESS, status(alive)).await;
    }
}

fn status(serving: bool) -> ServingStatus {
    if serving { ServingStatus::Serving } else { ServingStatus::NotServing }
}
