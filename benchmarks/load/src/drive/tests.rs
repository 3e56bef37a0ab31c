//! Whole drives, against a server of HTTP/2 that answers in pieces.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread;

use bytes::{Bytes, BytesMut};
use h2::server::{self, SendResponse};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use prost::Message;
use tempfile::NamedTempFile;
use tokio::net::{TcpListener, TcpStream};
use utterson_codec::proto::v1;
use utterson_codec::proto::v1::call_result::Result as Outcome;

use super::*;
use crate::calls_file::{Kind, write_call};
use crate::wire::{FRAME_HEADER_BYTES, put_frame_head, whole_frame};

/// A server that answers every call with the profile 7, but refuses logouts.
fn start_server() -> SocketAddr {
    let (told, address) = mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            told.send(listener.local_addr().expect("an address")).expect("somebody waits");
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket));
            }
        });
    });
    address.recv().expect("an address")
}

async fn serve(socket: TcpStream) {
    socket.set_nodelay(true).expect("a socket");
    let mut connection = server::handshake(socket).await.expect("a connection");
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond));
    }
}

async fn answer(request: Request<RecvStream>, mut respond: SendResponse<Bytes>) {
    let (parts, mut body) = request.into_parts();
    let head = Response::builder().header("content-type", "application/grpc");
    if parts.uri.path().ends_with("/Logout") {
        let head = head.header("grpc-status", "9").body(()).expect("a head");
        respond.send_response(head, true).expect("sent");
        return;
    }
    let mut sending = respond.send_response(head.body(()).expect("a head"), false).expect("sent");
    let mut rest = BytesMut::new();
    while let Some(Ok(chunk)) = body.data().await {
        body.flow_control().release_capacity(chunk.len()).expect("released");
        rest.extend_from_slice(&chunk);
        while let Some(length) = whole_frame(&rest) {
            let message = rest.split_to(length).freeze().slice(FRAME_HEADER_BYTES..);
            send_in_pieces(&mut sending, &answer_to(parts.uri.path(), message)).await;
        }
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    sending.send_trailers(trailers).expect("sent");
}

fn answer_to(path: &str, message: Bytes) -> Vec<u8> {
    let resolution = || v1::Resolution { profile_id: 7, revision: "r".repeat(50), ..Default::default() };
    let results = |calls: Vec<v1::Call>| {
        calls.iter().map(|_| v1::CallResult { result: Some(Outcome::Resolution(resolution())) }).collect()
    };
    if path.ends_with("/BatchResolve") {
        let calls = v1::BatchResolveRequest::decode(message).expect("a batch").calls;
        v1::BatchResolveResponse { results: results(calls) }.encode_to_vec()
    } else if path.ends_with("/StreamResolve") {
        let message = v1::StreamResolveRequest::decode(message).expect("a message");
        let answer = v1::StreamResolveResponse { sequence: message.sequence, results: results(message.calls) };
        answer.encode_to_vec()
    } else {
        v1::IdentifyResponse { resolution: Some(resolution()) }.encode_to_vec()
    }
}

async fn send_in_pieces(sending: &mut SendStream<Bytes>, answer: &[u8]) {
    let mut frame = BytesMut::new();
    put_frame_head(answer.len(), &mut frame);
    frame.extend_from_slice(answer);
    for piece in [3, 20, frame.len() - 23] {
        sending.send_data(frame.split_to(piece).freeze(), false).expect("sent");
        tokio::task::yield_now().await;
    }
}

fn calls_file(kind: Kind, count: u32) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file");
    for number in 0..count {
        let identifiers = vec![v1::Identifier { r#type: "email".into(), value: format!("{number}@a.b") }];
        let request = v1::IdentifyRequest { workspace: "one".into(), identifiers, ..Default::default() };
        write_call(kind, &request.encode_to_vec(), &mut file).expect("written");
    }
    file.flush().expect("written");
    file
}

fn drive_all(kind: Kind, more: &[&str]) -> Value {
    let file = calls_file(kind, 400);
    let address = start_server().to_string();
    let fixed = ["utterson-load", "drive", "--address", &address, "--calls", file.path().to_str().expect("a path")];
    let spans = ["--warm-up-seconds", "0", "--seconds", "20"];
    let words = fixed.iter().chain(&spans).chain(more);
    let arguments = <crate::cli::Arguments as clap::Parser>::try_parse_from(words).expect("good arguments");
    let crate::cli::Command::Drive(asked) = arguments.command else { panic!("not a drive") };
    serde_json::from_str(&run(&asked).expect("a good end")).expect("an object")
}

#[test]
fn every_shape_gets_every_answer() {
    let messages = |line: &str, expected: u64| {
        let words: Vec<_> = line.split(' ').collect();
        let told = drive_all(Kind::Identify, &words);
        assert_eq!(told["calls"], 400, "{line}: {told}");
        assert_eq!(told["messages"], expected, "{line}");
        assert_eq!((&told["used"], &told["ran_dry"]), (&json!(400), &json!(true)), "{line}");
        assert_eq!((&told["unreadable_answers"], &told["refused"]), (&json!(0), &json!({})), "{line}");
        let counted: u64 =
            told["histogram"].as_array().expect("a list").iter().filter_map(|pair| pair[1].as_u64()).sum();
        assert_eq!(counted, expected, "{line}");
    };
    messages("--shape unary --callers 7 --connections 3", 400);
    messages("--shape unary --callers 4 --threads 2", 400);
    messages("--shape unary --pace 4000", 400);
    messages("--shape batch --callers 3 --calls-in-message 30", 14);
    messages("--shape stream --callers 2 --calls-in-message 10 --window 4", 40);
    messages("--shape stream --callers 3 --calls-in-message 10 --pace 4000", 40);
}

#[test]
fn refusals_are_told_by_their_code() {
    let told = drive_all(Kind::Logout, &["--shape", "unary", "--callers", "4"]);
    assert_eq!((&told["calls"], &told["refused"]), (&json!(400), &json!({"FAILED_PRECONDITION": 400})));
}

#[test]
fn calls_are_sent_again_until_the_time_is_up() {
    let file = calls_file(Kind::Identify, 3);
    let address = start_server().to_string();
    let asked = |shape: &str| {
        let words = ["utterson-load", "drive", "--address", &address, "--calls", file.path().to_str().expect("a path")];
        let more = ["--warm-up-seconds", "0", "--seconds", "0.3", "--again", "--shape", shape];
        let arguments = <crate::cli::Arguments as clap::Parser>::try_parse_from(words.iter().chain(&more));
        let crate::cli::Command::Drive(asked) = arguments.expect("good arguments").command else {
            panic!("not a drive")
        };
        run(&asked)
    };
    let told: Value = serde_json::from_str(&asked("unary").expect("a good end")).expect("an object");
    assert!(told["calls"].as_u64().is_some_and(|calls| calls > 3), "{told}");
    assert!(told["used"].as_u64() >= told["calls"].as_u64(), "{told}");
    assert_eq!((&told["ran_dry"], &told["unreadable_answers"]), (&json!(false), &json!(0)), "{told}");
    assert!(asked("stream").is_err(), "messages of a stream are numbered");
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let file = calls_file(Kind::Identify, 1);
    let path = file.path().to_str().expect("a path");
    let words = ["utterson-load", "drive", "--address", "127.0.0.1:1", "--shape", "unary", "--calls", path];
    let arguments = <crate::cli::Arguments as clap::Parser>::try_parse_from(words).expect("good arguments");
    let crate::cli::Command::Drive(asked) = arguments.command else { panic!("not a drive") };
    assert!(run(&asked).expect_err("nobody is there").to_string().contains("127.0.0.1:1"));
}
