//! Streams that are taken: message by message through the loop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::caller::{Caller, framed, pause, reply, request, within};
use crate::world::{ECHO, RESOURCE_EXHAUSTED, STREAM, UNAVAILABLE, World, limits};

#[tokio::test]
async fn messages_are_answered_in_their_order_however_they_are_cut() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let mut sent = Vec::new();
    for length in [0, 1, 70_000, 3, 200_000, 0] {
        sent.extend_from_slice(&framed(&vec![7; length]));
    }
    for cut in [1_000_000, 10_000, 7_001] {
        let (response, mut stream) = caller.open(request(STREAM).body(()).unwrap()).await;
        let pieces: Vec<_> = sent.chunks(cut).map(Bytes::copy_from_slice).collect();
        let sending = tokio::spawn(async move {
            for piece in pieces {
                stream.reserve_capacity(piece.len());
                stream.send_data(piece, false).unwrap();
                tokio::task::yield_now().await;
            }
            stream.send_data(Bytes::new(), true).unwrap();
        });
        let answer = within(reply(response)).await.unwrap();
        assert_eq!((answer.code(), &answer.body[..] == sent.as_slice()), (0, true));
        assert!(!answer.trailers["x-request-id"].is_empty());
        sending.await.unwrap();
    }
}

#[tokio::test]
async fn a_message_of_a_stream_that_is_too_large_ends_it() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let (response, mut stream) = caller.open(request(STREAM).body(()).unwrap()).await;
    stream.send_data(framed(b"first"), false).unwrap();
    stream.send_data(Bytes::from_static(&[0, 0x7f, 0xff, 0xff, 0xff, 1]), false).unwrap();
    let answer = within(reply(response)).await.unwrap();
    assert_eq!((answer.code(), answer.told("grpc-message").as_str()), (RESOURCE_EXHAUSTED, "too large"));
    assert_eq!(answer.body, framed(b"first"));
}

#[tokio::test]
async fn half_a_message_at_the_end_is_none() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    for half in [&framed(&vec![1; 100_000])[..90_000], &[0, 0, 0][..]] {
        let answer = caller.send(request(STREAM).body(()).unwrap(), Bytes::copy_from_slice(half)).await.unwrap();
        assert_eq!(answer.code(), 13, "{answer:?}");
    }
}

#[tokio::test]
async fn a_full_queue_holds_a_stream_up_and_loses_nothing_of_it() {
    let world = World::start(utterson_front::Limits { queue_calls_max: 8, ..limits() });
    world.stall(true);
    let mut caller = Caller::connect(&world).await;
    let sent: Vec<u8> = (0..50_u8).flat_map(|number| framed(&[number])).collect();
    let (response, mut stream) = caller.open(request(STREAM).body(()).unwrap()).await;
    stream.send_data(sent.clone().into(), true).unwrap();
    pause(100).await;
    // Of the same connection, and with a later token.
    let refused = caller.call(ECHO, b"x").await.unwrap();
    assert_eq!(refused.code(), RESOURCE_EXHAUSTED);
    world.stall(false);
    assert_eq!(within(reply(response)).await.unwrap().body, sent);
}

#[tokio::test]
async fn a_drain_answers_what_was_read_of_a_stream_and_ends_it() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let (response, mut stream) = caller.open(request(STREAM).body(()).unwrap()).await;
    stream.send_data(framed(b"first"), false).unwrap();
    world.until("the message is taken", |world| world.calls_seen() == 1).await;
    let (front, began) = (Arc::clone(&world.front), Instant::now());
    within(tokio::task::spawn_blocking(move || front.stop(Duration::from_secs(9)))).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let answer = within(reply(response)).await.unwrap();
    assert_eq!((answer.code(), answer.told("grpc-message").as_str()), (UNAVAILABLE, "stopping"));
    assert_eq!(answer.body, framed(b"first"));
    assert!(!answer.trailers["x-request-id"].is_empty());
}

#[tokio::test]
async fn a_stream_whose_answers_are_not_taken_is_read_no_further() {
    let world = World::start(utterson_front::Limits { stream_messages_max: 64, ..limits() });
    let builder = h2::client::Builder::new();
    let mut caller = Caller::connect_as(world.address(), &builder).await;
    let (response, mut stream) = caller.open(request(STREAM).body(()).unwrap()).await;
    let mut sent = 0;
    let sending = async {
        for _ in 0..64 {
            let mut message = framed(&vec![7; 1_000_000]);
            while !message.is_empty() {
                stream.reserve_capacity(message.len());
                let Some(Ok(capacity)) = std::future::poll_fn(|context| stream.poll_capacity(context)).await else {
                    return;
                };
                stream.send_data(message.split_to(capacity.min(message.len())), false).unwrap();
            }
            sent += 1;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), sending).await;
    // Four megabytes of messages and answers, one message that was read before they were there, and one in the windows.
    assert!((3..9).contains(&sent), "{sent}");
    drop(stream);
    drop(response);
    assert_eq!(Caller::connect(&world).await.call(ECHO, b"x").await.unwrap().message(), b"x");
}
