//! Room for newcomers, where others hold connections and do nothing with them.

use std::time::{Duration, Instant};

use utterson_front::Limits;

use crate::caller::{Caller, framed, request, within};
use crate::world::{ECHO, HOLD, STREAM, World, limits};

const WATCH: &str = "/grpc.health.v1.Health/Watch";
const CONNECTIONS: usize = 8;

#[tokio::test]
async fn whoever_has_calls_that_only_rest_makes_room_for_newcomers() {
    let world = World::start(Limits { connections_max: CONNECTIONS, ..limits() });
    let mut busy = Caller::connect(&world).await;
    let (_held, mut stream) = busy.open(request(HOLD).body(()).unwrap()).await;
    stream.send_data(framed(b"x"), true).unwrap();
    let mut kept = Vec::new();
    for place in 1..CONNECTIONS {
        let mut caller = Caller::connect(&world).await;
        let path = if place % 2 == 0 { WATCH } else { STREAM };
        let (response, mut stream) = caller.open(request(path).body(()).unwrap()).await;
        stream.send_data(framed(b""), false).unwrap();
        kept.push((caller, within(response).await.unwrap(), stream));
    }
    let began = Instant::now();
    let mut newcomers = Vec::new();
    for _ in 0..3 {
        let mut newcomer = Caller::connect(&world).await;
        assert_eq!(newcomer.call(ECHO, b"new").await.unwrap().message(), b"new");
        newcomers.push(newcomer);
    }
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert_eq!(world.gone_seen(), 0, "whoever waits for an answer stays");
}
