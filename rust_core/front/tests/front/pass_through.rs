//! Whatever is not taken: frames, metadata and ends travel as they are, and nobody's slowness takes memory.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use h2::Reason;
use utterson_front::Limits;

use crate::behind;
use crate::caller::{Caller, framed, pause, reply, request, within};
use crate::world::{ECHO, RESOURCE_EXHAUSTED, UNAVAILABLE, World, limits};

#[tokio::test]
async fn metadata_trailers_and_messages_come_through() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let sent = request(behind::ECHO).header("x-meta-bin", "AAEC/w").header("x-two", "a").header("x-two", "b");
    let answer = caller.send(sent.header("grpc-timeout", "7S").body(()).unwrap(), framed(b"hello")).await.unwrap();
    assert_eq!(answer.message(), b"hello");
    assert_eq!(answer.headers["x-meta-bin"], "AAEC/w");
    assert_eq!(answer.trailers["x-told-bin"], "AAEC");
    let requests = world.behind.noted.requests.lock().unwrap();
    let headers = requests[0].headers();
    assert_eq!(headers.get_all("x-two").iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((&headers["grpc-timeout"], &headers["te"]), (&"7S".parse().unwrap(), &"trailers".parse().unwrap()));
}

#[tokio::test]
async fn a_status_without_a_body_comes_through() {
    let world = World::start(limits());
    let answer = Caller::connect(&world).await.call(behind::TRAILERS_ONLY, b"").await.unwrap();
    assert_eq!((answer.headers["grpc-status"].to_str().unwrap(), answer.trailers.len()), ("5", 0));
}

#[tokio::test]
async fn both_sides_speak_in_turn() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let (response, mut stream) = caller.open(request(behind::ECHO).body(()).unwrap()).await;
    let mut answers = within(response).await.unwrap().into_body();
    for number in 0..100_u8 {
        stream.send_data(framed(&[number]), false).unwrap();
        assert_eq!(within(answers.data()).await.unwrap().unwrap(), framed(&[number]));
        answers.flow_control().release_capacity(6).unwrap();
    }
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-of-the-caller", "1".parse().unwrap());
    stream.send_trailers(trailers).unwrap();
    assert!(within(answers.data()).await.is_none());
    assert_eq!(within(answers.trailers()).await.unwrap().unwrap()["x-of-the-caller"], "1");
}

#[tokio::test]
async fn a_caller_that_does_not_read_stops_the_server_behind() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let mut unread = Vec::new();
    for _ in 0..50 {
        let (response, _) = caller.open(request(behind::POUR).body(()).unwrap()).await;
        unread.push(within(response).await.unwrap());
    }
    let sent = || world.behind.noted.bytes_sent.load(Ordering::SeqCst);
    let mut last = 0;
    while last != sent() {
        last = sent();
        pause(200).await;
    }
    // The caller's own window for the connection is 64 KiB; a stream's at the front is 128.
    assert!(last < 50 * 256 * 1024, "{last}");
    assert_eq!(Caller::connect(&world).await.call(behind::ECHO, b"x").await.unwrap().message(), b"x");
    // On the same connection the way back is closed by the caller itself, not by the front: it asks for more.
    for response in &mut unread {
        response.body_mut().flow_control().release_capacity(0).unwrap();
    }
}

#[tokio::test]
async fn a_server_behind_that_does_not_read_stops_the_caller_and_no_other_call() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let mut swallowed = Vec::new();
    for _ in 0..10 {
        let (response, mut stream) = caller.open(request(behind::SWALLOW).body(()).unwrap()).await;
        stream.reserve_capacity(10_000_000);
        while let Ok(Some(Ok(capacity))) = tokio::time::timeout(
            std::time::Duration::from_millis(100),
            std::future::poll_fn(|context| stream.poll_capacity(context)),
        )
        .await
        {
            stream.send_data(Bytes::from(vec![0; capacity]), false).unwrap();
        }
        swallowed.push((response, stream));
    }
    assert_eq!(caller.call(ECHO, b"taken").await.unwrap().message(), b"taken");
    assert_eq!(caller.call(behind::ECHO, b"passed").await.unwrap().message(), b"passed");
}

