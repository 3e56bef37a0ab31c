//! Answers are counted as they are meant.

use std::fs;

use bytes::Bytes;
use prost::Message as _;
use tempfile::NamedTempFile;
use utterson_codec::proto::v1;
use utterson_codec::proto::v1::call_result::Result as Outcome;

use super::*;
use crate::calls_file::Kind;
use crate::files;

fn message(calls: u16, sampled: &[(u16, u32)]) -> Message {
    Message::for_tests(Kind::Identify, calls, sampled)
}

fn result(outcome: Outcome) -> v1::CallResult {
    v1::CallResult { result: Some(outcome) }
}

/// An encoded `google.rpc.Status` with a code only.
fn status(code: u8) -> Bytes {
    Bytes::from(vec![1 << 3, code])
}

fn results() -> Vec<v1::CallResult> {
    let resolution = v1::Resolution { profile_id: 300, ..Default::default() };
    // The same bytes as a status of code 8, but not as a resolution.
    let mut refused = v1::CallResult::default();
    refused.merge([&[2 << 3 | 2, 2], &*status(8)].concat().as_slice()).expect("a refusal");
    vec![result(Outcome::Resolution(resolution)), refused, result(Outcome::Resolution(v1::Resolution::default()))]
}

#[test]
fn refusals_inside_a_batch_are_counted() {
    let batch = v1::BatchResolveResponse { results: results() }.encode_to_vec();
    let stream = v1::StreamResolveResponse { sequence: 9, results: results() }.encode_to_vec();
    for (shape, bytes) in [(Shape::Batch, batch), (Shape::Stream, stream)] {
        let mut tally = Tally::new();
        look(shape, &message(3, &[]), &bytes, &mut tally, None);
        assert_eq!((tally.refused[8], tally.refused.iter().sum::<u64>(), tally.unreadable_answers), (1, 1, 0));
        look(shape, &message(4, &[]), &bytes, &mut tally, None);
        assert_eq!(tally.unreadable_answers, 1);
    }
}

#[test]
fn an_echo_is_unreadable() {
    let mut tally = Tally::new();
    look(Shape::Batch, &message(2, &[]), &[0; 100], &mut tally, None);
    assert_eq!(tally.unreadable_answers, 1);
}

#[test]
fn sampled_answers_are_written_as_frames() {
    let file = NamedTempFile::new().expect("a file");
    let mut samples = Samples::new(files::create(file.path()).expect("a file"));
    let mut tally = Tally::new();
    let batch = v1::BatchResolveResponse { results: results() }.encode_to_vec();
    look(Shape::Batch, &message(3, &[(0, 40), (1, 41)]), &batch, &mut tally, Some(&mut samples));
    let one = v1::IdentifyResponse { resolution: Some(v1::Resolution { profile_id: 5, ..Default::default() }) };
    look(Shape::Unary, &message(1, &[(0, 42)]), &one.encode_to_vec(), &mut tally, Some(&mut samples));
    let ending = Ending { code: 14, status: status(14).to_vec() };
    look_at_ending(&message(2, &[(1, 43)]), &ending, &mut tally, Some(&mut samples));
    assert_eq!((tally.refused[8], tally.refused[14]), (1, 2));
    samples.finish().expect("written");

    let mut expected = Vec::new();
    for (index, answer, is_resolution) in
        [(40_u32, &[8, 172, 2][..], 1), (41, &[8, 8], 0), (42, &[8, 5], 1), (43, &[8, 14], 0)]
    {
        expected.extend(index.to_le_bytes());
        expected.extend(u32::try_from(answer.len()).expect("short").to_le_bytes());
        expected.extend(answer);
        expected.push(is_resolution);
    }
    assert_eq!(fs::read(file.path()).expect("read"), expected);
}
