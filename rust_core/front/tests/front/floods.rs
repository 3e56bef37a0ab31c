//! Small frames that are much work.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bytes_of_http2::{END_HEADERS, HEADERS, PREFACE, SETTINGS, call_headers, frame};
use crate::caller::{Caller, within};
use crate::world::{ECHO, STREAM, World, limits};

const ACK: u8 = 1;
const STREAMS: u32 = 90;
/// GOAWAY, with the last stream, because of `ENHANCE_YOUR_CALM`.
const CALM_DOWN: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 2 * STREAMS.to_be_bytes()[3] - 1, 0, 0, 0, 11];

/// A connection with many streams whose windows are set anew so many times.
async fn with_windows(world: &World, times: u32) -> TcpStream {
    let mut peer = TcpStream::connect(world.address()).await.unwrap();
    let mut sent = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &frame(SETTINGS, ACK, 0, &[])].concat();
    for call in 0..STREAMS {
        sent.extend(frame(HEADERS, END_HEADERS, 2 * call + 1, &call_headers(STREAM, &[])));
    }
    for time in 0..times {
        sent.extend(frame(SETTINGS, 0, 0, &[&[0, 4][..], &(1000 + time % 2).to_be_bytes()].concat()));
    }
    // The server may close in the middle of it.
    let _ = peer.write_all(&sent).await;
    peer
}

#[tokio::test]
async fn whoever_moves_all_windows_over_and_over_is_asked_to_calm_down() {
    let world = World::start(limits());
    let mut peer = with_windows(&world, 3_000).await;
    let mut told = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = within(peer.read(&mut piece)).await {
        told.extend_from_slice(&piece[..read]);
    }
    assert!(told.ends_with(&CALM_DOWN), "{:?}", &told[told.len().saturating_sub(40)..]);
    assert_eq!(Caller::connect(&world).await.call(ECHO, b"x").await.unwrap().message(), b"x");
}

#[tokio::test]
async fn whoever_moves_them_now_and_then_stays() {
    let world = World::start(limits());
    let mut peer = with_windows(&world, 200).await;
    let (mut acknowledged, mut header) = (0, [0; 9]);
    while acknowledged < 201 {
        within(peer.read_exact(&mut header)).await.unwrap();
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        within(peer.read_exact(&mut vec![0; length as usize])).await.unwrap();
        assert_ne!(header[3], CALM_DOWN[3]);
        acknowledged += u32::from((header[3], header[4]) == (SETTINGS, ACK));
    }
}
