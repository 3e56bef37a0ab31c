//! HTTP/2 by hyper, as the front has it: tonic's own transport is slower.

use std::convert::Infallible;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

use crate::Failure;
use crate::serving::{Serve, answer};

/// As the front's: what a caller may have under way on a stream and on a connection.
const STREAM_WINDOW_BYTES: u32 = 512 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
const STREAMS_MAX: u32 = 1000;

/// Listens, and serves each connection by a task of its own.
pub async fn serve(listen: &str, peer: impl Serve) -> Result<(), Failure> {
    let listener = TcpListener::bind(listen).await.map_err(|error| format!("{listen}: {error}"))?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection(stream, peer.clone()));
    }
}

async fn connection(stream: TcpStream, peer: impl Serve) {
    let service = service_fn(move |request| {
        let peer = peer.clone();
        async move { Ok::<_, Infallible>(answer(&peer, request).await) }
    });
    // A caller that breaks its connection is nobody's trouble here.
    let _ = http2::Builder::new(TokioExecutor::new())
        .auto_date_header(false)
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
