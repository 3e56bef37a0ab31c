//! Accepts connections and sees each to its end.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::budget::Share;
use crate::door::{Context, Door};
use crate::executor::OnThisThread;
use crate::fair::{ByTurns, Turn};
use crate::inbox::ConnectionId;
use crate::life::{Life, Shortage};
use crate::settings::Limits;

/// What a connection that speaks HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes that a caller may have under way: a stream's and a connection's. A stream that the server behind does not read
/// keeps its own from the connection, so the latter has room for many such.
const STREAM_WINDOW_BYTES: u32 = 512 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 16 * 1024 * 1024;
/// Bytes of an answer that wait in a connection's own buffers, whatever window its caller opens.
const SEND_BUFFER_BYTES: usize = 32 * 1024;
/// How long a connection that has to make room may take to say farewell.
const FAREWELL: Duration = Duration::from_millis(100);
/// How long a connection without calls may take for it where the front drains, and how often that is looked at.
const FAREWELL_MAX: Duration = Duration::from_millis(1500);
const IDLE_LOOK: Duration = Duration::from_millis(250);
/// The part of all connections that is kept free while some of the others have no calls, and that is asked to go at once
/// where newcomers wait.
const SPARE: usize = 16;
const AT_ONCE: usize = 64;
/// How often room is looked for while newcomers wait.
const ROOM_LOOK: Duration = Duration::from_millis(50);
/// Bytes of something else that are read before its connection is closed.
const UNREAD_BYTES: usize = 4096;
/// How often it is looked, in the time that an answer may wait, whether others need its memory.
const UNTAKEN_LOOKS: u32 = 8;
/// How long accepting pauses where the process has no descriptors left.
const PAUSE: Duration = Duration::from_millis(100);
/// The ages at which connections are asked to go differ by up to a tenth, so that they do not all come back at once.
const AGE_SPREAD: u32 = 10;

/// How far the front is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Connections are taken.
    Serving,
    /// No new ones; those that are there are asked to go when their calls have ended.
    Draining,
    /// All are cut.
    Cut,
}

/// Why a connection was asked to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// It was not.
    Not,
    /// It is old.
    Old,
    /// It was idle, and another wants its place.
    MakesRoom,
    /// The front drains. Whoever says no farewell, such as a peer that is dead, does not hold up the end.
    Drains,
}

impl Ending {
    /// For how long a connection may stay once its farewell is over, and what it is then: a call may have come meanwhile.
    /// None where it is cut.
    fn respite(self, life: &Life, limits: &Limits) -> Option<(Duration, Self)> {
        match self {
            Self::MakesRoom if life.is_busy() && life.has_moved_within(2 * FAREWELL) => {
                Some((limits.age_grace, Self::Old))
            }
            Self::Drains if !life.is_idle_for(FAREWELL_MAX) => Some((IDLE_LOOK, Self::Drains)),
            Self::Not | Self::MakesRoom | Self::Drains | Self::Old => None,
        }
    }
}

/// Accepts until the front drains.
pub async fn accept(
    listener: TcpListener,
    context: Rc<Context>,
    slots: Arc<Semaphore>,
    mut phase: watch::Receiver<Phase>,
) {
    let connections = phase.clone();
    let mut draining = pin!(phase.wait_for(|phase| *phase >= Phase::Draining));
    loop {
        tokio::select! {
            accepted = next(&listener, &context, &slots) => {
                if let Some((stream, slot)) = accepted {
                    tokio::task::spawn_local(serve(stream, Door::new(&context), slot, connections.clone()));
                }
            }
            _ = &mut draining => return,
        }
    }
}

async fn next(
    listener: &TcpListener,
    context: &Context,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let Ok((stream, _)) = listener.accept().await else {
        tokio::time::sleep(PAUSE).await;
        return None;
    };
    // Whoever holds connections without a call gives way to whoever comes: before the last is taken, so that nobody waits.
    let connections_max = context.settings.limits.connections_max;
    if slots.available_permits() <= connections_max / SPARE {
        context.lives.make_room(Shortage::Near, 1);
    }
    loop {
        let slot = Arc::clone(slots).acquire_owned();
        match tokio::time::timeout(ROOM_LOOK, slot).await {
            Ok(slot) => return slot.ok().map(|slot| (stream, slot)),
            Err(_) => context.lives.make_room(Shortage::Here, connections_max.div_ceil(AT_ONCE)),
        }
    }
}

async fn serve(stream: TcpStream, door: Door, slot: OwnedSemaphorePermit, phase: watch::Receiver<Phase>) {
    let _slot = slot;
    // Also where it ends by a panic: that is one connection's affair.
    let _ended = Ended(Rc::clone(&door.context), door.connection);
    served(stream, door, phase).await;
}

