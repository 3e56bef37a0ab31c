//! Inputs that reach far at once.

use fastrand::Rng;
use prost::Message;
use prost_types::value::Kind;
use prost_types::{Struct, Timestamp, Value};
use utterson_codec::policy;
use utterson_codec::proto::v1;
use utterson_engine::policy::presets;

/// How long drawn inputs are: some choices, and many.
const LENGTHS: [usize; 4] = [16, 80, 300, 1200];

/// Bytes without a form, for targets that draw all they need.
#[must_use]
pub fn any() -> Vec<Vec<u8>> {
    let mut rng = Rng::with_seed(1);
    let mut drawn = |length: usize| -> Vec<u8> { std::iter::repeat_with(|| rng.u8(..)).take(length).collect() };
    LENGTHS.into_iter().flat_map(|length| [length; 4]).map(&mut drawn).collect()
}

/// A request of each kind, with all its fields.
#[must_use]
pub fn decoding() -> Vec<Vec<u8>> {
    let call = v1::call::Call::Track(track());
    let calls = vec![v1::Call { call: Some(call) }, v1::Call { call: Some(v1::call::Call::Modify(modify())) }];
    let workspace = || String::from("w");
    let checked = policy::preset("unify").expect("a preset");
    let requests = [
        identify().encode_to_vec(),
        v1::LoginRequest { workspace: workspace(), identifiers: identifiers(), ..Default::default() }.encode_to_vec(),
        v1::LogoutRequest { workspace: workspace(), identifiers: identifiers(), ..Default::default() }.encode_to_vec(),
        track().encode_to_vec(),
        modify().encode_to_vec(),
        v1::SearchRequest { workspace: workspace(), identifiers: identifiers(), ..Default::default() }.encode_to_vec(),
        v1::BatchResolveRequest { workspace: workspace(), calls: calls.clone() }.encode_to_vec(),
        v1::StreamResolveRequest { sequence: 7, workspace: workspace(), calls }.encode_to_vec(),
        // No message before the last.
        [vec![0], imported().encode_to_vec()].concat(),
        [vec![0, 0x1a], vec![u8::try_from(checked.encoded.len()).unwrap_or(0)], checked.encoded].concat(),
    ];
    (0..).zip(requests).map(|(kind, request)| [vec![kind], request].concat()).collect()
}

fn identifiers() -> Vec<v1::Identifier> {
    let one = |name: &str, value: &str| v1::Identifier { r#type: name.into(), value: value.into() };
    vec![one("email", "ed@hyde.example"), one("user_id", "ß 7")]
}

fn traits() -> Struct {
    let list = Kind::StructValue(Struct { fields: [("b".into(), value(Kind::NumberValue(1.5)))].into() });
    let fields = [("a", Kind::StringValue("x".into())), ("gone", Kind::NullValue(0)), ("c", list)];
    Struct { fields: fields.into_iter().map(|(name, kind)| (name.to_owned(), value(kind))).collect() }
}

fn value(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}

fn identify() -> v1::IdentifyRequest {
    v1::IdentifyRequest {
        workspace: "w".into(),
        identifiers: identifiers(),
        previous_profile_id: 1 << 40,
        event_time: Some(Timestamp { seconds: 1_800_000_000, nanos: 123_456_000 }),
        request_id: "request".into(),
        validate_only: true,
        explain: true,
        consistency: v1::Consistency::Local.into(),
        traits: Some(traits()),
    }
}

fn track() -> v1::TrackRequest {
    let event = v1::Event { name: "seen".into(), properties: Some(traits()), message_id: "message".into() };
    v1::TrackRequest { workspace: "w".into(), identifiers: identifiers(), event: Some(event), ..Default::default() }
}

fn modify() -> v1::ModifyRequest {
    let changes = vec![v1::Change { r#type: "email".into(), old_value: "a".into(), new_value: "b".into() }];
    v1::ModifyRequest { workspace: "w".into(), profile_id: 5, changes, ..Default::default() }
}

fn imported() -> v1::ImportProfilesRequest {
    let profile =
        v1::ImportedProfile { identifiers: identifiers(), traits: Some(traits()), create_time: None, merges: 3 };
    v1::ImportProfilesRequest { workspace: "w".into(), profiles: vec![profile; 2], ..Default::default() }
}

/// Values in each form.
#[must_use]
pub fn normalising() -> Vec<Vec<u8>> {
    let values =
        ["(020) 7946 0958", "+44 20 7946 0958", "1 (555) 123-4567", " Ｅd@Hyde.example ", "STRAßE", "e\u{301}\u{345}"];
    let forms = 0..5_u8;
    forms.flat_map(|form| values.map(|value| [&[form, 1, 0], value.as_bytes()].concat())).collect()
}

/// The presets as they are kept, and drawn ones.
#[must_use]
pub fn policies() -> Vec<Vec<u8>> {
    let kept = presets::NAMES.iter().filter_map(|name| policy::preset(name));
    kept.map(|checked| [vec![0], checked.encoded].concat()).chain(any()).collect()
}

/// Lines with all that a line may say.
#[must_use]
pub fn import_lines() -> Vec<Vec<u8>> {
    let lines = [
        r#"{"identifiers": [{"type": "email", "value": "ed@hyde.example"}, {"type": "a", "value": "\u00df 7"}]}"#,
        r#"{"identifiers": [{"value": "b", "type": "a"}], "create_time": "2024-05-01T12:00:00.5+02:00", "merges": 7}"#,
        r#"{"identifiers": [{"type": "a", "value": "b"}], "traits": {"a": [1, -2.5e3, null, true, {"b": "\ud83d\ude00"}]}}"#,
        r#"{"identifiers": [{"type": "a", "value": "b"}], "traits": {"a": 9007199254740993, "b": 0.1, "b": -0}}"#,
    ];
    lines.into_iter().map(|line| line.as_bytes().to_vec()).collect()
}
