//! Answers that nobody takes.

use std::time::{Duration, Instant};

use h2::client;
use utterson_front::Limits;

use crate::bounds::resident_bytes;
use crate::caller::{Caller, framed, pause, request, within};
use crate::world::{BIG, ECHO, RESOURCE_EXHAUSTED, STREAM, World, limits};

#[tokio::test]
async fn who_takes_no_answers_gets_no_further_ones() {
    let world = World::start(Limits { queue_bytes_max: 16 * 1024 * 1024, ..limits() });
    for window in [0, 1] {
        let mut builder = client::Builder::new();
        let mut caller = Caller::connect_as(world.address(), builder.initial_window_size(window)).await;
        let before = resident_bytes();
        let mut kept = Vec::new();
        let mut refused = 0;
        for _ in 0..60 {
            let (response, mut stream) = caller.open(request(BIG).body(()).unwrap()).await;
            stream.send_data(framed(b"1000000"), true).unwrap();
            let answer = within(response).await.unwrap();
            let status = answer.headers().get("grpc-status").and_then(|status| status.to_str().unwrap().parse().ok());
            refused += usize::from(status == Some(RESOURCE_EXHAUSTED));
            kept.push(answer);
        }
        assert!((40..56).contains(&refused), "{refused}");
        assert!(resident_bytes().saturating_sub(before) < 60 * 1024 * 1024);
        let mut other = Caller::connect(&world).await;
        assert_eq!(other.call(ECHO, b"x").await.unwrap().message(), b"x");
        drop((kept, caller));
        pause(100).await;
    }
}

#[tokio::test]
async fn answers_of_a_stream_count_though_their_turn_has_not_come() {
    let world = World::start(Limits { queue_bytes_max: 1024 * 1024, ..limits() });
    let mut builder = client::Builder::new();
    builder.initial_window_size(0).initial_connection_window_size(1024 * 1024);
    let mut caller = Caller::connect_as(world.address(), &builder).await;
    let (response, mut stream) = caller.open(request(STREAM).body(()).unwrap()).await;
    let sent: Vec<u8> = (0..5).flat_map(|_| framed(&vec![7; 60_000])).collect();
    stream.reserve_capacity(sent.len());
    let untaken = within(response).await.unwrap();
    // All are read before one is answered: with four answers there the fifth message would be refused.
    world.stall(true);
    stream.send_data(sent.into(), false).unwrap();
    pause(300).await;
    world.stall(false);
    world.until("all messages are answered", |world| world.calls_seen() == 5).await;
    pause(100).await;
    // Four messages are not answered for good, and five answers are there: of a MiB, a connection may have half.
    let refused = caller.call(ECHO, b"x").await.unwrap();
    assert_eq!((refused.code(), refused.told("grpc-message").as_str()), (RESOURCE_EXHAUSTED, "overloaded for 1000 ms"));
    let mut other = Caller::connect(&world).await;
    assert_eq!(other.call(ECHO, b"x").await.unwrap().message(), b"x");
    drop((untaken, stream, caller));
    pause(100).await;
    assert_eq!(other.call(ECHO, &vec![7; 200_000]).await.unwrap().message().len(), 200_000, "all is given back");
}

#[tokio::test]
async fn who_takes_no_answer_for_long_is_cut() {
    let world = World::start(Limits { untaken_timeout: Duration::from_millis(200), ..limits() });
    let mut reader = Caller::connect(&world).await;
    let mut caller = Caller::connect_as(world.address(), client::Builder::new().initial_window_size(1)).await;
    let (response, mut stream) = caller.open(request(BIG).body(()).unwrap()).await;
    stream.send_data(framed(b"100000"), true).unwrap();
    let _untaken = within(response).await.unwrap();
    let _ = within(caller.connection).await;
    assert_eq!(reader.call(ECHO, b"x").await.unwrap().message(), b"x", "whoever takes what it asked for stays");
}

#[tokio::test]
async fn who_takes_no_answers_leaves_soon_what_others_need() {
    for path in [STREAM, BIG] {
        let world = World::start(Limits { queue_bytes_max: 4 * 1024 * 1024, ..limits() });
        let mut kept = Vec::new();
        // Each holds less than is left, as it has to, until next to nothing is.
        for bytes in [55_000, 55_000, 31_000, 18_000_u32] {
            let mut builder = client::Builder::new();
            let mut caller = Caller::connect_as(world.address(), builder.initial_window_size(1)).await;
            if path == STREAM {
                let (response, mut stream) = caller.open(request(STREAM).body(()).unwrap()).await;
                for _ in 0..16 {
                    stream.send_data(framed(&vec![7; bytes as usize]), false).unwrap();
                }
                kept.push((within(response).await.unwrap(), stream));
            } else {
                let (response, mut stream) = caller.open(request(BIG).body(()).unwrap()).await;
                stream.send_data(framed((14 * bytes).to_string().as_bytes()), false).unwrap();
                kept.push((within(response).await.unwrap(), stream));
            }
            pause(100).await;
        }
        let mut other = Caller::connect(&world).await;
        let (began, mut refused) = (Instant::now(), 0);
        while other.call(ECHO, &vec![7; 500_000]).await.unwrap().code() == RESOURCE_EXHAUSTED {
            assert!(began.elapsed() < Duration::from_secs(6), "{path}: they are cut sooner than usual");
            refused += 1;
            pause(50).await;
        }
        assert!(refused > 0, "{path}: all memory was held");
    }
}
