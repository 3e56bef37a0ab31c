//! The front's thread, and what the loop's thread calls.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinSet, LocalSet};

use crate::answers::Answer;
use crate::backlog::Backlog;
use crate::connection::{Phase, accept};
use crate::descriptors::connections_that_fit;
use crate::door::Context;
use crate::health::{Health, LoopWord};
use crate::inbox::{Inbox, Taken, Token};
use crate::listening::listen;
use crate::outbox::Outbox;
use crate::settings::Settings;
use crate::unpacker::Unpacker;
use crate::wake::LoopWake;

/// How often the end is looked for while the front stops.
const LOOK: Duration = Duration::from_millis(5);
/// How long the thread may take to end once all connections are cut.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// The front cannot start.
#[derive(Debug)]
pub enum StartError {
    /// It cannot listen at its addresses.
    Listen(io::Error),
    /// Its thread or its descriptors cannot be made.
    System(io::Error),
}

/// What both threads have.
struct Between {
    inbox: Arc<Inbox<LoopWake>>,
    outbox: Outbox,
    word: LoopWord,
}

/// The front, seen from the loop. No method waits for the front's thread but `start` and `stop`.
pub struct Front {
    between: Arc<Between>,
    phase: watch::Sender<Phase>,
    thread: Option<JoinHandle<()>>,
    port: u16,
}

impl Front {
    /// Listens, and takes calls from now on.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        let wake = LoopWake::new().map_err(StartError::System)?;
        let between = Arc::new(Between {
            inbox: Arc::new(Inbox::new(settings.limits.queue_calls_max, wake)),
            outbox: Outbox::default(),
            word: LoopWord::new(),
        });
        let (phase, phases) = watch::channel(Phase::Serving);
        let (started, start) = mpsc::channel();
        let shared = Arc::clone(&between);
        let thread = std::thread::Builder::new()
            .name("utterson-front".to_owned())
            .spawn(move || run(settings, &shared, &phases, &started))
            .map_err(StartError::System)?;
        let port = start.recv().unwrap_or_else(|error| Err(StartError::System(io::Error::other(error))))?;
        Ok(Self { between, phase, thread: Some(thread), port })
    }

    /// The port that is listened at.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The descriptor that is readable while something waits to be taken.
    pub fn descriptor(&self) -> RawFd {
        self.watched().as_raw_fd()
    }

    /// The same, for as long as the front is there.
    pub fn watched(&self) -> BorrowedFd<'_> {
        self.between.inbox.wake().watched()
    }

    /// Takes what waits for the loop, at most `calls_max` calls.
    pub fn take(&self, calls_max: usize) -> Taken {
        self.between.word.alive();
        self.between.inbox.take(calls_max)
    }

    /// Brings answers.
    pub fn answer(&self, answers: Vec<(Token, Answer)>) {
        self.between.outbox.bring(answers);
    }

    /// Says that the loop is alive, whether or not it had anything to take.
    pub fn alive(&self) {
        self.between.word.alive();
    }

    /// Whether the front's thread is there. Unless it was stopped it always should be.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Says whether calls are served, for health.
    pub fn set_serving(&self, serving: bool) {
        self.between.word.set_serving(serving);
    }

    /// Takes no new connections, asks those that are there to go, and cuts them after `grace`. Returns when all are gone.
    /// Meanwhile the loop must go on taking and answering, so this is for another thread than its own.
    pub fn stop(&self, grace: Duration) {
        self.set_serving(false);
        self.phase.send_replace(Phase::Draining);
        if !self.ended_within(grace) {
            self.phase.send_replace(Phase::Cut);
            self.ended_within(END_TIMEOUT);
        }
    }

    fn ended_within(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        while self.is_running() {
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(LOOK);
        }
        true
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::Cut);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

type Started = mpsc::Sender<Result<u16, StartError>>;

fn run(settings: Settings, between: &Arc<Between>, phase: &watch::Receiver<Phase>, started: &Started) {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = started.send(Err(StartError::System(error)));
            return;
        }
    };
    LocalSet::new().block_on(&runtime, serve(settings, between, phase.clone(), started));
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()
}

async fn serve(mut settings: Settings, between: &Arc<Between>, mut phase: watch::Receiver<Phase>, started: &Started) {
    let listeners = match listen(&settings.places.listen) {
        Ok(listeners) => listeners,
        Err(error) => {
            let _ = started.send(Err(StartError::Listen(error)));
            return;
        }
    };
    let port = listeners.first().and_then(|first| first.local_addr().ok()).map_or(0, |address| address.port());
    let connections_max = connections_that_fit(settings.limits.connections_max);
    settings.limits.connections_max = connections_max;
    let unpacker = match Unpacker::start() {
        Ok(unpacker) => unpacker,
        Err(error) => {
            let _ = started.send(Err(StartError::System(error)));
            return;
        }
    };
    let (health, health_server) = Health::new(&settings.services).await;
    let context = Rc::new(Context::new(settings, Arc::clone(&between.inbox), health_server, unpacker, phase.clone()));
    let slots = Arc::new(Semaphore::new(connections_max));
    // Without any of these nobody is served any more, so the front ends when one of them does, and the loop notices.
    let mut lasting = JoinSet::new();
    lasting.spawn_local(follow(health, Rc::clone(&context), Arc::clone(between)));
    lasting.spawn_local(tell_the_loop(Rc::clone(&context)));
    lasting.spawn_local(hand_answers_on(Rc::clone(&context), Arc::clone(between)));
    for listener in listeners {
        let (context, slots, phase) = (Rc::clone(&context), Arc::clone(&slots), phase.clone());
        lasting.spawn_local(async move {
            accept(listener, context, slots, phase).await;
            std::future::pending::<()>().await;
        });
    }
    let _ = started.send(Ok(port));
    let all = u32::try_from(connections_max).unwrap_or(u32::MAX);
    let ended = async {
        // Fails only where nobody is left to say so.
        let _ = phase.wait_for(|phase| *phase >= Phase::Draining).await;
        tokio::select! {
            _ = slots.acquire_many(all) => {}
            _ = phase.wait_for(|phase| *phase >= Phase::Cut) => {}
        }
    };
    tokio::select! {
        () = ended => {}
        _ = lasting.join_next() => {}
    }
}

/// Wakes the loop once for all that this turn brought: connections that are ready now are read first.
async fn tell_the_loop(context: Rc<Context>) {
    loop {
        context.filled.notified().await;
        tokio::task::yield_now().await;
        context.inbox.signal();
    }
}

/// Answers callers a few at a time, those of each workspace in turn.
async fn hand_answers_on(context: Rc<Context>, between: Arc<Between>) {
    let mut backlog = Backlog::default();
    loop {
        let brought = if backlog.is_empty() { between.outbox.take().await } else { between.outbox.take_now() };
        backlog.add(brought, |token| context.answers.workspace(token));
        context.answers.give(backlog.turn());
        // Whoever was answered now goes on before others are: a thousand answers must not hold up whoever calls.
        tokio::task::yield_now().await;
    }
}

async fn follow(health: Health, context: Rc<Context>, between: Arc<Between>) {
    health.follow(&between.word, context.settings.limits.silence_max).await;
}
