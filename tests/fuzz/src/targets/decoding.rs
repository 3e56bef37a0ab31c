//! Requests into calls. What is accepted is what the library of messages reads, and comes back from its own bytes; a call
//! in a batch is what it is alone; memory stays within a bound of the message's size.

use std::time::Duration;

use prost::Message;
use utterson_codec::bounds;
use utterson_codec::decode::{self, Batch, MAX_CALLS};
use utterson_codec::proto::v1;
use utterson_engine::call::CallKind;
use utterson_engine::decide::Submission;
use utterson_engine::fault::{Fault, Reason};

use crate::allocating::most_held;
use crate::drawing::Draw;
use crate::targets::requests;
use crate::watching::within;

/// What reading a small request may take; what is larger is read in a thread beside the loop.
const READ: Duration = Duration::from_millis(5);
/// What a Struct may take that is only read to be judged, a call at a time.
const STRUCT_BYTES: usize = 12 << 20;
/// What a call may take, each of its 32 identifiers twice at fault.
const CALL_BYTES: usize = 24 << 10;
/// What is said of a list that is over its bound.
const OVER: &str = "must hold at most 32 identifiers";
const KINDS: [CallKind; 6] =
    [CallKind::Identify, CallKind::Login, CallKind::Logout, CallKind::Track, CallKind::Modify, CallKind::Search];
const COUNTED: [&str; 4] = [
    "utterson.v1.CreateWorkspaceRequest",
    "utterson.v1.UpdatePolicyRequest",
    "utterson.v1.BatchGetProfilesRequest",
    "utterson.v1.ImportProfilesRequest",
];

/// Reads any bytes as a request of a drawn kind.
///
/// # Panics
///
/// It is read otherwise than the library of messages reads it, or takes too much.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    match draw.below(10) {
        6 => batch(draw.rest()),
        7 => stream(draw.rest()),
        8 => import(draw),
        9 => {
            let name = draw.pick(&COUNTED);
            counted(name, draw.rest());
        }
        kind => unary(KINDS[kind], draw.rest()),
    }
}

/// Reads within the bounds of memory and time.
fn bounded<'m, T>(bytes: usize, calls: usize, read: impl FnOnce() -> T + 'm) -> T {
    let (made, held) = most_held(|| within(READ, "reading", read));
    let most = 4 * bytes + CALL_BYTES * calls + STRUCT_BYTES;
    assert!(held <= most, "{held} bytes held for a request of {bytes}");
    made
}

fn unary(kind: CallKind, bytes: &[u8]) {
    let read = bounded(bytes.len(), 1, || decode::single(kind, bytes));
    let expected = requests::of_bytes(kind, bytes);
    match read {
        Err(fault) if fault.reason == Reason::MalformedRequest => assert!(expected.is_err(), "{kind:?} is well formed"),
        Err(fault) => is_told(&fault),
        Ok(mut group) => {
            assert_eq!(group.positions, [0]);
            match group.submissions.pop().expect("a call") {
                Err(fault) => is_told(&fault),
                Ok(call) => {
                    let said = requests::of_call(group.workspace, &call);
                    assert_eq!(Ok(&said), expected.as_ref(), "{kind:?}");
                    let again = decode::single(kind, &said).expect("a call that was accepted");
                    assert_eq!(again.workspace, group.workspace);
                    assert_eq!(told(&again.submissions[0]), format!("{call:?}"));
                }
            }
        }
    }
}

fn told(submission: &Submission<'_>) -> String {
    match submission {
        Ok(call) => format!("{call:?}"),
        Err(fault) => format!("{fault:?}"),
    }
}

/// A refusal for fields names at least one of them.
fn is_told(fault: &Fault) {
    assert_eq!(fault.reason, Reason::FieldInvalid);
    assert!(!fault.violations.is_empty());
    assert!(fault.violations.iter().all(|violation| !violation.field.is_empty() && !violation.description.is_empty()));
}

fn batch(bytes: &[u8]) {
    let read = bounded(bytes.len(), MAX_CALLS, || decode::batch(bytes));
    if let Ok(message) = v1::BatchResolveRequest::decode(bytes) {
        whole(&message.workspace, &message.calls, read.as_ref());
    }
    match read {
        Ok(batch) => is_parted(&batch),
        Err(fault) => assert!(fault.reason == Reason::MalformedRequest || fault.reason == Reason::FieldInvalid),
    }
}

