//! Health is what the loop said last, unless that was too long ago.

use std::time::Duration;

use bytes::Bytes;
use utterson_front::Limits;

use crate::caller::{Caller, framed, pause, request, within};
use crate::world::{World, limits};

const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";
const LIVENESS: &[u8] = b"\x0a\x08liveness";
const SERVING: &[u8] = &[8, 1];
const NOT_SERVING: &[u8] = &[8, 2];

#[tokio::test]
async fn silence_is_told_and_so_is_its_end() {
    let world = World::start(Limits { silence_max: Duration::from_secs(1), ..limits() });
    let mut caller = Caller::connect(&world).await;
    // What the loop says is told by the front's own thread, in a moment.
    while caller.call(CHECK, b"").await.unwrap().message() != SERVING {
        pause(10).await;
    }
    for service in [b"".as_slice(), b"\x0a\x07t.Taken"] {
        assert_eq!(caller.call(CHECK, service).await.unwrap().message(), SERVING);
    }
    assert_eq!(caller.call(CHECK, b"\x0a\x01x").await.unwrap().code(), 5);
    let (response, mut stream) = caller.open(request(WATCH).body(()).unwrap()).await;
    stream.send_data(framed(b""), true).unwrap();
    let mut watched = within(response).await.unwrap().into_body();
    assert_eq!(next(&mut watched).await, SERVING);
    world.stall(true);
    assert_eq!(next(&mut watched).await, NOT_SERVING);
    assert_eq!(caller.call(CHECK, b"").await.unwrap().message(), NOT_SERVING);
    world.stall(false);
    assert_eq!(next(&mut watched).await, SERVING);
    world.front.set_serving(false);
    assert_eq!(next(&mut watched).await, NOT_SERVING);
}

#[tokio::test]
async fn a_loop_that_is_not_ready_is_alive_until_it_is_stuck() {
    let world = World::start(Limits { silence_max: Duration::from_millis(100), ..limits() });
    let mut caller = Caller::connect(&world).await;
    assert_eq!(caller.call(CHECK, LIVENESS).await.unwrap().message(), SERVING);
    world.front.set_serving(false);
    while caller.call(CHECK, b"").await.unwrap().message() != NOT_SERVING {
        pause(10).await;
    }
    assert_eq!(caller.call(CHECK, LIVENESS).await.unwrap().message(), SERVING);
    world.stall(true);
    pause(1000).await;
    assert_eq!(caller.call(CHECK, LIVENESS).await.unwrap().message(), SERVING);
    pause(2000).await;
    assert_eq!(caller.call(CHECK, LIVENESS).await.unwrap().message(), NOT_SERVING);
    world.stall(false);
    while caller.call(CHECK, LIVENESS).await.unwrap().message() != SERVING {
        pause(10).await;
    }
}

async fn next(stream: &mut h2::RecvStream) -> Bytes {
    let message = within(stream.data()).await.unwrap().unwrap();
    stream.flow_control().release_capacity(message.len()).unwrap();
    message.slice(5..)
}
