//! Messages are what a client of the API would send.

use std::io::Write;

use tempfile::NamedTempFile;

use super::*;
use crate::calls_file::write_call;
use crate::wire::whole_frame;

fn request(workspace: &str, value: &str) -> v1::IdentifyRequest {
    let identifiers = vec![v1::Identifier { r#type: "email".into(), value: value.into() }];
    v1::IdentifyRequest { workspace: workspace.into(), identifiers, ..Default::default() }
}

fn file_of(calls: &[(Kind, Vec<u8>)]) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a file");
    for (kind, bytes) in calls {
        write_call(*kind, bytes, &mut file).expect("written");
    }
    file.flush().expect("written");
    file
}

fn identifies(workspaces: &[&str]) -> NamedTempFile {
    let calls: Vec<_> = workspaces
        .iter()
        .enumerate()
        .map(|(place, workspace)| (Kind::Identify, request(workspace, &format!("{place}@a.b")).encode_to_vec()))
        .collect();
    file_of(&calls)
}

fn asked(file: &NamedTempFile, shape: Shape, calls_in_message: u16) -> Drive {
    Drive {
        address: String::new(),
        calls: file.path().to_owned(),
        skip: 0,
        shape,
        connections: 1,
        callers: 1,
        calls_in_message,
        window: 1,
        warm_up_seconds: 0.0,
        seconds: 1.0,
        pace: None,
        consistency: None,
        profile_ids: None,
        sample_every: None,
        answers: None,
        ready_calls_max: None,
        again: false,
        threads: 1,
    }
}

fn body(message: &Message) -> &[u8] {
    assert_eq!(whole_frame(&message.frame), Some(message.frame.len()));
    &message.frame[FRAME_HEADER_BYTES..]
}

#[test]
fn a_batch_holds_calls_of_one_workspace_in_order() {
    let file = identifies(&["one", "two", "one", "two", "one", "one"]);
    let queue = prepare(&asked(&file, Shape::Batch, 2)).expect("messages");
    let mut found = Vec::new();
    while let Some(message) = queue.take() {
        let batch = v1::BatchResolveRequest::decode(body(message)).expect("a batch");
        assert_eq!(batch.calls.len(), usize::from(message.calls));
        let values = batch.calls.into_iter().map(|call| match call.call {
            Some(v1::call::Call::Identify(request)) => {
                assert_eq!(request.workspace, "");
                request.identifiers[0].value.clone()
            }
            other => panic!("{other:?}"),
        });
        found.push((batch.workspace, values.collect::<Vec<_>>().join(" ")));
    }
    let expected = [("one", "0@a.b 2@a.b"), ("two", "1@a.b 3@a.b"), ("one", "4@a.b 5@a.b")];
    assert_eq!(found, expected.map(|(workspace, values)| (workspace.to_owned(), values.to_owned())));
    assert!(queue.is_dry());
    assert_eq!(queue.used(), 6);
}

#[test]
fn messages_of_a_stream_are_numbered_and_the_last_may_be_short() {
    let file = identifies(&["one"; 5]);
    let queue = prepare(&asked(&file, Shape::Stream, 2)).expect("messages");
    let mut found = Vec::new();
    while let Some(message) = queue.take() {
        let read = v1::StreamResolveRequest::decode(body(message)).expect("a message");
        assert_eq!(read.workspace, "one");
        found.push((read.sequence, read.calls.len()));
    }
    assert_eq!(found, [(1, 2), (2, 2), (3, 1)]);
}

#[test]
fn what_was_used_is_told_and_can_be_passed_over() {
    let file = identifies(&["one"; 5]);
    let mut drive = asked(&file, Shape::Unary, 1);
    let queue = prepare(&drive).expect("messages");
    assert_eq!(queue.used(), 0);
    let first = body(queue.take().expect("a message"));
    assert_eq!(first, request("one", "0@a.b").encode_to_vec());
    queue.take().expect("a message");
    assert_eq!((queue.used(), queue.is_dry()), (2, false));

    (drive.skip, drive.ready_calls_max) = (2, Some(2));
    let queue = prepare(&drive).expect("messages");
    let next = body(queue.take().expect("a message"));
    assert_eq!(next, request("one", "2@a.b").encode_to_vec());
    queue.take().expect("a message");
    assert!(queue.take().is_none());
    assert_eq!((queue.used(), queue.is_dry()), (2, true));

    drive.skip = 6;
    assert!(prepare(&drive).is_err());
}

#[test]
fn calls_begin_anew_where_that_was_asked_for() {
    let file = identifies(&["one"; 5]);
    let mut drive = asked(&file, Shape::Unary, 1);
    (drive.skip, drive.ready_calls_max, drive.again) = (1, Some(3), true);
    let queue = prepare(&drive).expect("messages");
    let values: Vec<_> = (0..7)
        .map(|_| v1::IdentifyRequest::decode(body(queue.take().expect("a message"))).expect("a call"))
        .map(|call| call.identifiers[0].value.clone())
        .collect();
    assert_eq!(values, ["1@a.b", "2@a.b", "3@a.b", "1@a.b", "2@a.b", "3@a.b", "1@a.b"]);
    assert_eq!((queue.used(), queue.is_dry()), (7, false));

    drive.skip = 5;
    assert!(prepare(&drive).is_err(), "there is nothing to begin anew with");
}

#[test]
fn sampled_calls_are_known_by_their_index_in_the_file() {
    let file = identifies(&["one"; 7]);
    let mut drive = asked(&file, Shape::Batch, 3);
    (drive.skip, drive.sample_every) = (1, Some(2));
    let queue = prepare(&drive).expect("messages");
    let sampled: Vec<_> = std::iter::from_fn(|| queue.take()).flat_map(|message| message.sampled.to_vec()).collect();
    assert_eq!(sampled, [(1, 2), (0, 4), (2, 6)]);
}

#[test]
fn a_freshness_is_added_and_a_modify_finds_its_profile() {
    let modify = v1::ModifyRequest { workspace: "one".into(), profile_id: 2, ..Default::default() };
    let file = file_of(&[(Kind::Modify, modify.encode_to_vec())]);
    let mut ids = NamedTempFile::new().expect("a file");
    ids.write_all(&[70_i64.to_le_bytes(), 71_i64.to_le_bytes()].concat()).expect("written");
    let mut drive = asked(&file, Shape::Unary, 1);
    assert!(prepare(&drive).is_err());
    (drive.profile_ids, drive.consistency) = (Some(ids.path().to_owned()), Some(Consistency::Local));
    let queue = prepare(&drive).expect("messages");
    let message = queue.take().expect("a message");
    assert_eq!(message.kind, Kind::Modify);
    let read = v1::ModifyRequest::decode(body(message)).expect("a Modify");
    assert_eq!((read.profile_id, read.consistency()), (71, v1::Consistency::Local));
}
