//! What many callers of one workspace leave to another, and how those are refused who are too many.

use std::time::{Duration, Instant};

use h2::client::ResponseFuture;
use utterson_front::Limits;

use crate::caller::{Caller, framed, pause, reply, request, within};
use crate::world::{ECHO, HOLD, RESOURCE_EXHAUSTED, STREAM, World, for_workspace, limits};

/// Begins a call and leaves it.
async fn begun(caller: &mut Caller, path: &str, message: &[u8]) -> ResponseFuture {
    let (response, mut stream) = caller.open(request(path).body(()).unwrap()).await;
    stream.send_data(framed(message), true).unwrap();
    response
}

#[tokio::test]
async fn a_quiet_workspace_does_not_wait_behind_a_noisy_one() {
    let world = World::start(limits());
    world.stall(true);
    let mut kept = Vec::new();
    let mut callers = Vec::new();
    for _ in 0..10 {
        let mut caller = Caller::connect(&world).await;
        for _ in 0..20 {
            kept.push(begun(&mut caller, HOLD, &for_workspace(b'n', 0)).await);
        }
        callers.push(caller);
    }
    pause(50).await;
    // By the same connection as some of the noise.
    kept.push(begun(&mut callers[0], HOLD, &for_workspace(b'q', 0)).await);
    pause(50).await;
    world.seen.takes_max.store(32, std::sync::atomic::Ordering::SeqCst);
    world.stall(false);
    world.until("all are taken", |world| world.calls_seen() == 201).await;
    let place = world.seen.calls.lock().unwrap().iter().position(|call| call.request[2] == b'q').unwrap();
    assert!(place <= 16, "{place}");
}

#[tokio::test]
async fn a_batch_counts_as_its_calls() {
    let world = World::start(limits());
    world.stall(true);
    let mut caller = Caller::connect(&world).await;
    let mut kept = Vec::new();
    for _ in 0..5 {
        kept.push(begun(&mut caller, HOLD, &for_workspace(b'n', 1000)).await);
    }
    pause(50).await;
    for _ in 0..3 {
        kept.push(begun(&mut caller, HOLD, &for_workspace(b'q', 0)).await);
    }
    pause(50).await;
    world.stall(false);
    world.until("all are taken", |world| world.calls_seen() == 8).await;
    let order: Vec<_> = world.seen.calls.lock().unwrap().iter().map(|call| call.request[2]).collect();
    assert_eq!(order[..3], *b"qqq");
}

#[tokio::test]
async fn one_workspace_does_not_fill_the_queue_by_any_number_of_connections() {
    let world = World::start(Limits { queue_calls_max: 16, ..limits() });
    world.stall(true);
    let mut kept = Vec::new();
    for _ in 0..10 {
        let mut caller = Caller::connect(&world).await;
        for _ in 0..3 {
            kept.push((begun(&mut caller, HOLD, &for_workspace(b'n', 0)).await, caller.send.clone()));
        }
    }
    pause(100).await;
    let mut other = Caller::connect(&world).await;
    let quiet = tokio::spawn(async move { other.call(ECHO, &for_workspace(b'q', 0)).await });
    pause(50).await;
    world.stall(false);
    assert_eq!(within(quiet).await.unwrap().unwrap().code(), 0);
}

#[tokio::test]
async fn a_workspace_with_too_many_calls_under_way_is_refused_without_the_loop() {
    let world = World::start(Limits { workspace_calls_max: 10, ..limits() });
    let mut caller = Caller::connect(&world).await;
    let _one = begun(&mut caller, HOLD, &for_workspace(b'n', 0)).await;
    let batch = begun(&mut caller, HOLD, &for_workspace(b'n', 8)).await;
    world.until("both are taken", |world| world.calls_seen() == 2).await;
    world.stall(true);
    let began = Instant::now();
    let refused = caller.call(ECHO, &for_workspace(b'n', 2)).await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(200), "{:?}", began.elapsed());
    assert_eq!(refused.code(), RESOURCE_EXHAUSTED);
    assert!(refused.told("grpc-message").starts_with("full for "), "{refused:?}");
    world.stall(false);
    assert_eq!(caller.call(ECHO, &for_workspace(b'n', 1)).await.unwrap().code(), 0, "there is room for one");
    assert_eq!(
        caller.call(ECHO, &for_workspace(b'q', 100)).await.unwrap().code(),
        0,
        "and for a whole batch elsewhere"
    );
    drop(batch);
    world.until("the loop is told", |world| world.gone_seen() == 1).await;
    assert_eq!(caller.call(ECHO, &for_workspace(b'n', 9)).await.unwrap().code(), 0);
}

#[tokio::test]
async fn whoever_comes_back_at_once_is_refused_slowly() {
    let world = World::start(Limits { workspace_calls_max: 1, ..limits() });
    let mut caller = Caller::connect(&world).await;
    let held = begun(&mut caller, HOLD, &for_workspace(b'n', 0)).await;
    world.until("it is taken", |world| world.calls_seen() == 1).await;
    let began = Instant::now();
    for _ in 0..10 {
        assert_eq!(caller.call(ECHO, &for_workspace(b'n', 0)).await.unwrap().code(), RESOURCE_EXHAUSTED);
    }
    assert!(began.elapsed() >= Duration::from_millis(150), "{:?}", began.elapsed());
    drop(held);
}

#[tokio::test]
async fn the_time_to_come_back_is_how_long_those_take_that_are_there() {
    let world = World::start(Limits { workspace_calls_max: 1000, ..limits() });
    let mut caller = Caller::connect(&world).await;
    let first = begun(&mut caller, HOLD, &for_workspace(b'n', 500)).await;
    let _second = begun(&mut caller, HOLD, &for_workspace(b'n', 500)).await;
    world.until("both are taken", |world| world.calls_seen() == 2).await;
    let refused = caller.call(ECHO, &for_workspace(b'n', 1)).await.unwrap();
    assert_eq!(refused.told("grpc-message"), "full for 1000 ms", "nothing is known yet");
    // 500 calls have come back in a second and a half: the next 500 take as long.
    pause(1500).await;
    let token = world.seen.calls.lock().unwrap()[0].token;
    world.front.answer(vec![(token, utterson_front::Answer::Response("done".into()))]);
    assert_eq!(within(reply(first)).await.unwrap().message(), b"done");
    let refused = caller.call(ECHO, &for_workspace(b'n', 501)).await.unwrap();
    assert_eq!(refused.told("grpc-message"), "full for 5000 ms");
}

#[tokio::test]
async fn a_stream_keeps_its_order_whatever_workspaces_it_names() {
    let world = World::start(limits());
    world.stall(true);
    let mut caller = Caller::connect(&world).await;
    let (response, mut stream) = caller.open(request(STREAM).body(()).unwrap()).await;
    for name in *b"nqnqn" {
        stream.send_data(framed(&for_workspace(name, 0)), false).unwrap();
    }
    pause(100).await;
    world.stall(false);
    stream.send_data(bytes::Bytes::new(), true).unwrap();
    assert_eq!(within(reply(response)).await.unwrap().code(), 0);
    let names: Vec<_> =
        world.seen.calls.lock().unwrap().iter().filter_map(|call| call.request.get(2).copied()).collect();
    assert_eq!(names, *b"nqnqn");
}
