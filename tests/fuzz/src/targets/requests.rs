//! Requests in the one form that says what was understood of them: as the library of messages reads them, without what a
//! call does not use; and as an engine's call says it.

use prost::{DecodeError, Message};
use prost_types::value::Kind;
use prost_types::{Struct, Timestamp, Value};
use utterson_codec::proto::v1;
use utterson_engine::call::{Call, CallKind, Consistency};

/// Writes the fields that requests of all kinds have.
macro_rules! said {
    ($request:ident, $workspace:expr, $call:expr $(, $field:ident: $value:expr)*) => {{
        let call: &Call<'_> = $call;
        v1::$request {
            workspace: $workspace.to_owned(),
            identifiers: identifiers(call),
            previous_profile_id: call.previous_profile.map_or(0, |id| id.0),
            event_time: call.event_time.map(|time| timestamp(time.0)),
            request_id: call.request_id.to_string(),
            validate_only: call.validate_only,
            explain: call.explain,
            consistency: consistency(call),
            $($field: $value),*
        }
        .encode_to_vec()
    }};
}

/// Reads a request, and writes it without what makes no difference.
macro_rules! read {
    ($request:ident, $bytes:expr $(, |$read:ident| $change:expr)?) => {{
        let mut request = v1::$request::decode($bytes)?;
        request.event_time = request.event_time.map(cut);
        $(let $read = &mut request; $change;)?
        request.encode_to_vec()
    }};
}

/// A request as an accepted call says it.
#[must_use]
pub fn of_call(workspace: &str, call: &Call<'_>) -> Vec<u8> {
    match call.kind {
        CallKind::Identify => said!(IdentifyRequest, workspace, call, traits: traits(call)),
        CallKind::Login => said!(LoginRequest, workspace, call, traits: traits(call)),
        CallKind::Logout => said!(LogoutRequest, workspace, call),
        CallKind::Track => said!(TrackRequest, workspace, call, event: event(call)),
        CallKind::Modify => said!(ModifyRequest, workspace, call, profile_id: call.profile.0, changes: changes(call)),
        CallKind::Search => said!(SearchRequest, workspace, call),
        CallKind::Import => Vec::new(),
    }
}

/// A request as the library of messages reads it.
///
/// # Errors
///
/// The bytes are no such request.
pub fn of_bytes(kind: CallKind, bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    Ok(match kind {
        CallKind::Identify => read!(IdentifyRequest, bytes, |read| clean(&mut read.traits)),
        CallKind::Login => read!(LoginRequest, bytes, |read| clean(&mut read.traits)),
        CallKind::Logout => read!(LogoutRequest, bytes),
        CallKind::Track => read!(TrackRequest, bytes, |read| clean_event(&mut read.event)),
        // What a Modify and a Search do not use is not kept.
        CallKind::Modify => read!(ModifyRequest, bytes, |read| read.previous_profile_id = 0),
        CallKind::Search => read!(SearchRequest, bytes, |read| {
            (read.event_time, read.validate_only) = (None, false);
            read.request_id.clear();
        }),
        CallKind::Import => Vec::new(),
    })
}

fn identifiers(call: &Call<'_>) -> Vec<v1::Identifier> {
    let sent = call.identifiers.iter();
    sent.map(|one| v1::Identifier { r#type: one.type_name.to_string(), value: one.value.to_string() }).collect()
}

fn timestamp(micros: i64) -> Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(1_000_000)).unwrap_or(0) * 1_000;
    Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

fn cut(time: Timestamp) -> Timestamp {
    Timestamp { nanos: time.nanos / 1_000 * 1_000, ..time }
}

fn consistency(call: &Call<'_>) -> i32 {
    match call.consistency {
        Consistency::Default => v1::Consistency::Unspecified.into(),
        Consistency::Strong => v1::Consistency::Strong.into(),
        Consistency::Local => v1::Consistency::Local.into(),
    }
}

fn null() -> Value {
    Value { kind: Some(Kind::NullValue(0)) }
}

fn traits(call: &Call<'_>) -> Option<Struct> {
    let value = |encoded: &Option<Vec<u8>>| {
        encoded.as_ref().map_or_else(null, |bytes| Value::decode(&bytes[..]).expect("a value that was kept"))
    };
    let fields = call.traits.iter().map(|one| (one.name.clone(), value(&one.value))).collect();
    (!call.traits.is_empty()).then_some(Struct { fields })
}

/// Any null removes, and no traits are none.
fn clean(traits: &mut Option<Struct>) {
    for value in traits.iter_mut().flat_map(|traits| traits.fields.values_mut()) {
        if matches!(value.kind, Some(Kind::NullValue(_))) {
            *value = null();
        }
    }
    if traits.as_ref().is_some_and(|traits| traits.fields.is_empty()) {
        *traits = None;
    }
}

fn event(call: &Call<'_>) -> Option<v1::Event> {
    let properties = (!call.event.properties.is_empty())
        .then(|| Struct::decode(&call.event.properties[..]).expect("properties that were kept"));
    let (name, message_id) = (call.event.name.clone(), call.event.message_id.clone());
    let event = v1::Event { name, properties, message_id };
    (event != v1::Event::default()).then_some(event)
}

fn clean_event(event: &mut Option<v1::Event>) {
    if let Some(event) = event
        && event.properties.as_ref().is_some_and(|properties| properties.fields.is_empty())
    {
        event.properties = None;
    }
    if *event == Some(v1::Event::default()) {
        *event = None;
    }
}

fn changes(call: &Call<'_>) -> Vec<v1::Change> {
    let asked = call.changes.iter().cloned();
    asked.map(|one| v1::Change { r#type: one.type_name, old_value: one.old_value, new_value: one.new_value }).collect()
}
