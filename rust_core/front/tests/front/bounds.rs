//! What callers are held to.

use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use utterson_front::Limits;

use crate::caller::{Caller, framed, pause, reply, request, within};
use crate::world::{ECHO, HOLD, RESOURCE_EXHAUSTED, STREAM, World, limits};

#[tokio::test]
async fn a_full_queue_refuses_at_once_while_the_loop_stands_still() {
    let world = World::start(Limits { queue_calls_max: 16, ..limits() });
    world.stall(true);
    let mut caller = Caller::connect(&world).await;
    let mut waiting = Vec::new();
    for _ in 0..6 {
        let (response, mut stream) = caller.open(request(ECHO).body(()).unwrap()).await;
        stream.send_data(framed(b"x"), true).unwrap();
        waiting.push(response);
    }
    pause(50).await;
    let began = Instant::now();
    let refused = caller.call(ECHO, b"one more").await.unwrap();
    assert_eq!((refused.code(), refused.told("grpc-message").as_str()), (RESOURCE_EXHAUSTED, "overloaded for 1000 ms"));
    assert_eq!(refused.told("grpc-status-details-bin"), "dGhlIGRldGFpbHM");
    assert!(began.elapsed() < Duration::from_secs(1));
    // Whoever comes new finds room, and all who wait are answered when the loop goes on.
    let mut other = Caller::connect(&world).await;
    let newcomer = tokio::spawn(async move { other.call(ECHO, b"new").await });
    pause(50).await;
    world.stall(false);
    assert_eq!(within(newcomer).await.unwrap().unwrap().message(), b"new");
    for response in waiting {
        assert_eq!(within(reply(response)).await.unwrap().message(), b"x");
    }
}

#[tokio::test]
async fn connections_take_turns() {
    let world = World::start(limits());
    world.stall(true);
    let mut greedy = Caller::connect(&world).await;
    let mut modest = Caller::connect(&world).await;
    for (caller, count) in [(&mut greedy, 50), (&mut modest, 2)] {
        for _ in 0..count {
            let (response, mut stream) = caller.open(request(HOLD).body(()).unwrap()).await;
            stream.send_data(framed(&[count]), true).unwrap();
            tokio::spawn(response);
        }
        pause(50).await;
    }
    world.stall(false);
    world.until("all are taken", |world| world.calls_seen() == 52).await;
    let order: Vec<u8> = world.seen.calls.lock().unwrap().iter().map(|call| call.request[0]).collect();
    assert_eq!(order[..5], [50, 2, 50, 2, 50]);
}

#[tokio::test]
async fn bytes_that_wait_are_bounded() {
    let world = World::start(Limits { queue_bytes_max: 1024 * 1024, ..limits() });
    let mut caller = Caller::connect(&world).await;
    let mut kept = Vec::new();
    // Each is held once as it came and once as the loop gets it.
    for _ in 0..3 {
        let (response, mut stream) = caller.open(request(HOLD).body(()).unwrap()).await;
        stream.send_data(framed(&vec![0; 60_000]), true).unwrap();
        kept.push(response);
    }
    world.until("three are taken", |world| world.calls_seen() == 3).await;
    let refused = caller.call(ECHO, &vec![0; 60_000]).await.unwrap();
    assert_eq!((refused.code(), refused.told("grpc-message").as_str()), (RESOURCE_EXHAUSTED, "overloaded for 1000 ms"));
    assert_eq!(Caller::connect(&world).await.call(ECHO, &vec![0; 60_000]).await.unwrap().message().len(), 60_000);
    drop((kept, caller));
    world.until("the loop is told that they are gone", |world| world.gone_seen() == 3).await;
}

