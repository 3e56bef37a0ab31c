//! Calls that are taken: what comes back, and what may come in.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::caller::{Caller, flagged, framed, request, within};
use crate::world::{BIG, ECHO, HOLD, INVALID_ARGUMENT, NAMED, REFUSE, RESOURCE_EXHAUSTED, World, limits};

const INTERNAL: i32 = 13;
const UNIMPLEMENTED: i32 = 12;

#[tokio::test]
async fn an_answer_brings_message_status_and_request_id() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let sent = request(ECHO).header("x-request-id", "mine").body(()).unwrap();
    let reply = caller.send(sent, framed(b"hello")).await.unwrap();
    assert_eq!(reply.message(), b"hello");
    assert_eq!(reply.told("content-type"), "application/grpc");
    assert_eq!(reply.trailers["x-request-id"], "mine");
    assert_eq!(world.seen.calls.lock().unwrap()[0].request_id.as_deref(), Some("mine"));

    let reply = caller.call(NAMED, b"").await.unwrap();
    assert_eq!(reply.message(), b"");
    assert_eq!(reply.trailers["x-request-id"], "id-of-the-loop");
}

#[tokio::test]
async fn a_refusal_brings_details_and_the_loops_request_id() {
    let world = World::start(limits());
    let reply = Caller::connect(&world).await.call(REFUSE, b"x").await.unwrap();
    assert_eq!((reply.code(), reply.told("grpc-message").as_str()), (3, "refused"));
    assert_eq!(reply.told("grpc-status-details-bin"), "dGhlIGRldGFpbHM");
    assert_eq!(reply.told("x-request-id"), "id-of-the-loop");
}

#[tokio::test]
async fn compressed_requests_are_unpacked_small_and_large() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    for length in [0, 100, 16 * 1024, 16 * 1024 + 1, 1024 * 1024] {
        let message: Vec<u8> =
            (0..length).map(|number: usize| number.to_le_bytes()[0] ^ number.to_le_bytes()[1]).collect();
        for (name, packed) in [("gzip", gzip(&message)), ("deflate", deflate(&message))] {
            let sent = request(ECHO).header("grpc-encoding", name).body(()).unwrap();
            let reply = caller.send(sent, flagged(1, &packed)).await.unwrap();
            assert_eq!(reply.message(), message, "{name} {length}");
            let sent = request(ECHO).header("grpc-encoding", name).body(()).unwrap();
            assert_eq!(caller.send(sent, framed(&message)).await.unwrap().message(), message, "announced, not used");
        }
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let plain = || request(ECHO);
    let cases = [
        ("no message", plain(), Bytes::new(), INVALID_ARGUMENT),
        ("half a header", plain(), Bytes::from_static(&[0, 0]), INVALID_ARGUMENT),
        ("half a message", plain(), Bytes::from_static(&[0, 0, 0, 0, 9, 1]), INVALID_ARGUMENT),
        ("a flag without an encoding", plain(), flagged(1, b"x"), INTERNAL),
        ("a flag that there is not", plain(), flagged(7, b"x"), INTERNAL),
        ("an encoding that there is not", plain().header("grpc-encoding", "snappy"), framed(b"x"), UNIMPLEMENTED),
        ("no gzip at all", plain().header("grpc-encoding", "gzip"), flagged(1, b"nonsense"), INTERNAL),
        ("gzip, cut off", plain().header("grpc-encoding", "gzip"), flagged(1, &gzip(b"hello")[..9]), INTERNAL),
    ];
    for (what, sent, body, code) in cases {
        let reply = caller.send(sent.body(()).unwrap(), body).await.unwrap();
        assert_eq!(reply.code(), code, "{what}: {reply:?}");
        assert!(!reply.told("x-request-id").is_empty());
    }
    assert_eq!(world.calls_seen(), 0, "the loop was asked none of it");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_before_it_has_come() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let (response, mut stream) = caller.open(request(ECHO).body(()).unwrap()).await;
    stream.send_data(Bytes::from_static(&[0, 0x7f, 0xff, 0xff, 0xff]), false).unwrap();
    let reply = within(crate::caller::reply(response)).await.unwrap();
    assert_eq!((reply.code(), reply.told("grpc-message").as_str()), (RESOURCE_EXHAUSTED, "too large"));
    let largest = vec![1; 1024 * 1024];
    assert_eq!(caller.call(ECHO, &largest).await.unwrap().message(), largest);
    let reply = caller.call(ECHO, &vec![1; 1024 * 1024 + 1]).await.unwrap();
    assert_eq!((reply.code(), reply.told("grpc-message").as_str()), (RESOURCE_EXHAUSTED, "too large"));
}

#[tokio::test]
async fn a_bomb_is_refused_where_it_passes_the_limit() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    for packed in [gzip(&vec![0; 1024 * 1024 + 1]), gzip(&vec![0; 256 * 1024 * 1024])] {
        let sent = request(ECHO).header("grpc-encoding", "gzip").body(()).unwrap();
        let reply = caller.send(sent, flagged(1, &packed)).await.unwrap();
        assert_eq!((reply.code(), reply.told("grpc-message").as_str()), (RESOURCE_EXHAUSTED, "too large"));
    }
}

#[tokio::test]
async fn one_message_is_a_call_whatever_follows_it() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let two = [framed(b"one"), framed(b"two")].concat().into();
    assert_eq!(caller.send(request(ECHO).body(()).unwrap(), two).await.unwrap().message(), b"one");
    let (response, mut stream) = caller.open(request(ECHO).body(()).unwrap()).await;
    for byte in framed(b"slow") {
        stream.send_data(Bytes::copy_from_slice(&[byte]), false).unwrap();
        tokio::task::yield_now().await;
    }
    let reply = within(crate::caller::reply(response)).await.unwrap();
    assert_eq!(reply.message(), b"slow", "it need not end its request");
}

#[tokio::test]
async fn a_long_answer_comes_whole() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let reply = caller.call(BIG, b"5000000").await.unwrap();
    assert_eq!(reply.message(), vec![7; 5_000_000]);
    assert!(reply.trailers.contains_key("grpc-status"));
}

#[tokio::test]
async fn whoever_goes_is_told_of() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let (response, mut stream) = caller.open(request(HOLD).body(()).unwrap()).await;
    stream.send_data(framed(b"x"), true).unwrap();
    world.until("the call is taken", |world| world.calls_seen() == 1).await;
    stream.send_reset(h2::Reason::CANCEL);
    drop(response);
    world.until("the loop is told of a reset", |world| world.gone_seen() == 1).await;
    let (_response, mut stream) = caller.open(request(HOLD).body(()).unwrap()).await;
    stream.send_data(framed(b"x"), true).unwrap();
    world.until("the call is taken", |world| world.calls_seen() == 2).await;
    caller.connection.abort();
    world.until("the loop is told of a connection that is cut", |world| world.gone_seen() == 2).await;
    let calls: Vec<_> = world.seen.calls.lock().unwrap().iter().map(|call| call.token).collect();
    assert_eq!(*world.seen.gone.lock().unwrap(), calls);
}

fn gzip(message: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(message).unwrap();
    encoder.finish().unwrap()
}

fn deflate(message: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(message).unwrap();
    encoder.finish().unwrap()
}
