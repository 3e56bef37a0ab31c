//! Lines of a file to import: what the quick reader takes is what the line says, read plainly, and nothing less.

use std::time::Duration;

use prost::Message;
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use serde_json::Value as Json;
use utterson_codec::import_line::imported_profile;
use utterson_codec::proto::v1::ImportedProfile;

use crate::allocating::most_held;
use crate::watching::within;

/// What a line of the longest input may take.
const LINE: Duration = Duration::from_millis(2);
/// What a line may take of memory: some times its own length, as each brace may become a message.
const BYTES_A_BYTE: usize = 200;
const BYTES: usize = 1 << 14;
/// The years 1 to 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Reads a line.
///
/// # Panics
///
/// What is read is not what the line says.
pub fn run(line: &[u8]) {
    let (read, held) = most_held(|| within(LINE, "a line", || imported_profile(line)));
    assert!(held <= BYTES + BYTES_A_BYTE * line.len(), "{held} bytes for {}", line.len());
    let Some((encoded, count)) = read else { return };
    let profile = ImportedProfile::decode(&*encoded).expect("what was encoded");
    let told: Json = serde_json::from_slice(line).expect("what was read is JSON");
    let told = told.as_object().expect("a profile is an object");
    let identifiers = told["identifiers"].as_array().expect("a list");
    assert_eq!((profile.identifiers.len(), identifiers.len()), (count, count));
    for (read, told) in profile.identifiers.iter().zip(identifiers) {
        assert_eq!((told["type"].as_str(), told["value"].as_str()), (Some(&*read.r#type), Some(&*read.value)));
        assert_eq!(told.as_object().map(serde_json::Map::len), Some(2), "nothing of an identifier is left out");
    }
    let merges = told.get("merges").map_or(Some(0), Json::as_i64);
    assert_eq!(merges, Some(i64::from(profile.merges)));
    let traits = profile.traits.clone().unwrap_or_default();
    match told.get("traits") {
        None => assert!(traits.fields.is_empty()),
        Some(told) => assert!(is_object(&traits, told), "{traits:?}"),
    }
    assert_eq!(told.contains_key("create_time"), profile.create_time.is_some());
    if let Some(time) = profile.create_time {
        assert!(SECONDS.contains(&time.seconds) && (0..1_000_000_000).contains(&time.nanos), "{time:?}");
    }
    let known = ["identifiers", "merges", "traits", "create_time"];
    assert!(told.keys().all(|key| known.contains(&&**key)), "nothing of a line is left out");
}

fn is_object(read: &Struct, told: &Json) -> bool {
    let Some(told) = told.as_object() else { return false };
    read.fields.len() == told.len()
        && read.fields.iter().all(|(key, value)| told.get(key).is_some_and(|told| is_value(value, told)))
}

fn is_value(read: &Value, told: &Json) -> bool {
    match (&read.kind, told) {
        (Some(Kind::NullValue(_)), Json::Null) => true,
        (Some(Kind::BoolValue(read)), Json::Bool(told)) => read == told,
        (Some(Kind::NumberValue(read)), Json::Number(told)) => {
            told.as_f64().is_some_and(|told| told.to_bits() == read.to_bits())
        }
        (Some(Kind::StringValue(read)), Json::String(told)) => read == told,
        (Some(Kind::ListValue(read)), Json::Array(told)) => {
            read.values.len() == told.len() && read.values.iter().zip(told).all(|(read, told)| is_value(read, told))
        }
        (Some(Kind::StructValue(read)), told) => is_object(read, told),
        _ => false,
    }
}
