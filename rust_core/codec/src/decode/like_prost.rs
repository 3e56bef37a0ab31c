//! Requests are read as prost reads them: what is told twice, what is unknown, and what is broken too.

use prop::collection::vec;
use proptest::prelude::*;
use prost::Message;
use prost_types::Timestamp;
use utterson_engine::call::{Call, CallKind};

use super::call::{Told, of_batch, unary};
use crate::proto::v1;

fn identifiers() -> impl Strategy<Value = Vec<v1::Identifier>> {
    vec(("[a-z]{0,3}", "\\PC{0,200}"), 0..4)
        .prop_map(|sent| sent.into_iter().map(|(r#type, value)| v1::Identifier { r#type, value }).collect())
}

fn identify() -> impl Strategy<Value = v1::IdentifyRequest> {
    let time = prop::option::of((any::<i64>(), any::<i32>()));
    let flags = (any::<bool>(), any::<bool>(), -3..5);
    ("[a-z]{0,3}", identifiers(), any::<i64>(), time, ".{0,4}", flags).prop_map(
        |(workspace, identifiers, previous_profile_id, time, request_id, (validate_only, explain, consistency))| {
            v1::IdentifyRequest {
                workspace,
                identifiers,
                previous_profile_id,
                event_time: time.map(|(seconds, nanos)| Timestamp { seconds, nanos }),
                request_id,
                validate_only,
                explain,
                consistency,
                traits: None,
            }
        },
    )
}

/// Some requests one behind the other, perhaps with bytes that were never meant to be there.
fn bytes_of(messages: impl Strategy<Value = impl Message>) -> impl Strategy<Value = Vec<u8>> {
    let stray = prop_oneof![3 => Just(Vec::new()), 1 => vec(any::<u8>(), 1..20)];
    (vec(messages, 1..3), stray, any::<prop::sample::Index>()).prop_map(|(messages, stray, place)| {
        let mut bytes = messages.iter().flat_map(Message::encode_to_vec).collect::<Vec<u8>>();
        let place = place.index(bytes.len() + 1);
        bytes.splice(place..place, stray);
        bytes
    })
}

fn same(workspace: &str, call: &Call<'_>, request: &v1::IdentifyRequest) {
    assert_eq!(workspace, request.workspace);
    let sent = request.identifiers.iter().map(|one| (&*one.r#type, &*one.value));
    assert!(call.identifiers.iter().map(|one| (&*one.type_name, &*one.value)).eq(sent));
    assert_eq!((&*call.request_id, call.validate_only), (&*request.request_id, request.validate_only));
    assert_eq!(call.explain, request.explain);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_request_alone(bytes in bytes_of(identify())) {
        let (read, expected) = (unary(CallKind::Identify, &bytes), v1::IdentifyRequest::decode(&bytes[..]));
        prop_assert_eq!(read.is_ok(), expected.is_ok());
        if let (Ok(read), Ok(expected)) = (read, expected) {
            same(read.workspace, &read.call, &expected);
            let told = |field: &str| read.violations.iter().any(|violation| violation.field == field);
            let id = expected.previous_profile_id;
            prop_assert_eq!(told("previous_profile_id"), !(0..1 << 53).contains(&id));
            prop_assert_eq!(read.call.previous_profile.map_or(0, |id| id.0), if told("previous_profile_id") { 0 } else { id });
            prop_assert_eq!(told("consistency"), v1::Consistency::try_from(expected.consistency).is_err());
            let time = expected.event_time.filter(|_| !told("event_time"));
            let seconds = read.call.event_time.map(|time| time.0.div_euclid(1_000_000));
            prop_assert_eq!(seconds, time.map(|time| time.seconds));
        }
    }

    #[test]
    fn a_call_of_a_batch(bytes in bytes_of(identify().prop_map(|request| v1::Call {
        call: Some(if request.explain {
            v1::call::Call::Identify(request)
        } else {
            let v1::IdentifyRequest { workspace, identifiers, request_id, .. } = request;
            v1::call::Call::Logout(v1::LogoutRequest { workspace, identifiers, request_id, ..Default::default() })
        }),
    }))) {
        let (read, expected) = (of_batch(&bytes).map(|told| told.map(Told::into_call)), v1::Call::decode(&bytes[..]));
        prop_assert_eq!(read.is_ok(), expected.is_ok());
        match (read, expected.map(|expected| expected.call)) {
            (Ok(Some(read)), Ok(Some(v1::call::Call::Identify(expected)))) => {
                prop_assert_eq!(read.call.kind, CallKind::Identify);
                same(read.workspace, &read.call, &expected);
            }
            (Ok(Some(read)), Ok(Some(v1::call::Call::Logout(expected)))) => {
                prop_assert_eq!(read.call.kind, CallKind::Logout);
                prop_assert_eq!(read.call.identifiers.len(), expected.identifiers.len());
                prop_assert_eq!(&*read.call.request_id, &*expected.request_id);
            }
            (Ok(read), Ok(expected)) => prop_assert_eq!(read.is_none(), expected.is_none()),
            (Ok(_), Err(_)) | (Err(_), _) => {}
        }
    }

    #[test]
    fn other_kinds(bytes in vec(any::<u8>(), 0..40), event in bytes_of("[a-z]{0,3}".prop_map(|name| v1::TrackRequest {
        event: Some(v1::Event { name, ..v1::Event::default() }),
        ..v1::TrackRequest::default()
    })), change in bytes_of((any::<i64>(), "[a-z]{0,3}").prop_map(|(profile_id, old_value)| v1::ModifyRequest {
        profile_id,
        changes: vec![v1::Change { old_value, ..v1::Change::default() }],
        ..v1::ModifyRequest::default()
    }))) {
        for bytes in [&bytes, &event, &change] {
            let track = v1::TrackRequest::decode(&bytes[..]);
            let read = unary(CallKind::Track, bytes);
            prop_assert_eq!(read.is_ok(), track.is_ok());
            prop_assert_eq!(read.ok().map(|read| read.call.event.name), track.ok().map(|track| track.event.unwrap_or_default().name));
            let modify = v1::ModifyRequest::decode(&bytes[..]);
            let read = unary(CallKind::Modify, bytes);
            prop_assert_eq!(read.is_ok(), modify.is_ok());
            let olds = modify.ok().map(|modify| modify.changes.into_iter().map(|one| one.old_value).collect::<Vec<_>>());
            prop_assert_eq!(read.ok().map(|read| read.call.changes.into_iter().map(|one| one.old_value).collect()), olds);
            for (kind, expected) in [
                (CallKind::Login, v1::LoginRequest::decode(&bytes[..]).is_ok()),
                (CallKind::Logout, v1::LogoutRequest::decode(&bytes[..]).is_ok()),
                (CallKind::Search, v1::SearchRequest::decode(&bytes[..]).is_ok()),
            ] {
                prop_assert_eq!(unary(kind, bytes).is_ok(), expected);
            }
        }
    }
}