#[tokio::test]
async fn resets_come_through_both_ways() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    for path in [behind::RESET_FIRST, behind::RESET_LATE] {
        let error = caller.call(path, b"").await.unwrap_err();
        assert_eq!(error.reason(), Some(Reason::ENHANCE_YOUR_CALM), "{path}");
    }
    let (response, mut stream) = caller.open(request(behind::WAIT).body(()).unwrap()).await;
    let answer = within(response).await.unwrap();
    stream.send_reset(Reason::CANCEL);
    world.until("it was told", |world| *world.behind.noted.resets.lock().unwrap() == [Reason::CANCEL]).await;
    drop(answer);
    let (response, _stream) = caller.open(request(behind::WAIT).body(()).unwrap()).await;
    let _answer = within(response).await.unwrap();
    caller.connection.abort();
    world.until("it was told", |world| world.behind.noted.resets.lock().unwrap().len() == 2).await;
}

#[tokio::test]
async fn a_server_behind_that_goes_away_is_told_as_a_status() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    assert_eq!(caller.call(behind::DIE_FIRST, b"").await.unwrap().code(), UNAVAILABLE);
    let late = caller.call(behind::DIE_LATE, b"").await.unwrap();
    assert_eq!((late.code(), &late.body[..]), (UNAVAILABLE, b"half of".as_slice()));
    assert_eq!(caller.call(behind::ECHO, b"x").await.unwrap().message(), b"x", "the way is opened anew");
}

#[tokio::test]
async fn a_caller_that_does_not_say_to_whom_it_speaks_is_heard() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    for path in [ECHO, behind::ECHO] {
        let mut sent = request(path).body(()).unwrap();
        *sent.uri_mut() = path.parse().unwrap();
        let (response, mut stream) = caller.open(sent).await;
        stream.send_data(framed(b"x"), true).unwrap();
        assert_eq!(within(reply(response)).await.unwrap().message(), b"x");
    }
}

#[tokio::test]
async fn what_is_no_call_is_not_passed() {
    let world = World::start(limits());
    let mut caller = Caller::connect(&world).await;
    let elsewhere = |method: &str| http::Request::builder().method(method).uri("http://front/x");
    let connect = http::Request::builder().method("CONNECT").uri("elsewhere:80");
    let cases = [
        (elsewhere("GET"), 405),
        (elsewhere("OPTIONS"), 405),
        (connect, 405),
        (elsewhere("POST"), 415),
        (elsewhere("POST").header("content-type", "application/grpc-web"), 415),
        (elsewhere("POST").header("content-type", "application/json"), 415),
    ];
    for (sent, status) in cases {
        let answer = caller.send(sent.body(()).unwrap(), Bytes::new()).await.unwrap();
        assert_eq!((answer.http.as_u16(), &answer.body[..]), (status, b"this is a gRPC server\n".as_slice()));
    }
    assert_eq!(world.behind.noted.requests.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn of_messages_that_are_passed_on_only_so_much_may_be_unfinished() {
    let world = World::start(Limits { queue_bytes_max: 1024 * 1024, ..limits() });
    let mut caller = Caller::connect(&world).await;
    // Whole ones are the affair of the server behind.
    let whole: Vec<u8> = (0..40).flat_map(|_| framed(&vec![1; 100_000])).collect();
    let taken = caller.send(request(behind::TAKE).body(()).unwrap(), whole.into()).await.unwrap();
    assert_eq!(taken.code(), 0);
    let half = framed(&vec![1; 900_000]).slice(..800_000);
    let refused = caller.send(request(behind::TAKE).body(()).unwrap(), half).await.unwrap();
    assert_eq!((refused.code(), refused.told("grpc-message").starts_with("overloaded")), (RESOURCE_EXHAUSTED, true));
    // What it held is there again.
    let fits = caller.send(request(behind::TAKE).body(()).unwrap(), framed(&vec![1; 300_000])).await.unwrap();
    assert_eq!(fits.code(), 0);
}
