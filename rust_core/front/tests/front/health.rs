//! Health is what the loop said last, unless that was too long ago.

use std::time::Duration;

use bytes::Bytes;
use utterson_front::Limits;

use crate::caller::{Caller, framed, request, within};
use crate::world::{World, limits};

const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";
const SERVING: &[u8] = &[8, 1];
const NOT_SERVING: &[u8] = &[8, 2];

#[tokio::test]
async fn silence_is_told_and_so_is_its_end() {
    let world = World::start(Limits { silence_max: Duration::from_millis(300), ..limits() });
    let mut caller = Caller::connect(&world).await;
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

async fn next(stream: &mut h2::RecvStream) -> Bytes {
    let message = within(stream.data()).await.unwrap().unwrap();
    stream.flow_control().release_capacity(message.len()).unwrap();
    message.slice(5..)
}
