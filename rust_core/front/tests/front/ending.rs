//! How connections end: the front drains, they grow old, the peer is dead.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use utterson_front::{Answer, Limits};

use crate::behind;
use crate::caller::{Caller, framed, pause, reply, request, within};
use crate::world::{ECHO, HOLD, World, limits};

#[tokio::test]
async fn a_drain_lets_running_calls_end_and_takes_no_new_connections() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let (running, mut stream) = caller.open(request(HOLD).body(()).unwrap()).await;
    stream.send_data(framed(b"x"), true).unwrap();
    world.until("the call is taken", |world| world.calls_seen() == 1).await;
    let front = Arc::clone(&world.front);
    let stopped = tokio::task::spawn_blocking(move || front.stop(Duration::from_secs(10)));
    pause(200).await;
    assert!(TcpStream::connect(world.address()).await.is_err(), "no new connections");
    assert!(caller.send.clone().ready().await.is_err(), "the connection was asked to go");
    let token = world.seen.calls.lock().unwrap()[0].token;
    world.front.answer(vec![(token, Answer::Response("done".into()))]);
    assert_eq!(within(reply(running)).await.unwrap().message(), b"done");
    within(stopped).await.unwrap();
    assert!(!world.front.is_running());
}

#[tokio::test]
async fn a_drain_that_takes_too_long_ends_in_a_cut() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let (running, mut stream) = caller.open(request(HOLD).body(()).unwrap()).await;
    stream.send_data(framed(b"x"), true).unwrap();
    world.until("the call is taken", |world| world.calls_seen() == 1).await;
    let (front, began) = (Arc::clone(&world.front), Instant::now());
    within(tokio::task::spawn_blocking(move || front.stop(Duration::from_millis(300)))).await.unwrap();
    assert!((300..2000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    assert!(within(reply(running)).await.is_err());
}

#[tokio::test]
async fn whoever_only_watches_health_does_not_hold_up_a_drain() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let sent = request("/grpc.health.v1.Health/Watch").body(()).unwrap();
    let (response, mut stream) = caller.open(sent).await;
    stream.send_data(framed(b""), true).unwrap();
    let watching = tokio::spawn(reply(response));
    pause(100).await;
    let (front, began) = (Arc::clone(&world.front), Instant::now());
    within(tokio::task::spawn_blocking(move || front.stop(Duration::from_secs(9)))).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let told = within(watching).await.unwrap().unwrap();
    assert_eq!(told.body[told.body.len() - 2..], [8, 2], "NOT_SERVING is the last that is told");
    assert_eq!(told.code(), crate::world::UNAVAILABLE);
}

#[tokio::test]
async fn an_old_connection_is_asked_to_go_and_cut_after_a_grace() {
    let ages = Limits { age_max: Duration::from_millis(200), age_grace: Duration::from_millis(300), ..limits() };
    let world = World::start(ages);
    let mut caller = Caller::connect(&world).await;
    let (running, mut stream) = caller.open(request(HOLD).body(()).unwrap()).await;
    stream.send_data(framed(b"x"), true).unwrap();
    pause(350).await;
    assert!(caller.send.clone().ready().await.is_err(), "it was asked to go");
    assert_eq!(world.gone_seen(), 0, "its call goes on");
    assert!(within(reply(running)).await.is_err());
    world.until("it is cut", |world| world.gone_seen() == 1).await;
    let mut anew = Caller::connect(&world).await;
    assert_eq!(anew.call(ECHO, b"x").await.unwrap().message(), b"x");
}

#[tokio::test]
async fn a_peer_that_does_not_say_that_it_lives_is_cut() {
    let pings =
        Limits { keepalive: Duration::from_millis(100), keepalive_timeout: Duration::from_millis(200), ..limits() };
    let world = World::start(pings);
    let mut alive = Caller::connect(&world).await;
    let mut dead = TcpStream::connect(world.address()).await.unwrap();
    dead.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::io::AsyncReadExt::read_to_end(&mut dead, &mut rest);
    let _ = within(ended).await;
    pause(600).await;
    assert_eq!(alive.call(ECHO, b"x").await.unwrap().message(), b"x", "whoever answers pings stays");
}

#[tokio::test]
async fn the_front_is_there_again_after_the_server_behind_was_away() {
    let mut world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    assert_eq!(caller.call(behind::ECHO, b"x").await.unwrap().message(), b"x");
    let (response, _stream) = caller.open(request(behind::POUR).body(()).unwrap()).await;
    let pouring = within(response).await.unwrap();
    world.behind.die();
    let mut body = pouring.into_body();
    while let Some(Ok(piece)) = within(body.data()).await {
        body.flow_control().release_capacity(piece.len()).unwrap();
    }
    let trailers = within(body.trailers()).await.unwrap().expect("a status, not a reset");
    assert_eq!(trailers["grpc-status"], "14");
    assert_eq!(caller.call(behind::ECHO, b"x").await.unwrap().code(), crate::world::UNAVAILABLE);
    assert_eq!(caller.call(ECHO, b"x").await.unwrap().message(), b"x", "calls that are taken go on");
}

#[tokio::test]
async fn a_call_whose_message_does_not_come_does_not_hold_up_a_drain() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let (nothing, _open) = caller.open(request(ECHO).body(()).unwrap()).await;
    let (half, mut stream) = caller.open(request(ECHO).body(()).unwrap()).await;
    stream.send_data(framed(b"a message").slice(..7), false).unwrap();
    pause(100).await;
    let (front, began) = (Arc::clone(&world.front), Instant::now());
    within(tokio::task::spawn_blocking(move || front.stop(Duration::from_secs(9)))).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    for refused in [within(reply(nothing)).await.unwrap(), within(reply(half)).await.unwrap()] {
        assert_eq!((refused.code(), refused.told("grpc-message").as_str()), (crate::world::UNAVAILABLE, "stopping"));
    }
}

#[tokio::test]
async fn a_peer_that_says_no_farewell_does_not_hold_up_a_drain() {
    let world = World::start(limits());
    let mut dead = TcpStream::connect(world.address()).await.unwrap();
    dead.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    pause(100).await;
    let (front, began) = (Arc::clone(&world.front), Instant::now());
    within(tokio::task::spawn_blocking(move || front.stop(Duration::from_secs(9)))).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}