fn stream(bytes: &[u8]) {
    let read = bounded(bytes.len(), MAX_CALLS, || decode::stream_message(bytes));
    if let Ok(message) = v1::StreamResolveRequest::decode(bytes) {
        whole(&message.workspace, &message.calls, read.as_ref());
        if let Ok(batch) = &read {
            assert_eq!(batch.sequence, message.sequence);
        }
    }
    if let Ok(batch) = read {
        is_parted(&batch);
    }
}

/// Each call is in one place.
fn is_parted(batch: &Batch<'_>) {
    let grouped = batch.groups.iter().flat_map(|group| &group.positions);
    let mut places: Vec<u32> = grouped.copied().chain(batch.faults.iter().map(|(position, _)| *position)).collect();
    places.sort_unstable();
    assert!(places.iter().copied().eq(0..u32::try_from(batch.size).expect("few")));
    for group in &batch.groups {
        assert_eq!(group.positions.len(), group.submissions.len());
        assert!(group.positions.is_sorted());
    }
}

/// A well-formed message: as many calls as it has, and the first of them as they are alone.
fn whole(workspace: &str, calls: &[v1::Call], read: Result<&Batch<'_>, &Fault>) {
    let Ok(batch) = read else {
        assert!(calls.is_empty() || calls.len() > MAX_CALLS, "a message of {} calls is refused", calls.len());
        return;
    };
    assert_eq!(batch.size, calls.len());
    for (position, call) in (0_u32..).zip(calls).take(8) {
        let alone = v1::BatchResolveRequest { workspace: workspace.to_owned(), calls: vec![call.clone()] };
        let bytes = alone.encode_to_vec();
        let alone = decode::batch(&bytes).expect("a message of one call");
        let (within, alone) = (at(batch, position), at(&alone, 0));
        // A list that is over its bound is read no further, so the order of the fields tells what else is said of it.
        assert!(within == alone || within.contains(OVER) && alone.contains(OVER), "{within} but {alone}");
    }
}

/// What became of the call at a place, in words.
fn at(batch: &Batch<'_>, position: u32) -> String {
    if let Some((_, fault)) = batch.faults.iter().find(|(at, _)| *at == position) {
        return format!("{fault:?}");
    }
    let found = batch.groups.iter().find_map(|group| {
        let place = group.positions.iter().position(|at| *at == position)?;
        Some(format!("{} {}", group.workspace, told(&group.submissions[place])))
    });
    found.expect("each call is somewhere")
}

fn import(mut draw: Draw<'_>) {
    let mut messages = Vec::new();
    let parts = draw.below(4);
    for _ in 0..parts {
        messages.push(draw.some(300).to_vec());
    }
    messages.push(draw.rest().to_vec());
    let bytes = messages.iter().map(Vec::len).sum::<usize>();
    let read = bounded(3 * bytes, messages.len(), || decode::import("w", &messages));
    match read {
        Err(fault) => assert!(fault.reason == Reason::MalformedRequest || fault.reason == Reason::FieldInvalid),
        Ok(import) => {
            let profiles = messages.iter().map(|message| decode::imported_count(message)).sum::<usize>();
            assert_eq!(import.rows.len(), profiles);
            for message in &messages {
                let expected = v1::ImportProfilesRequest::decode(&message[..]).expect("it was accepted");
                assert_eq!(expected.workspace, "w");
                assert!(decode::imported_workspace(message).is_some());
            }
        }
    }
}

/// What is counted on its bytes is refused as malformed only where the library of messages refuses it.
fn counted(name: &str, bytes: &[u8]) {
    let checked = bounded(bytes.len(), 1, || bounds::check(name, bytes));
    let read = match name {
        "utterson.v1.CreateWorkspaceRequest" => v1::CreateWorkspaceRequest::decode(bytes).is_ok(),
        "utterson.v1.UpdatePolicyRequest" => v1::UpdatePolicyRequest::decode(bytes).is_ok(),
        "utterson.v1.BatchGetProfilesRequest" => v1::BatchGetProfilesRequest::decode(bytes).is_ok(),
        _ => v1::ImportProfilesRequest::decode(bytes).is_ok(),
    };
    match checked {
        Ok(()) => assert!(bytes.len() <= bounds::MAX_BYTES),
        Err(fault) if fault.reason == Reason::MalformedRequest => assert!(!read, "{name} is well formed"),
        Err(fault) => assert!(!fault.violations.is_empty()),
    }
}
