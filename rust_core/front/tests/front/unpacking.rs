//! Compressed messages, and such as cost more than they hold.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use utterson_front::Limits;

use crate::caller::{Caller, Reply, flagged, framed, pause, request, within};
use crate::world::{ECHO, RESOURCE_EXHAUSTED, STREAM, World, limits};

const UNIMPLEMENTED: i32 = 12;
const INTERNAL: i32 = 13;
/// A tenth of what any of the messages here would take, unbounded.
const HELD_UP_MAX: Duration = Duration::from_secs(2);

fn gzip(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    flagged(1, &encoder.finish().unwrap())
}

/// A message of some bytes, and then of two megabytes of blocks that hold nothing.
fn nothing(first: usize) -> Bytes {
    let length = u16::try_from(first).unwrap();
    let mut packed = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\0".to_vec();
    packed.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
    packed.extend(vec![7; first]);
    // Four blocks of ten bits each: not the last, the usual code, its end.
    packed.extend([0x02, 0x08, 0x20, 0x80, 0x00].repeat(400_000));
    flagged(1, &packed)
}

fn world() -> World {
    World::start(Limits { message_bytes_max: 4 * 1024 * 1024, ..limits() })
}

async fn packed(caller: &mut Caller, path: &str, body: Bytes) -> Reply {
    caller.send(request(path).header("grpc-encoding", "gzip").body(()).unwrap(), body).await.unwrap()
}

#[tokio::test]
async fn a_message_that_unpacks_to_nothing_holds_up_nobody() {
    let world = world();
    let mut other = Caller::connect(&world).await;
    for (path, first) in [(ECHO, 0), (ECHO, 20_000), (STREAM, 0)] {
        let mut attacker = Caller::connect(&world).await;
        let attack = tokio::spawn(async move { packed(&mut attacker, path, nothing(first)).await });
        while !attack.is_finished() {
            let began = Instant::now();
            assert_eq!(other.call(ECHO, b"x").await.unwrap().message(), b"x");
            assert!(began.elapsed() < HELD_UP_MAX, "{:?} at {path}", began.elapsed());
            pause(5).await;
        }
        let told = attack.await.unwrap();
        assert_eq!(told.code(), INTERNAL, "{told:?}");
        assert!(told.told("grpc-message").ends_with("it takes too much for what it holds"), "{told:?}");
    }
}

#[tokio::test]
async fn whoever_has_little_to_unpack_waits_for_nobody_who_has_much() {
    let world = world();
    let mut attackers = Vec::new();
    for _ in 0..3 {
        let mut attacker = Caller::connect(&world).await;
        attackers.push(tokio::spawn(async move { packed(&mut attacker, ECHO, nothing(60_000)).await }));
    }
    let content: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(20_000).collect();
    let mut other = Caller::connect(&world).await;
    while !attackers.iter().all(tokio::task::JoinHandle::is_finished) {
        let began = Instant::now();
        assert_eq!(packed(&mut other, ECHO, gzip(&content)).await.message(), content);
        assert!(began.elapsed() < HELD_UP_MAX, "{:?}", began.elapsed());
        pause(5).await;
    }
}

#[tokio::test]
async fn a_front_that_is_cut_does_not_wait_for_what_is_being_unpacked() {
    let world = world();
    let mut attackers = Vec::new();
    for _ in 0..8 {
        let mut attacker = Caller::connect(&world).await;
        let sent = request(ECHO).header("grpc-encoding", "gzip").body(()).unwrap();
        attackers.push(tokio::spawn(async move { attacker.send(sent, nothing(60_000)).await }));
    }
    pause(300).await;
    let (front, began) = (Arc::clone(&world.front), Instant::now());
    within(tokio::task::spawn_blocking(move || front.stop(Duration::ZERO))).await.unwrap();
    assert!(!world.front.is_running());
    assert!(began.elapsed() < HELD_UP_MAX, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_compressed_stream_is_taken_like_another() {
    let world = world();
    let mut caller = Caller::connect(&world).await;
    let (long, longer) = (vec![1; 70_000], vec![7; 300_000]);
    let contents: [&[u8]; 5] = [b"", b"short", &longer, b"plain", &long];
    let sent: Vec<Bytes> =
        contents.iter().map(|content| if *content == b"plain" { framed(content) } else { gzip(content) }).collect();
    let expected: Vec<Bytes> = contents.iter().map(|content| framed(content)).collect();
    let answer = packed(&mut caller, STREAM, sent.concat().into()).await;
    assert_eq!((answer.code(), answer.body == expected.concat()), (0, true));
    assert_eq!(world.behind.noted.requests.lock().unwrap().len(), 0, "nothing is passed through");
    // One message more or less, and the end of the stream.
    assert_eq!(world.calls_seen(), contents.len() + 1);
}

#[tokio::test]
async fn what_a_compressed_stream_may_not_send_ends_it_after_what_came_before() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let half = &gzip(&[7; 1000])[..20];
    let cases: [(&str, &[u8], i32); 5] = [
        ("too large", &gzip(&vec![7; 2_000_000]), RESOURCE_EXHAUSTED),
        ("announced too large", &[1, 0x7f, 0xff, 0xff, 0xff], RESOURCE_EXHAUSTED),
        ("no gzip at all", &flagged(1, b"no"), INTERNAL),
        ("a flag that there is not", &flagged(7, b"x"), INTERNAL),
        ("half a message", half, INTERNAL),
    ];
    for (name, body, code) in cases {
        let answer = packed(&mut caller, STREAM, [&gzip(b"first")[..], body].concat().into()).await;
        assert_eq!((answer.code(), &answer.body[..]), (code, &framed(b"first")[..]), "{name}");
    }
    let sent = request(STREAM).header("grpc-encoding", "snappy").body(()).unwrap();
    assert_eq!(caller.send(sent, framed(b"x")).await.unwrap().code(), UNIMPLEMENTED);
}
