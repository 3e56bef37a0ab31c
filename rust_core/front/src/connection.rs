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

use crate::door::{Context, Door};
use crate::executor::OnThisThread;
use crate::settings::Limits;

/// What a connection that speaks HTTP/2 begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes that a caller may have under way: a stream's and a connection's.
const STREAM_WINDOW_BYTES: u32 = 512 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
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
            accepted = next(&listener, &slots) => {
                if let Some((stream, slot)) = accepted {
                    tokio::task::spawn_local(serve(stream, Door::new(&context), slot, connections.clone()));
                }
            }
            _ = &mut draining => return,
        }
    }
}

async fn next(listener: &TcpListener, slots: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    if let Ok((stream, _)) = listener.accept().await {
        return Some((stream, slot));
    }
    tokio::time::sleep(PAUSE).await;
    None
}

async fn serve(stream: TcpStream, door: Door, slot: OwnedSemaphorePermit, mut phase: watch::Receiver<Phase>) {
    let _slot = slot;
    let limits = door.context.settings.limits.clone();
    // Fails where the peer has gone already.
    let _ = stream.set_nodelay(true);
    let greeted = tokio::select! {
        greeted = tokio::time::timeout(limits.handshake_timeout, greeted(stream)) => greeted.ok().flatten(),
        _ = phase.wait_for(|phase| *phase >= Phase::Draining) => None,
    };
    let Some(stream) = greeted else { return };
    let mut connection = pin!(builder(&limits).serve_connection(TokioIo::new(stream), door));
    let age = age(&limits);
    let mut old = pin!(after(age));
    let mut cut = pin!(after(Duration::ZERO));
    let mut asked_to_go = false;
    let mut phases = phase.clone();
    let mut draining = pin!(phase.wait_for(|phase| *phase >= Phase::Draining));
    let mut ending = pin!(phases.wait_for(|phase| *phase >= Phase::Cut));
    loop {
        tokio::select! {
            _ = &mut connection => return,
            () = &mut old, if !asked_to_go => {
                asked_to_go = true;
                connection.as_mut().graceful_shutdown();
                cut.set(after(limits.age_grace));
            }
            _ = &mut draining, if !asked_to_go => {
                asked_to_go = true;
                connection.as_mut().graceful_shutdown();
            }
            () = &mut cut => return,
            _ = &mut ending => return,
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
    limits.age_max - spread / 2 + spread / 1000 * part
}

/// Reads the preface; none where the peer speaks something else or goes.
async fn greeted(mut stream: TcpStream) -> Option<impl AsyncRead + AsyncWrite + Unpin> {
    let mut preface = [0; PREFACE.len()];
    let mut length = 0;
    while length < PREFACE.len() {
        let read = stream.read(&mut preface[length..]).await.ok()?;
        length += read;
        if read == 0 || preface[..length] != PREFACE[..length] {
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
        .keep_alive_interval(Some(limits.keepalive).filter(|keepalive| !keepalive.is_zero()))
        .keep_alive_timeout(limits.keepalive_timeout);
    builder
}