#[tokio::test]
async fn what_is_announced_takes_no_memory() {
    for (path, ends) in [(ECHO, false), (ECHO, true), (STREAM, false), (STREAM, true)] {
        let world = World::start(limits());
        let before = reserved_bytes();
        let mut kept = Vec::new();
        for _ in 0..20 {
            let mut caller = Caller::connect(&world).await;
            for _ in 0..100 {
                let (response, mut stream) = caller.open(request(path).body(()).unwrap()).await;
                stream.send_data(Bytes::from_static(&[0, 0, 0x0f, 0xff, 0xff]), ends).unwrap();
                kept.push((response, stream));
            }
            tokio::spawn(async move {
                pause(60_000).await;
                drop(caller);
            });
        }
        assert_eq!(Caller::connect(&world).await.call(ECHO, b"x").await.unwrap().message(), b"x");
        // Where it was reserved and given back at once, the most that there ever was tells.
        let more = reserved_bytes() - before;
        assert!(more < 500 * 1024 * 1024, "2,000 calls announced 2 GB at {path}, {ends}: {more} more");
    }
}

/// The most address space that this process ever had, in bytes.
fn reserved_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok()).map_or(0, |kilobytes: u64| kilobytes * 1024)
}

#[tokio::test]
async fn a_connection_has_so_many_calls_at_once() {
    let world = World::start(Limits { streams_max: 3, ..limits() });
    let mut caller = Caller::connect(&world).await;
    pause(50).await;
    let mut kept = Vec::new();
    for _ in 0..5 {
        let opened = tokio::time::timeout(Duration::from_millis(200), caller.send.clone().ready()).await;
        let Ok(Ok(mut send)) = opened else { break };
        let (response, mut stream) = send.send_request(request(HOLD).body(()).unwrap(), false).unwrap();
        stream.send_data(framed(b"x"), true).unwrap();
        kept.push(tokio::spawn(response));
        caller.send = send;
    }
    pause(100).await;
    assert_eq!(world.calls_seen(), 3);
}

#[tokio::test]
async fn headers_are_bounded() {
    let world = World::start(Limits { header_bytes_max: 4096, ..limits() });
    let mut caller = Caller::connect(&world).await;
    let sent = request(ECHO).header("x-long", "y".repeat(6000)).body(()).unwrap();
    let refused = caller.send(sent, framed(b"x")).await.unwrap();
    assert_eq!(refused.http, 431);
    assert_eq!(caller.call(ECHO, b"x").await.unwrap().message(), b"x");
    assert_eq!(world.calls_seen(), 1);
}

#[tokio::test]
async fn whoever_does_not_speak_http_2_is_sent_away() {
    let world = World::start(Limits { handshake_timeout: Duration::from_millis(200), ..limits() });
    for greeting in [b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".as_slice(), b"\x16\x03\x01", b"", b"PRI * HT"] {
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        stream.write_all(greeting).await.unwrap();
        let mut answer = Vec::new();
        assert_eq!(within(stream.read_to_end(&mut answer)).await.unwrap(), 0, "closed, not reset");
    }
}

#[tokio::test]
async fn the_idle_make_room_for_newcomers() {
    let world = World::start(Limits { connections_max: 4, ..limits() });
    let mut busy = Caller::connect(&world).await;
    let (running, mut stream) = busy.open(request(HOLD).body(()).unwrap()).await;
    stream.send_data(framed(b"x"), true).unwrap();
    world.until("the call is taken", |world| world.calls_seen() == 1).await;
    let mut silent = TcpStream::connect(world.address()).await.unwrap();
    pause(20).await;
    let idle = [Caller::connect(&world).await, Caller::connect(&world).await];
    let mut newcomers = Vec::new();
    for _ in 0..3 {
        let mut newcomer = within(Caller::connect_as(world.address(), &client::Builder::new())).await;
        assert_eq!(newcomer.call(ECHO, b"new").await.unwrap().message(), b"new");
        newcomers.push(newcomer);
    }
    let mut rest = Vec::new();
    assert_eq!(within(silent.read_to_end(&mut rest)).await.unwrap(), 0, "it was closed");
    for caller in idle {
        let _ = within(caller.connection).await;
    }
    assert_eq!(world.gone_seen(), 0, "the busy one stays");
    drop(running);
}

pub fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).map_or(0, |pages: u64| pages * 4096)
}
