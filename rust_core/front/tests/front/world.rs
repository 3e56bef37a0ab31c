//! The front under test, and the loop that takes its calls.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use utterson_front::inbox::Token;
use utterson_front::{
    Answer, Call, Front, Later, Limits, Method, PassedMethod, Places, Refusal, Refusals, Settings, outline,
};

use crate::behind::{self, Behind};

/// Methods that are taken; the loop does what they are named after.
pub const ECHO: &str = "/t.Taken/Echo";
pub const REFUSE: &str = "/t.Taken/Refuse";
pub const HOLD: &str = "/t.Taken/Hold";
pub const BIG: &str = "/t.Taken/Big";
pub const NAMED: &str = "/t.Taken/Named";
/// A stream, each message of which comes back.
pub const STREAM: &str = "/t.Taken/Stream";
const METHODS: [&str; 6] = [ECHO, REFUSE, HOLD, BIG, NAMED, STREAM];

/// What the longest answer has, whatever was asked.
const BIG_MAX: usize = 10_000_000;

pub const INVALID_ARGUMENT: i32 = 3;
pub const RESOURCE_EXHAUSTED: i32 = 8;
pub const UNIMPLEMENTED: i32 = 12;
pub const UNAVAILABLE: i32 = 14;
/// Patience of the tests, on a machine that others use as well.
pub const SOON: Duration = Duration::from_secs(10);

/// What the loop has seen.
#[derive(Default)]
pub struct Seen {
    pub calls: Mutex<Vec<Call>>,
    pub gone: Mutex<Vec<Token>>,
    stalled: AtomicBool,
    /// How many calls the loop takes at once; 0 is as many as it likes.
    pub takes_max: AtomicUsize,
    ended: AtomicBool,
}

pub struct World {
    pub front: Arc<Front>,
    pub seen: Arc<Seen>,
    pub behind: Behind,
    looping: Option<JoinHandle<()>>,
}

pub fn limits() -> Limits {
    Limits {
        connections_max: 64,
        streams_max: 100,
        header_bytes_max: 16 * 1024,
        message_bytes_max: 1024 * 1024,
        passed_bytes_max: 512 * 1024,
        queue_calls_max: 1024,
        workspace_calls_max: 10_000,
        queue_bytes_max: 64 * 1024 * 1024,
        stream_messages_max: 16,
        handshake_timeout: SOON,
        keepalive: Duration::ZERO,
        keepalive_timeout: SOON,
        age_max: Duration::ZERO,
        age_grace: SOON,
        unary_timeout: SOON,
        untaken_timeout: SOON,
        silence_max: SOON,
    }
}

fn method(path: &str) -> Method {
    Method { path: path.to_owned(), streams: path == STREAM, fields: outline::Fields { workspace: 1, calls: 2 } }
}

pub fn refusal(code: i32, message: &str) -> Refusal {
    Refusal { code, message: message.to_owned(), details: Bytes::from_static(b"the details") }
}

/// A refusal that tells in its sentence how many milliseconds its caller should stay away.
fn later(message: &str) -> Later {
    let told = [100, 1000, 5000]
        .map(|ms| (Duration::from_millis(ms), refusal(RESOURCE_EXHAUSTED, &format!("{message} for {ms} ms"))));
    Later(told.into())
}

/// A message for a workspace, with so many calls.
pub fn for_workspace(name: u8, calls: usize) -> Vec<u8> {
    [vec![10, 1, name], [18, 0].repeat(calls)].concat()
}

impl World {
    pub fn start(limits: Limits) -> Self {
        let behind = Behind::start();
        let refusals = Refusals {
            overloaded: later("overloaded"),
            workspace_full: later("full"),
            unanswered: refusal(4, "unanswered"),
            message_too_large: refusal(RESOURCE_EXHAUSTED, "too large"),
            request_too_large: refusal(INVALID_ARGUMENT, "request too large"),
            no_such_method: refusal(UNIMPLEMENTED, "no such method"),
            no_message: refusal(INVALID_ARGUMENT, "no message"),
            unavailable: refusal(UNAVAILABLE, "unavailable"),
            stopping: refusal(UNAVAILABLE, "stopping"),
        };
        let listen = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        let places = Places { listen, behind: behind.place() };
        let (methods, services) = (METHODS.map(method).to_vec(), vec!["t.Taken".to_owned()]);
        let passed = behind::METHODS.map(|path| PassedMethod { path: path.to_owned(), streams: path != behind::UNARY });
        let settings = Settings { places, limits, methods, passed: passed.into(), services, refusals };
        let front = Arc::new(Front::start(settings).unwrap());
        front.set_serving(true);
        let seen = Arc::new(Seen::default());
        let (looped, watched) = (Arc::clone(&front), Arc::clone(&seen));
        let looping = std::thread::spawn(move || run(&looped, &watched));
        Self { front, seen, behind, looping: Some(looping) }
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.front.port()))
    }

    /// The loop takes nothing and says nothing from now on, or goes on.
    pub fn stall(&self, stalled: bool) {
        self.seen.stalled.store(stalled, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(20));
    }

    /// Waits until something holds.
    pub async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + SOON;
        while !holds(self) {
            assert!(Instant::now() < end, "not within {SOON:?}: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub fn calls_seen(&self) -> usize {
        self.seen.calls.lock().unwrap().len()
    }

    pub fn gone_seen(&self) -> usize {
        self.seen.gone.lock().unwrap().len()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.seen.ended.store(true, Ordering::SeqCst);
        if let Some(looping) = self.looping.take() {
            let _ = looping.join();
        }
        self.front.stop(Duration::ZERO);
    }
}

fn run(front: &Front, seen: &Seen) {
    while !seen.ended.load(Ordering::SeqCst) {
        if seen.stalled.load(Ordering::SeqCst) || !is_readable(front) {
            std::thread::sleep(Duration::from_millis(1));
            if !seen.stalled.load(Ordering::SeqCst) {
                front.alive();
            }
            continue;
        }
        let takes_max = seen.takes_max.load(Ordering::SeqCst);
        let taken = front.take(if takes_max == 0 { 1024 } else { takes_max });
        seen.gone.lock().unwrap().extend(taken.gone);
        let answers = taken.calls.iter().filter_map(|call| Some((call.token, answer(call)?))).collect();
        // Before anybody is answered, so that whoever is finds it here.
        seen.calls.lock().unwrap().extend(taken.calls);
        front.answer(answers);
    }
}

/// Only what the descriptor tells is taken: a wake-up that is lost must fail a test.
fn is_readable(front: &Front) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::from_borrowed_fd(front.watched(), PollFlags::IN)], Some(&now)).unwrap() > 0
}

fn answer(call: &Call) -> Option<Answer> {
    match METHODS[usize::from(call.method.0)] {
        REFUSE => Some(Answer::Refused(refusal(3, "refused"), "id-of-the-loop".to_owned())),
        HOLD => None,
        BIG => {
            let length: usize = String::from_utf8_lossy(&call.request).parse().unwrap_or_default();
            Some(Answer::Response(vec![7; length.min(BIG_MAX)].into()))
        }
        NAMED => Some(Answer::Identified(call.request.clone(), "id-of-the-loop".to_owned())),
        _ => Some(Answer::Response(call.request.clone())),
    }
}
