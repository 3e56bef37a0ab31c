//! The server behind: does what the path says.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;

/// Gives back each piece as it comes, then trailers.
pub const ECHO: &str = "/b.Passed/Echo";
/// Refuses without a body.
pub const TRAILERS_ONLY: &str = "/b.Passed/TrailersOnly";
/// Sends without end.
pub const POUR: &str = "/b.Passed/Pour";
/// Reads nothing of the request.
pub const SWALLOW: &str = "/b.Passed/Swallow";
/// Reads all of the request before it says anything.
pub const TAKE: &str = "/b.Passed/Take";
/// Resets before, and after it has answered.
pub const RESET_FIRST: &str = "/b.Passed/ResetFirst";
pub const RESET_LATE: &str = "/b.Passed/ResetLate";
/// Waits for the caller to reset, and notes how.
pub const WAIT: &str = "/b.Passed/Wait";
/// Goes away in the middle of an answer, and before one.
pub const DIE_LATE: &str = "/b.Passed/DieLate";
pub const DIE_FIRST: &str = "/b.Passed/DieFirst";
/// As [`ECHO`], of one message that one answers.
pub const UNARY: &str = "/b.Passed/Unary";
pub const METHODS: [&str; 11] =
    [ECHO, TRAILERS_ONLY, POUR, SWALLOW, TAKE, RESET_FIRST, RESET_LATE, WAIT, DIE_LATE, DIE_FIRST, UNARY];

#[derive(Default)]
pub struct Noted {
    pub bytes_sent: AtomicU64,
    pub bytes_received: AtomicU64,
    pub requests: Mutex<Vec<Request<()>>>,
    pub resets: Mutex<Vec<Reason>>,
}

pub struct Behind {
    pub noted: Arc<Noted>,
    folder: TempDir,
    end: Option<oneshot::Sender<Infallible>>,
}

impl Behind {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let noted = Arc::new(Noted::default());
        let (end, ended) = oneshot::channel();
        let (place, kept) = (folder.path().join("grpc"), Arc::clone(&noted));
        let (ready, is_ready) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = UnixListener::bind(place).unwrap();
                ready.send(()).unwrap();
                tokio::select! { () = accept(listener, kept) => {}, _ = ended => {} }
            });
        });
        is_ready.recv().unwrap();
        Self { noted, folder, end: Some(end) }
    }

    pub fn place(&self) -> PathBuf {
        self.folder.path().join("grpc")
    }

    /// Ends, with all its connections.
    pub fn die(&mut self) {
        self.end = None;
    }
}

async fn accept(listener: UnixListener, noted: Arc<Noted>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(serve(stream, Arc::clone(&noted)));
    }
}

async fn serve(stream: UnixStream, noted: Arc<Noted>) {
    let mut builder = h2::server::Builder::new();
    // What one stream leaves unread is to hold up no other, as with the real server.
    builder.initial_window_size(64 * 1024).initial_connection_window_size(16 * 1024 * 1024);
    let Ok(mut connection) = builder.handshake(stream).await else { return };
    let (die, mut dies) = tokio::sync::mpsc::unbounded_channel::<()>();
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(Ok((request, respond))) = accepted else { return };
                let (noted, die) = (Arc::clone(&noted), die.clone());
                tokio::spawn(async move {
                    let (head, body) = request.into_parts();
                    let path = head.uri.path().to_owned();
                    let request = Request::from_parts(head, ());
                    let metadata = request.headers().clone();
                    noted.requests.lock().unwrap().push(request);
                    // Fails where the caller has gone, as some tests have it.
                    let _ = answer(&path, &metadata, body, respond, &noted).await;
                    if path.contains("Die") {
                        let _ = die.send(());
                    }
                });
            }
            _ = dies.recv() => return,
        }
    }
}

async fn answer(
    path: &str,
    metadata: &HeaderMap,
    mut body: RecvStream,
    mut respond: SendResponse<Bytes>,
    noted: &Noted,
) -> Result<(), h2::Error> {
    let mut response = Response::new(());
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    if let Some(value) = metadata.get("x-meta-bin") {
        response.headers_mut().insert("x-meta-bin", value.clone());
    }
    match path {
        RESET_FIRST => {
            respond.send_reset(Reason::ENHANCE_YOUR_CALM);
            return Ok(());
        }
        DIE_FIRST => {
            outlive(respond);
            return Ok(());
        }
        TRAILERS_ONLY | TAKE => {
            let status = if path == TAKE { take(body).await? } else { "5" };
            response.headers_mut().insert("grpc-status", HeaderValue::from_static(status));
            return respond.send_response(response, true).map(drop);
        }
        _ => {}
    }
    let mut stream = respond.send_response(response, false)?;
    match path {
        RESET_LATE => stream.send_reset(Reason::ENHANCE_YOUR_CALM),
        DIE_LATE => {
            stream.send_data(Bytes::from_static(b"half of"), false)?;
            // The piece has to leave before the connection does.
            tokio::time::sleep(Duration::from_millis(50)).await;
            outlive(stream);
        }
        POUR => pour(&mut stream, noted).await?,
        SWALLOW | WAIT => {
            let reason = std::future::poll_fn(|context| stream.poll_reset(context)).await?;
            noted.resets.lock().unwrap().push(reason);
        }
        _ => {
            while let Some(piece) = body.data().await {
                let piece = piece?;
                noted.bytes_received.fetch_add(piece.len() as u64, Ordering::SeqCst);
                body.flow_control().release_capacity(piece.len())?;
                stream.send_data(piece, false)?;
            }
            let mut trailers = body.trailers().await?.unwrap_or_default();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            trailers.insert("x-told-bin", HeaderValue::from_static("AAEC"));
            stream.send_trailers(trailers)?;
        }
    }
    Ok(())
}

/// Reads all of a request, and gives its status.
async fn take(mut body: RecvStream) -> Result<&'static str, h2::Error> {
    while let Some(piece) = body.data().await {
        body.flow_control().release_capacity(piece?.len())?;
    }
    Ok("0")
}

/// Keeps something until its connection has gone: dropped before, it would reset its stream.
fn outlive<T: Send + 'static>(kept: T) {
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(kept);
    });
}

async fn pour(stream: &mut h2::SendStream<Bytes>, noted: &Noted) -> Result<(), h2::Error> {
    loop {
        stream.reserve_capacity(8 * 1024);
        let Some(capacity) = std::future::poll_fn(|context| stream.poll_capacity(context)).await else { return Ok(()) };
        let piece = Bytes::from(vec![1; capacity?.min(8 * 1024)]);
        noted.bytes_sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
        stream.send_data(piece, false)?;
    }
}