/// Strikes a connection off the list when it is dropped.
struct Ended(Rc<Context>, ConnectionId);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.lives.end(self.1);
    }
}

async fn served(stream: TcpStream, door: Door, mut phase: watch::Receiver<Phase>) {
    let limits = door.context.settings.limits.clone();
    let (life, share) = (Rc::clone(&door.life), Arc::clone(&door.share));
    // Fails where the peer has gone already.
    let _ = stream.set_nodelay(true);
    let greeted = tokio::select! {
        greeted = tokio::time::timeout(limits.handshake_timeout, greeted(stream)) => greeted.ok().flatten(),
        _ = phase.wait_for(|phase| *phase >= Phase::Draining) => None,
        () = life.asked_to_go() => None,
    };
    let Some(stream) = greeted else { return };
    let turn = Turn::new(Rc::clone(&life));
    let stream = TokioIo::new(ByTurns::new(stream, turn.clone(), PREFACE.len()));
    let mut connection = pin!(builder(&limits).serve_connection(stream, door));
    let mut old = pin!(after(age(&limits)));
    let mut cut = pin!(after(Duration::ZERO));
    let mut going = Ending::Not;
    let mut phases = phase.clone();
    let mut draining = pin!(phase.wait_for(|phase| *phase >= Phase::Draining));
    let mut ending = pin!(phases.wait_for(|phase| *phase >= Phase::Cut));
    let mut untaken = pin!(untaken_too_long(&life, &share, &limits));
    loop {
        tokio::select! {
            _ = turn.run(&mut connection) => return,
            () = &mut old, if going == Ending::Not => {
                going = Ending::Old;
                connection.as_mut().graceful_shutdown();
                cut.set(after(limits.age_grace));
            }
            () = life.asked_to_go(), if going == Ending::Not => {
                if !life.has_called() {
                    return;
                }
                going = Ending::MakesRoom;
                connection.as_mut().graceful_shutdown();
                cut.set(after(FAREWELL));
            }
            _ = &mut draining, if going != Ending::Drains => {
                if going == Ending::Not {
                    connection.as_mut().graceful_shutdown();
                }
                going = Ending::Drains;
                cut.set(after(FAREWELL_MAX));
            }
            () = &mut cut => {
                let Some((time, next)) = going.respite(&life, &limits) else { return };
                cut.set(after(time));
                going = next;
            }
            () = &mut untaken => return,
            _ = &mut ending => return,
        }
    }
}

/// Waits until an answer has not been taken for too long; such callers hold memory that others need. Where others are
/// refused because of that, it is looked more often.
async fn untaken_too_long(life: &Life, share: &Share, limits: &Limits) {
    loop {
        for _ in 0..UNTAKEN_LOOKS {
            after(limits.untaken_timeout / UNTAKEN_LOOKS).await;
            if share.is_pressed() {
                break;
            }
        }
        if life.look_at_untaken() {
            return;
        }
    }
}

/// Waits for so long; for ever where it is zero.
async fn after(time: Duration) {
    if time.is_zero() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(time).await;
}

fn age(limits: &Limits) -> Duration {
    let spread = limits.age_max / AGE_SPREAD;
    let part = getrandom::u32().unwrap_or_default() % 1000;
    limits.age_max / (2 * AGE_SPREAD) * (2 * AGE_SPREAD - 1) + spread / 1000 * part
}

/// Reads the preface; none where the peer speaks something else or goes.
async fn greeted(mut stream: TcpStream) -> Option<impl AsyncRead + AsyncWrite + Unpin> {
    let mut preface = [0; PREFACE.len()];
    let mut length = 0;
    while length < PREFACE.len() {
        let read = stream.read(&mut preface[length..]).await.ok()?;
        length += read;
        if read == 0 {
            return None;
        }
        if preface[..length] != PREFACE[..length] {
            // What is left unread would turn the end of the connection into a reset.
            let _ = stream.try_read(&mut [0; UNREAD_BYTES]);
            return None;
        }
    }
    let (reader, writer) = stream.into_split();
    Some(tokio::io::join(PREFACE.chain(reader), writer))
}

fn builder(limits: &Limits) -> http2::Builder<OnThisThread> {
    let mut builder = http2::Builder::new(OnThisThread);
    builder
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .max_concurrent_streams(limits.streams_max)
        // Callers that cancel all that they have under way are no attackers.
        .max_pending_accept_reset_streams(limits.streams_max as usize)
        .max_header_list_size(limits.header_bytes_max)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .keep_alive_interval(Some(limits.keepalive).filter(|keepalive| !keepalive.is_zero()))
        .keep_alive_timeout(limits.keepalive_timeout);
    builder
}
