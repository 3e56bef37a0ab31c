//! Calls that take too long, and callers that do not say how long they wait.

use std::time::Duration;

use bytes::Bytes;

use crate::caller::{Caller, framed, request, within};
use crate::world::{HOLD, World, limits};

const DEADLINE_EXCEEDED: i32 = 4;

#[tokio::test]
async fn a_deadline_ends_the_call_and_the_loop_is_told() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let sent = request(HOLD).header("grpc-timeout", "100m").body(()).unwrap();
    let reply = caller.send(sent, framed(b"x")).await.unwrap();
    assert_eq!((reply.code(), reply.told("grpc-message").as_str()), (DEADLINE_EXCEEDED, "Deadline Exceeded"));
    world.until("the loop is told", |world| world.gone_seen() == 1).await;
    assert_eq!(world.seen.gone.lock().unwrap()[0], world.seen.calls.lock().unwrap()[0].token);
}

#[tokio::test]
async fn a_call_without_a_deadline_is_given_up_in_the_end() {
    let world = World::start(utterson_front::Limits { unary_timeout: Duration::from_millis(100), ..limits() });
    let reply = Caller::connect(&world).await.call(HOLD, b"x").await.unwrap();
    assert_eq!((reply.code(), reply.told("grpc-message").as_str()), (DEADLINE_EXCEEDED, "unanswered"));
    world.until("the loop is told", |world| world.gone_seen() == 1).await;
}

#[tokio::test]
async fn a_call_that_the_loop_has_not_taken_ends_in_time_and_never_reaches_it() {
    let world = World::start(limits());
    world.stall(true);
    let mut caller = Caller::connect(&world).await;
    let sent = request(HOLD).header("grpc-timeout", "100m").body(()).unwrap();
    assert_eq!(caller.send(sent, framed(b"x")).await.unwrap().code(), DEADLINE_EXCEEDED);
    world.stall(false);
    caller.call(crate::world::ECHO, b"x").await.unwrap();
    assert_eq!((world.calls_seen(), world.gone_seen()), (1, 0));
}

#[tokio::test]
async fn a_message_that_does_not_come_ends_in_time() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let (response, mut stream) = caller.open(request(HOLD).header("grpc-timeout", "100m").body(()).unwrap()).await;
    stream.send_data(Bytes::from_static(&[0, 0]), false).unwrap();
    assert_eq!(within(crate::caller::reply(response)).await.unwrap().code(), DEADLINE_EXCEEDED);
}
