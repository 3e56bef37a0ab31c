//! Of what is passed through so much is under way at once, and what the server behind would only refuse does not reach it.

use http::HeaderValue;
use utterson_front::Limits;

use crate::behind;
use crate::caller::{Caller, framed, request, within};
use crate::world::{INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, World, limits};

#[tokio::test]
async fn a_method_that_there_is_not_is_no_matter_of_the_server_behind() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    for path in ["/b.Passed/Nothing", "/b.Passed/Echo?query", "/t.Taken/Echoes", "/", "/b.Passed/"] {
        let sent = request(path).header("x-request-id", "asked").body(()).unwrap();
        let told = caller.send(sent, framed(b"")).await.unwrap();
        assert_eq!((told.code(), told.told("grpc-message")), (UNIMPLEMENTED, "no such method".to_owned()), "{path}");
        assert_eq!(told.told("x-request-id"), "asked");
    }
    assert_eq!(world.behind.noted.requests.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_message_that_would_be_refused_is_refused_by_its_header() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let at_most = limits().passed_bytes_max;
    let cases = [(at_most + 1, INVALID_ARGUMENT), (limits().message_bytes_max + 1, RESOURCE_EXHAUSTED)];
    for (announced, code) in cases {
        let header = framed(&vec![0; announced]).slice(..5);
        let (response, mut stream) = caller.open(request(behind::UNARY).body(()).unwrap()).await;
        stream.send_data(header, false).unwrap();
        let told = within(crate::caller::reply(response)).await.unwrap();
        assert_eq!(told.code(), code, "{announced}");
    }
    assert_eq!(caller.call(behind::UNARY, &vec![1; at_most]).await.unwrap().message().len(), at_most);
    // A stream's messages are its own affair.
    let long = caller.call(behind::TAKE, &vec![1; at_most + 1]).await.unwrap();
    assert_eq!(long.code(), 0);
}

#[tokio::test]
async fn a_deadline_that_is_none_is_not_passed_on() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    for value in ["", "soon"] {
        let sent = request(behind::UNARY).header("grpc-timeout", HeaderValue::from_static(value));
        assert_eq!(caller.send(sent.body(()).unwrap(), framed(b"x")).await.unwrap().message(), b"x");
    }
    let requests = world.behind.noted.requests.lock().unwrap();
    assert!(requests.iter().all(|request| !request.headers().contains_key("grpc-timeout")));
}

#[tokio::test]
async fn so_many_are_under_way_at_once_and_streams_take_nothing_from_others() {
    let world = World::start(Limits { queue_calls_max: 64, ..limits() });
    let (mut greedy, mut other) = (Caller::connect(&world).await, Caller::connect(&world).await);
    let mut waiting = Vec::new();
    // Half of the room for streams, which is an eighth of all.
    for _ in 0..4 {
        let (response, stream) = greedy.open(request(behind::SWALLOW).body(()).unwrap()).await;
        waiting.push((within(response).await.unwrap(), stream));
    }
    let refused = greedy.call(behind::ECHO, b"x").await.unwrap();
    assert_eq!((refused.code(), refused.told("grpc-message").starts_with("overloaded")), (RESOURCE_EXHAUSTED, true));
    assert_eq!(greedy.call(behind::UNARY, b"x").await.unwrap().message(), b"x");
    assert_eq!(other.call(behind::ECHO, b"x").await.unwrap().message(), b"x");
    waiting.clear();
    world.until("room", |world| !world.behind.noted.resets.lock().unwrap().is_empty()).await;
    assert_eq!(greedy.call(behind::ECHO, b"x").await.unwrap().message(), b"x");
}

#[tokio::test]
async fn unary_calls_whose_messages_do_not_come_leave_room_for_others() {
    let world = World::start(Limits { queue_calls_max: 64, ..limits() });
    let (mut greedy, mut other) = (Caller::connect(&world).await, Caller::connect(&world).await);
    let mut open = Vec::new();
    for _ in 0..40 {
        open.push(greedy.open(request(behind::UNARY).body(()).unwrap()).await);
    }
    let refused = greedy.call(behind::UNARY, b"x").await.unwrap();
    assert_eq!(refused.code(), RESOURCE_EXHAUSTED);
    assert_eq!(other.call(behind::UNARY, b"x").await.unwrap().message(), b"x");
}
