//! Messages of which a part comes, and then nothing or next to nothing.

use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, SendStream};
use utterson_front::Limits;

use crate::behind;
use crate::caller::{Caller, framed, pause, reply, request, within};
use crate::world::{ECHO, RESOURCE_EXHAUSTED, STREAM, World, limits};

const DEADLINE_EXCEEDED: i32 = 4;
const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

async fn sent(
    caller: &mut Caller,
    path: &str,
    header: (&str, &str),
    part: &'static [u8],
) -> (ResponseFuture, SendStream<Bytes>) {
    let (response, mut stream) = caller.open(request(path).header(header.0, header.1).body(()).unwrap()).await;
    stream.send_data(Bytes::from_static(part), false).unwrap();
    (response, stream)
}

#[tokio::test]
async fn half_a_message_is_not_waited_for_for_ever() {
    let world = World::start(Limits { handshake_timeout: Duration::from_millis(500), ..limits() });
    let mut caller = Caller::connect(&world).await;
    let patient = ("grpc-timeout", "99999999H");
    let packed = ("grpc-encoding", "gzip");
    let half: &'static [u8] = &[0, 0, 0, 0, 9, 1];
    let cases: [(&str, (&str, &str), &'static [u8]); 11] = [
        (ECHO, patient, half),
        (ECHO, patient, &[]),
        (ECHO, packed, half),
        (STREAM, patient, half),
        (STREAM, packed, half),
        (STREAM, patient, &[0, 0]),
        (STREAM, packed, &[0, 0]),
        (CHECK, patient, half),
        (CHECK, patient, &[]),
        (behind::SWALLOW, patient, half),
        (behind::ECHO, patient, &[0, 0]),
    ];
    for (path, header, part) in cases {
        let (response, _stream) = sent(&mut caller, path, header, part).await;
        let told = within(reply(response)).await.unwrap();
        assert_eq!(told.code(), DEADLINE_EXCEEDED, "{path} {header:?} {part:?}");
    }
    assert_eq!(caller.call(ECHO, b"x").await.unwrap().message(), b"x");
    let resets = || world.behind.noted.resets.lock().unwrap().clone();
    world.until("the server behind is told", |_| resets() == [Reason::CANCEL]).await;
}

#[tokio::test]
async fn whoever_sends_slowly_is_heard_and_a_stream_may_stand_still() {
    let world = World::start(Limits { handshake_timeout: Duration::from_millis(500), ..limits() });
    let mut caller = Caller::connect(&world).await;
    let (answer, mut slow) = caller.open(request(ECHO).body(()).unwrap()).await;
    let (answers, mut still) = caller.open(request(STREAM).body(()).unwrap()).await;
    still.send_data(framed(b"first"), false).unwrap();
    let message = framed(&[7; 1000]);
    for piece in message.chunks(50) {
        pause(100).await;
        slow.send_data(Bytes::copy_from_slice(piece), false).unwrap();
    }
    assert_eq!(within(reply(answer)).await.unwrap().message(), &message[5..]);
    still.send_data(framed(b"second"), true).unwrap();
    assert_eq!(within(reply(answers)).await.unwrap().body, [framed(b"first"), framed(b"second")].concat());
}

#[tokio::test]
async fn whoever_holds_all_memory_by_halves_leaves_others_their_part_and_soon_the_rest() {
    let narrow = Limits { queue_bytes_max: 4 * 1024 * 1024, handshake_timeout: Duration::from_secs(5), ..limits() };
    let world = World::start(narrow);
    let mut kept = Vec::new();
    // Each holds less than is left, as it has to, until next to nothing is.
    for (path, pieces) in [(ECHO, 110), (STREAM, 110), (ECHO, 62), (STREAM, 37)] {
        let mut caller = Caller::connect(&world).await;
        let (response, mut stream) = caller.open(request(path).header("grpc-timeout", "9H").body(()).unwrap()).await;
        // Of a message of a million bytes.
        stream.send_data(Bytes::from_static(&[0, 0, 0x0f, 0x42, 0x40]), false).unwrap();
        for _ in 0..pieces {
            stream.send_data(vec![7; 8_000].into(), false).unwrap();
        }
        pause(100).await;
        kept.push((caller, response, stream));
    }
    let mut other = Caller::connect(&world).await;
    assert_eq!(other.call(ECHO, &[7; 4_000]).await.unwrap().message().len(), 4_000, "everybody has its own part");
    let (began, mut refused) = (Instant::now(), 0);
    loop {
        let told = other.call(ECHO, &vec![7; 500_000]).await.unwrap();
        if told.code() == 0 {
            break;
        }
        assert_eq!(told.code(), RESOURCE_EXHAUSTED);
        assert!(began.elapsed() < Duration::from_secs(4), "they are given up sooner than usual");
        refused += 1;
        pause(50).await;
    }
    assert!(refused > 0, "all memory was held");
    drop(kept);
}

#[tokio::test]
async fn health_is_held_to_bounds_and_deadlines_too() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let (response, _stream) = sent(&mut caller, CHECK, ("te", "trailers"), &[0, 0, 0, 4, 1]).await;
    assert_eq!(within(reply(response)).await.unwrap().code(), RESOURCE_EXHAUSTED);
    for (path, timeout) in [(CHECK, "0n"), (WATCH, "0n"), (WATCH, "200m")] {
        let told = caller.send(request(path).header("grpc-timeout", timeout).body(()).unwrap(), framed(b"")).await;
        assert_eq!(told.unwrap().code(), DEADLINE_EXCEEDED, "{path} {timeout}");
    }
    let (response, _stream) = sent(&mut caller, CHECK, ("grpc-timeout", "100m"), &[]).await;
    assert_eq!(within(reply(response)).await.unwrap().code(), DEADLINE_EXCEEDED);
    assert_eq!(caller.call(CHECK, b"").await.unwrap().code(), 0);
}
