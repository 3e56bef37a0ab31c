use prost::Message;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Timestamp, Value};
use utterson_engine::call::CallKind;
use utterson_engine::fault::{Fault, Reason};

use super::*;
use crate::proto::v1;

fn identifier(type_name: &str, value: &str) -> v1::Identifier {
    v1::Identifier { r#type: type_name.into(), value: value.into() }
}

fn request() -> v1::IdentifyRequest {
    v1::IdentifyRequest {
        workspace: "w".into(),
        identifiers: vec![identifier("email", "x")],
        ..v1::IdentifyRequest::default()
    }
}

fn structure(name: &str, kind: Kind) -> Struct {
    Struct { fields: [(name.to_owned(), Value { kind: Some(kind) })].into() }
}

fn nested(levels: usize) -> Kind {
    (1..levels)
        .fold(Kind::BoolValue(true), |kind, _| Kind::ListValue(ListValue { values: vec![Value { kind: Some(kind) }] }))
}

/// The paths at fault of a call that belongs to a workspace.
fn fields(request: &v1::IdentifyRequest) -> Vec<String> {
    let bytes = request.encode_to_vec();
    let mut group = single(CallKind::Identify, &bytes).expect("a group");
    match group.submissions.pop().expect("a call") {
        Ok(_) => Vec::new(),
        Err(fault) => paths(&fault),
    }
}

fn paths(fault: &Fault) -> Vec<String> {
    assert_eq!(fault.reason, Reason::FieldInvalid);
    fault.violations.iter().map(|violation| violation.field.clone()).collect()
}

#[test]
fn all_faults_of_a_call_are_told_at_once() {
    let request = v1::IdentifyRequest {
        identifiers: vec![identifier("Email", "\0"), identifier("email", "")],
        previous_profile_id: -1,
        event_time: Some(Timestamp { seconds: 0, nanos: -1 }),
        request_id: "x".repeat(257),
        consistency: 9,
        traits: Some(structure("a", Kind::NumberValue(f64::NAN))),
        ..request()
    };
    let expected = [
        "identifiers[0].type",
        "identifiers[0].value",
        "previous_profile_id",
        "event_time",
        "request_id",
        "consistency",
        "traits",
    ];
    assert_eq!(fields(&request), expected);
}

#[test]
fn times_are_cut_to_microseconds_downwards() {
    let at = |seconds, nanos| {
        let request = v1::IdentifyRequest { event_time: Some(Timestamp { seconds, nanos }), ..request() };
        let bytes = request.encode_to_vec();
        let group = single(CallKind::Identify, &bytes).expect("a group");
        group.submissions[0].as_ref().ok().and_then(|call| call.event_time).map(|time| time.0)
    };
    assert_eq!(at(1, 1_999), Some(1_000_001));
    assert_eq!(at(-1, 1), Some(-1_000_000));
    assert_eq!(at(-62_135_596_800, 0), Some(-62_135_596_800_000_000));
    assert_eq!(at(-62_135_596_801, 999_999_999), None);
    assert_eq!(at(253_402_300_799, 999_999_999), Some(253_402_300_799_999_999));
    assert_eq!(at(253_402_300_800, 0), None);
    assert_eq!(at(0, 1_000_000_000), None);
}

#[test]
fn structs_hold_what_the_tables_can_keep() {
    let with = |name: &str, kind| fields(&v1::IdentifyRequest { traits: Some(structure(name, kind)), ..request() });
    let text = |text: &str| Kind::StringValue(text.into());
    assert!(with("a", text("x")).is_empty() && with("a", Kind::NullValue(0)).is_empty());
    assert!(with("a", nested(MAX_NESTING)).is_empty());
    assert!(with(&"n".repeat(256), text("")).is_empty());
    let inner = |kind| Kind::StructValue(structure("b", kind));
    let bad = [
        with("a\0", text("x")),
        with("a", inner(text("x\0"))),
        with("a", Kind::StructValue(structure("\0", text("x")))),
        with("a", inner(Kind::NumberValue(f64::INFINITY))),
        with("a", Kind::ListValue(ListValue { values: vec![Value { kind: None }] })),
        with("a", nested(MAX_NESTING + 1)),
        with("a", text(&"x".repeat(64 << 10))),
        with(&"n".repeat(257), text("")),
    ];
    assert!(bad.iter().all(|fields| fields == &["traits"]), "{bad:?}");
}

#[test]
fn bottomless_nesting_is_malformed_not_fatal() {
    let mut value = Value { kind: Some(Kind::BoolValue(true)) }.encode_to_vec();
    for _ in 0..2_000 {
        let list = [&[0x0a][..], &length(value.len()), &value].concat();
        value = [&[0x32][..], &length(list.len()), &list].concat();
    }
    let entry = [&[0x0a, 1, b'a', 0x12][..], &length(value.len()), &value].concat();
    let traits = [&[0x0a][..], &length(entry.len()), &entry].concat();
    let bytes = [&request().encode_to_vec()[..], &[0x4a], &length(traits.len()), &traits].concat();
    let fault = single(CallKind::Identify, &bytes).expect_err("a fault");
    assert_eq!(fault.reason, Reason::MalformedRequest);
}

fn length(number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(number as u64, &mut bytes);
    bytes
}

#[test]
fn traits_are_ordered_and_null_removes() {
    let traits = Struct {
        fields: [("b", Kind::NullValue(0)), ("a", Kind::BoolValue(true))]
            .map(|(name, kind)| (name.to_owned(), Value { kind: Some(kind) }))
            .into(),
    };
    let request = v1::IdentifyRequest { traits: Some(traits), ..request() };
    let bytes = request.encode_to_vec();
    let group = single(CallKind::Identify, &bytes).expect("a group");
    let call = group.submissions[0].as_ref().expect("a call");
    let read: Vec<_> = call.traits.iter().map(|one| (one.name.as_str(), one.value.is_some())).collect();
    assert_eq!(read, [("a", true), ("b", false)]);
}

#[test]
fn a_bad_call_never_refuses_the_others() {
    let call = |workspace: &str| {
        let request = v1::IdentifyRequest { workspace: workspace.into(), ..request() };
        v1::Call { call: Some(v1::call::Call::Identify(request)) }.encode_to_vec()
    };
    let calls = [call(""), vec![0xff], call("Bad"), Vec::new(), call("other"), call("")];
    let mut bytes = vec![0x0a, 1, b'w'];
    for call in &calls {
        bytes.extend([&[0x12][..], &length(call.len()), call].concat());
    }
    let batch = batch(&bytes).expect("a batch");
    let groups: Vec<_> = batch.groups.iter().map(|group| (group.workspace, group.positions.clone())).collect();
    assert_eq!(groups, [("w", vec![0, 5]), ("other", vec![4])]);
    let faults: Vec<_> = batch.faults.iter().map(|(position, fault)| (*position, fault.reason)).collect();
    assert_eq!(faults, [(1, Reason::MalformedRequest), (2, Reason::FieldInvalid), (3, Reason::FieldInvalid)]);
    assert_eq!((paths(&batch.faults[1].1), paths(&batch.faults[2].1)), (vec!["workspace".into()], vec!["call".into()]));
}

#[test]
fn a_search_keeps_nothing_that_it_does_not_use() {
    let plain = v1::SearchRequest { workspace: "w".into(), identifiers: request().identifiers, ..Default::default() };
    let full = v1::SearchRequest {
        event_time: Some(Timestamp { seconds: i64::MAX, nanos: -1 }),
        request_id: "x".repeat(300),
        validate_only: true,
        ..plain.clone()
    };
    let [plain, full] = [plain, full].map(|request| request.encode_to_vec());
    let read = |bytes: &[u8]| format!("{:?}", single(CallKind::Search, bytes));
    assert_eq!(read(&full), read(&plain));
}

#[test]
fn batches_hold_one_to_a_thousand_calls() {
    let of = |count| {
        let call = v1::Call { call: Some(v1::call::Call::Identify(request())) };
        let message = v1::StreamResolveRequest { sequence: 7, workspace: String::new(), calls: vec![call; count] };
        let bytes = message.encode_to_vec();
        let read = stream_message(&bytes);
        read.map(|batch| (batch.size, batch.sequence)).map_err(|fault| paths(&fault))
    };
    assert_eq!(of(1000), Ok((1000, 7)));
    assert_eq!(of(0), Err(vec!["calls".into()]));
    assert_eq!(of(1001), Err(vec!["calls".into()]));
}

#[test]
fn a_modify_names_its_profile_by_id() {
    let change = v1::Change { r#type: "Email".into(), ..v1::Change::default() };
    let mut request = v1::ModifyRequest {
        workspace: "w".into(),
        identifiers: vec![identifier("email", "x")],
        changes: vec![change],
        ..v1::ModifyRequest::default()
    };
    let read = |request: &v1::ModifyRequest| {
        let bytes = request.encode_to_vec();
        let group = single(CallKind::Modify, &bytes).expect("a group");
        group.submissions.into_iter().filter_map(Result::err).flat_map(|fault| paths(&fault)).collect::<Vec<_>>()
    };
    assert_eq!(read(&request), ["identifiers", "profile_id", "changes[0].type"]);
    (request.identifiers, request.profile_id, request.changes) = (Vec::new(), (1 << 53) - 1, Vec::new());
    assert_eq!(read(&request), ["changes"]);
    request.changes = vec![v1::Change { r#type: "email".into(), ..v1::Change::default() }; 32];
    assert_eq!(read(&request), Vec::<String>::new());
    request.changes = vec![v1::Change { r#type: "email".into(), old_value: "\0".into(), new_value: "a\0".into() }];
    assert_eq!(read(&request), ["changes[0].old_value", "changes[0].new_value"]);
}

#[test]
fn an_import_names_its_first_fault() {
    let message = |workspace: &str, request_id: &str| {
        v1::ImportProfilesRequest {
            workspace: workspace.into(),
            identifiers: vec![identifier("email", "x"); 40],
            request_id: request_id.into(),
            ..v1::ImportProfilesRequest::default()
        }
        .encode_to_vec()
    };
    let messages = [message("w", "id"), message("w", ""), message("w", "id")];
    let read = import("w", &messages).expect("an import");
    assert_eq!((read.rows.len(), read.request_id, read.rows[0].identifiers.len()), (3, "id", 40));
    let fault = import("w", &[message("w", "id"), message("v", "other"), vec![0xff]]).expect_err("a fault");
    assert_eq!(paths(&fault), ["messages[1].workspace", "messages[1].request_id"]);
    let malformed = import("w", &[message("w", ""), vec![0xff]]).expect_err("a fault");
    assert_eq!(malformed.reason, Reason::MalformedRequest);
    assert!(import::<Vec<u8>>("w", &[]).is_err());
}

#[test]
fn profiles_of_an_import_are_counted_unread() {
    let message = |profiles| v1::ImportProfilesRequest {
        workspace: "w".into(),
        identifiers: vec![identifier("email", "x"); 2],
        profiles: vec![v1::ImportedProfile { merges: 7, ..v1::ImportedProfile::default() }; profiles],
        ..v1::ImportProfilesRequest::default()
    };
    assert_eq!([0, 1, 2, 500].map(|profiles| imported_count(&message(profiles).encode_to_vec())), [1, 1, 2, 500]);
    let cut = message(3).encode_to_vec();
    assert_eq!((imported_count(&cut[..cut.len() - 1]), imported_count(&[0xff])), (0, 0));
}

/// A list's empty items, two bytes each, behind what makes a request of it.
fn bomb(before: &[u8], key: u8, items: usize) -> Vec<u8> {
    [before, &[key, 0].repeat(items)].concat()
}

#[test]
fn a_list_over_its_bound_is_read_no_further() {
    let workspace = [0x0a, 1, b'w'];
    for (kind, key, field) in [(CallKind::Identify, 0x12, "identifiers"), (CallKind::Modify, 0x52, "changes")] {
        // What comes behind is not even looked at.
        let bytes = [bomb(&workspace, key, 33), vec![0xff]].concat();
        let group = single(kind, &bytes).expect("a group");
        let fault = group.submissions[0].as_ref().expect_err("a fault");
        assert!(paths(fault).contains(&field.into()), "{fault:?}");
    }
    let fault = batch(&[bomb(&workspace, 0x12, 1001), vec![0xff]].concat()).expect_err("a fault");
    assert_eq!(paths(&fault), ["calls"]);
    // One call that is told again and again adds up.
    let call = [0x0a, 4, 0x12, 2, 0x0a, 0].repeat(40);
    let bytes = [&workspace[..], &[0x12], &length(call.len()), &call].concat();
    let message = batch(&bytes).expect("a batch");
    assert_eq!(paths(message.groups[0].submissions[0].as_ref().expect_err("a fault")), ["identifiers"]);
}

#[test]
fn a_struct_that_is_too_long_for_any_is_not_read() {
    // Empty values in a list: two bytes each, forty times as much once they are read.
    let list = bomb(&[], 0x0a, 200_000);
    let value = [&[0x32][..], &length(list.len()), &list].concat();
    let entry = [&[0x0a, 1, b'a', 0x12][..], &length(value.len()), &value].concat();
    let traits = [&[0x0a][..], &length(entry.len()), &entry].concat();
    let identify = [&request().encode_to_vec()[..], &[0x4a], &length(traits.len()), &traits].concat();
    let group = single(CallKind::Identify, &identify).expect("a group");
    assert_eq!(paths(group.submissions[0].as_ref().expect_err("a fault")), ["traits"]);
    let broken = [0x4a, 3, 0x0a, 1, 0x0a];
    assert_eq!(single(CallKind::Identify, &broken).expect_err("a fault").reason, Reason::MalformedRequest);
}

#[test]
fn an_import_keeps_nothing_of_what_it_refuses() {
    let workspace = [0x0a, 1, b'w'];
    // One profile of empty identifiers, in a message of its own and as one of many.
    let alone = bomb(&workspace, 0x12, 100_000);
    let fault = import("w", &[&alone]).expect_err("a fault");
    assert_eq!(fault.violations.len(), 64);
    assert_eq!(fault.violations[0].field, "messages[0].identifiers[0].type");
    let profile = bomb(&[], 0x0a, 100_000);
    let within = [&workspace[..], &[0x3a], &length(profile.len()), &profile].concat();
    let fault = import("w", &[&within]).expect_err("a fault");
    assert_eq!(fault.violations.len(), 64);
    assert_eq!(fault.violations[0].field, "messages[0].profiles[0].identifiers[0].type");
    // Empty profiles: the first is at fault.
    let fault = import("w", &[bomb(&workspace, 0x3a, MAX_PROFILES + 5)]).expect_err("a fault");
    assert_eq!(paths(&fault), ["messages[0].profiles[0].identifiers"]);
    // More good ones than there is room for.
    let good = [0x3a, 8, 0x0a, 6, 0x0a, 1, b'a', 0x12, 1, b'x'].repeat(MAX_PROFILES);
    let first = [&workspace[..], &good].concat();
    assert_eq!(import("w", &[&first]).expect("an import").rows.len(), MAX_PROFILES);
    let one_more = [&workspace[..], &good[..10]].concat();
    assert_eq!(paths(&import("w", &[&first, &one_more]).expect_err("a fault")), ["messages[1]"]);
    let faults = import("w", &[[&first[..], &good[..10]].concat()]).expect_err("a fault");
    assert_eq!(paths(&faults), ["messages[0]"]);
}

#[test]
fn the_workspace_of_an_import_is_told_without_reading_it() {
    let message = v1::ImportProfilesRequest {
        workspace: "soho".into(),
        identifiers: vec![identifier("email", "x"); 2],
        ..v1::ImportProfilesRequest::default()
    };
    let bytes = message.encode_to_vec();
    assert_eq!(imported_workspace(&bytes), Some("soho"));
    assert_eq!(imported_workspace(&[]), Some(""));
    assert_eq!(imported_workspace(&[0xff]), None);
    assert_eq!(imported_workspace(&[0x0a, 1, 0xff]), None);
}
