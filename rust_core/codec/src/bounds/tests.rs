use prost::Message;
use utterson_engine::fault::{Fault, Reason};
use utterson_engine::policy::block::MAX_PATTERNS as MAX_LIST_PATTERNS;
use utterson_engine::rules::common::c2_refuse::MAX_IDENTIFIERS;

use super::*;
use crate::proto::v1;

fn field(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut encoded = vec![tag << 3 | 2];
    prost::encoding::encode_varint(content.len() as u64, &mut encoded);
    encoded.extend_from_slice(content);
    encoded
}

fn create(policy: &[u8]) -> Result<(), Fault> {
    let request = [field(1, b"soho"), field(2, policy)].concat();
    check("utterson.v1.CreateWorkspaceRequest", &request)
}

/// The reason, and the field that is named.
fn told(result: Result<(), Fault>) -> Option<(Reason, String)> {
    result.err().map(|fault| (fault.reason, fault.violations.first().map_or_else(String::new, |one| one.field.clone())))
}

fn invalid(path: &str) -> (Reason, String) {
    (Reason::PolicyInvalid, path.into())
}

#[test]
fn a_list_is_counted_where_it_stands() {
    let empty = field(1, b"");
    assert_eq!(told(create(&empty.repeat(1000))), None);
    assert_eq!(told(create(&empty.repeat(1001))), Some(invalid("policy.identifier_types")));
    let blocked = field(1, &field(7, b"").repeat(MAX_LIST_PATTERNS + 1));
    assert_eq!(told(create(&[empty, blocked].concat())), Some(invalid("policy.identifier_types[1].blocked")));
}

#[test]
fn numbers_are_counted_packed_or_not() {
    let packed = |count: usize| [field(1, b"soho"), field(2, &[7].repeat(count))].concat();
    let each = |count: usize| [field(1, b"soho"), [2 << 3, 7].repeat(count)].concat();
    let name = "utterson.v1.BatchGetProfilesRequest";
    for bytes in [packed(100), each(100), [packed(50), each(50)].concat()] {
        assert_eq!(told(check(name, &bytes)), None);
    }
    for bytes in [packed(101), each(101), [packed(51), each(50)].concat()] {
        assert_eq!(told(check(name, &bytes)), Some((Reason::FieldInvalid, "profile_ids".into())));
    }
}

#[test]
fn what_no_list_counts_is_counted_in_all() {
    // One policy after another adds up; so do many short lists, and one number told again and again.
    let policies = field(2, &field(1, b"").repeat(1000)).repeat(5);
    let request = [field(1, b"soho"), policies].concat();
    assert_eq!(told(check("utterson.v1.CreateWorkspaceRequest", &request)), Some(invalid("policy.identifier_types")));
    let lists = field(1, &field(7, b"").repeat(100)).repeat(100);
    assert_eq!(told(create(&lists)), Some(invalid("policy.identifier_types[40].blocked")));
    assert_eq!(told(create(&[3 << 3, 1].repeat(MAX_FIELDS))), Some(invalid("policy")));
    let strange = [15 << 3, 1].repeat(MAX_FIELDS + 1);
    let whole = Some((Reason::FieldInvalid, String::new()));
    assert_eq!(told(check("utterson.v1.GetWorkspaceRequest", &strange)), whole);
    let long = [vec![15 << 3 | 2, 0x80, 0x80, 0x80, 2], vec![0; MAX_BYTES]].concat();
    assert_eq!(told(check("utterson.v1.GetWorkspaceRequest", &long)), whole);
    let many = [field(1, b"soho"), field(2, &field(1, b"").repeat(MAX_BYTES / 2))].concat();
    assert_eq!(told(check("utterson.v1.CreateWorkspaceRequest", &many)), whole, "its length comes first");
}

#[test]
fn the_largest_policy_passes() {
    let pattern = v1::BlockedValue { pattern: Some(v1::blocked_value::Pattern::Exact("x".repeat(1024))) };
    let limit = Some(v1::Limit { max_values: 5, window: 2, scope: 2, on_exceeded: 2 });
    let types = (0..1000).map(|number| v1::IdentifierType {
        name: format!("t{number}"),
        limit,
        blocked: vec![pattern.clone(); 1],
        ..v1::IdentifierType::default()
    });
    let policy = v1::Policy {
        identifier_types: types.collect(),
        strategy: Some(v1::policy::Strategy::Merge(v1::MergeStrategy::default())),
        ..v1::Policy::default()
    };
    assert_eq!(told(create(&policy.encode_to_vec())), None);
}

#[test]
fn bytes_that_are_no_message_are_told_apart() {
    for bytes in [&b"\xff\xff"[..], b"\x0a\x05ab"] {
        assert_eq!(
            told(check("utterson.v1.GetWorkspaceRequest", bytes)),
            Some((Reason::MalformedRequest, String::new()))
        );
    }
    assert!(check("utterson.v1.Workspace", b"").is_err());
}

#[test]
fn the_codecs_own_bounds_are_those_of_the_protos() {
    let max = |message: &str, name: &str| {
        let shape = SHAPES.iter().find(|shape| shape.name == format!("utterson.v1.{message}")).expect("a shape");
        shape.fields.iter().find(|field| field.name == name).expect("a field").items_max
    };
    for request in ["IdentifyRequest", "LoginRequest", "LogoutRequest", "TrackRequest", "SearchRequest"] {
        assert_eq!(max(request, "identifiers"), MAX_IDENTIFIERS, "{request}");
    }
    assert_eq!(max("ModifyRequest", "changes"), MAX_IDENTIFIERS);
    for request in ["BatchResolveRequest", "StreamResolveRequest"] {
        assert_eq!(max(request, "calls"), crate::decode::MAX_CALLS);
    }
    assert_eq!(max("ImportProfilesRequest", "profiles"), crate::decode::MAX_PROFILES);
    for message in ["ImportProfilesRequest", "ImportedProfile"] {
        assert_eq!(max(message, "identifiers"), crate::decode::MAX_PROFILE_IDENTIFIERS, "{message}");
    }
    assert_eq!(max("Policy", "identifier_types"), utterson_engine::policy::MAX_TYPES);
    for message in ["Policy", "IdentifierType"] {
        assert_eq!(max(message, "blocked"), MAX_LIST_PATTERNS, "{message}");
    }
}
