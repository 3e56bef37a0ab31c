//! Lines of JSON as profiles to import: the quick way for lines that are beyond doubt.
//!
//! Whatever is at fault, or could be read in two ways, is `None`: whoever asks reads it with care and says what is wrong.
//! So this says nothing of faults, and takes nothing that a careful reader would take otherwise: a key twice, an
//! unknown key, half a character, a whole number beyond 2^53, a time in an uncommon form.

use std::collections::BTreeMap;
use std::fmt;

use prost::Message;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::decode::MAX_NESTING;
use crate::proto::v1;

mod time;

/// Beyond it a double has no longer every whole number.
const MAX_WHOLE: u64 = 1 << 53;

/// Reads a line; gives the encoded `ImportedProfile` and how many identifiers it has.
#[must_use]
pub fn imported_profile(line: &[u8]) -> Option<(Vec<u8>, usize)> {
    let Line(profile) = serde_json::from_slice(line).ok()?;
    Some((profile.encode_to_vec(), profile.identifiers.len()))
}

struct Line(v1::ImportedProfile);

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(LineVisitor).map(Line)
    }
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = v1::ImportedProfile;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a profile")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut identifiers, mut traits, mut create_time, mut merges) = (None, None, None, None);
        while let Some(key) = map.next_key::<Text>()? {
            match key.0.as_str() {
                "identifiers" => once(&mut identifiers, map.next_value::<Vec<Identifier>>()?)?,
                "traits" => once(&mut traits, map.next_value::<Traits>()?)?,
                "create_time" => once(&mut create_time, map.next_value::<Text>()?)?,
                "merges" => once(&mut merges, map.next_value::<u32>()?)?,
                _ => return Err(A::Error::custom("an unknown key")),
            }
        }
        let identifiers = identifiers.filter(|some| !some.is_empty()).ok_or_else(|| A::Error::custom("nobody"))?;
        let time = |Text(text): Text| time::read(&text).ok_or_else(|| A::Error::custom("an uncommon time"));
        let merges = merges.unwrap_or_default();
        if i32::try_from(merges).is_err() {
            return Err(A::Error::custom("too many merges"));
        }
        Ok(v1::ImportedProfile {
            identifiers: identifiers.into_iter().map(|Identifier(one)| one).collect(),
            traits: traits.map(|Traits(one)| one).filter(|one| !one.fields.is_empty()),
            create_time: create_time.map(time).transpose()?,
            merges,
        })
    }
}

fn once<T, E: Error>(place: &mut Option<T>, value: T) -> Result<(), E> {
    if place.replace(value).is_some() { Err(E::custom("a key twice")) } else { Ok(()) }
}

/// A text, and nothing else that could be one.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Text)
    }
}

struct Identifier(v1::Identifier);

impl<'de> Deserialize<'de> for Identifier {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(IdentifierVisitor).map(Identifier)
    }
}

struct IdentifierVisitor;

impl<'de> Visitor<'de> for IdentifierVisitor {
    type Value = v1::Identifier;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a type and a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut name, mut value) = (None, None);
        while let Some(key) = map.next_key::<Text>()? {
            match key.0.as_str() {
                "type" => once(&mut name, map.next_value::<Text>()?)?,
                "value" => once(&mut value, map.next_value::<Text>()?)?,
                _ => return Err(A::Error::custom("an unknown key")),
            }
        }
        match (name, value) {
            (Some(Text(name)), Some(Text(value))) => Ok(v1::Identifier { r#type: name, value }),
            _ => Err(A::Error::custom("half an identifier")),
        }
    }
}

struct Traits(Struct);

impl<'de> Deserialize<'de> for Traits {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(ObjectVisitor { depth: 1 }).map(Traits)
    }
}

/// An object whose values stand at a depth.
struct ObjectVisitor {
    depth: usize,
}

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Struct;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some(Text(key)) = map.next_key::<Text>()? {
            if fields.insert(key, map.next_value_seed(Nested { depth: self.depth })?).is_some() {
                return Err(A::Error::custom("a key twice"));
            }
        }
        Ok(Struct { fields })
    }
}

/// A value at a depth.
#[derive(Clone, Copy)]
struct Nested {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        if self.depth > MAX_NESTING {
            return Err(D::Error::custom("too deep"));
        }
        from.deserialize_any(self).map(|kind| Value { kind: Some(kind) })
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Kind;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a value of JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Kind, E> {
        Ok(Kind::NullValue(0))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::BoolValue(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "not beyond 2^53")]
    fn visit_u64<E: Error>(self, value: u64) -> Result<Kind, E> {
        if value > MAX_WHOLE { Err(E::custom("loses digits")) } else { Ok(Kind::NumberValue(value as f64)) }
    }

    #[expect(clippy::cast_precision_loss, reason = "not beyond 2^53")]
    fn visit_i64<E: Error>(self, value: i64) -> Result<Kind, E> {
        let is_beyond = value.unsigned_abs() > MAX_WHOLE;
        if is_beyond { Err(E::custom("loses digits")) } else { Ok(Kind::NumberValue(value as f64)) }
    }

    #[expect(clippy::cast_precision_loss, reason = "a power of two")]
    fn visit_f64<E: Error>(self, value: f64) -> Result<Kind, E> {
        // A whole number of too many digits comes as a double as well, and so does -0. What is written as 9007199254740993.0
        // has become 2^53 here.
        if value.abs() >= MAX_WHOLE as f64 || (value == 0.0 && value.is_sign_negative()) {
            return Err(E::custom("read it with care"));
        }
        Ok(Kind::NumberValue(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::StringValue(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let inner = Nested { depth: self.depth + 1 };
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Kind::ListValue(ListValue { values }))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Kind, A::Error> {
        ObjectVisitor { depth: self.depth + 1 }.visit_map(map).map(Kind::StructValue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<v1::ImportedProfile> {
        let (encoded, count) = imported_profile(line.as_bytes())?;
        let profile = v1::ImportedProfile::decode(encoded.as_slice()).expect("what was encoded");
        assert_eq!(profile.identifiers.len(), count);
        Some(profile)
    }

    fn with_traits(traits: &str) -> Option<v1::ImportedProfile> {
        read(&format!(r#"{{"identifiers": [{{"type": "a", "value": "b"}}], "traits": {traits}}}"#))
    }

    #[test]
    fn a_profile_is_read() {
        let line = r#" {"merges": 7, "identifiers": [{"value": "Zo\u00eb \ud83d\ude00", "type": "name"}],
            "traits": {"a": [1, -2.5, null, true, {"b": "c"}]}, "create_time": "2024-05-01T14:00:00.5+02:00"} "#;
        let profile = read(line).expect("a profile");
        assert_eq!(profile.identifiers, [v1::Identifier { r#type: "name".into(), value: "Zoë 😀".into() }]);
        assert_eq!(profile.merges, 7);
        let time = profile.create_time.expect("a time");
        assert_eq!((time.seconds, time.nanos), (1_714_564_800, 500_000_000));
        let Some(Kind::ListValue(list)) = &profile.traits.expect("traits").fields["a"].kind else { panic!("a list") };
        assert_eq!(list.values.len(), 5);
        assert_eq!(list.values[1].kind, Some(Kind::NumberValue(-2.5)));
    }

    #[test]
    fn what_is_in_doubt_is_left_to_a_careful_reader() {
        let good = r#"{"identifiers": [{"type": "a", "value": "b"}]}"#;
        assert!(read(good).is_some());
        for line in [
            "",
            "{}",
            r#"[[{"type": "a", "value": "b"}]]"#,
            r#"{"identifiers": []}"#,
            r#"{"identifiers": [["a", "b"]]}"#,
            r#"{"identifiers": [{"type": "a"}]}"#,
            r#"{"identifiers": [{"type": "a", "value": null}]}"#,
            r#"{"identifiers": [{"type": "a", "value": "b", "x": 1}]}"#,
            r#"{"identifiers": [{"type": "a", "value": "b", "type": "c"}]}"#,
            r#"{"identifiers": [{"type": "a", "value": "\ud83d"}]}"#,
            r#"{"identifiers": [{"type": "a", "value": "b"}], "reason": "x"}"#,
            r#"{"identifiers": [{"type": "a", "value": "b"}], "merges": 2147483648}"#,
            r#"{"identifiers": [{"type": "a", "value": "b"}], "merges": 1, "merges": 1}"#,
            r#"{"identifiers": [{"type": "a", "value": "b"}], "create_time": "2024-05-01"}"#,
            &format!("{good}{good}"),
        ] {
            assert!(read(line).is_none(), "{line}");
        }
        assert!(with_traits(r#"{"a": 9007199254740992}"#).is_some());
        for traits in [
            "[]",
            r#"{"a": 9007199254740993}"#,
            r#"{"a": 9007199254740993.0}"#,
            r#"{"a": 12345678901234567890e0}"#,
            r#"{"a": -9007199254740993}"#,
            r#"{"a": 100000000000000000000}"#,
            r#"{"a": 1e400}"#,
            r#"{"a": -0}"#,
            r#"{"a": NaN}"#,
            r#"{"a": 1, "a": 2}"#,
            r#"{"b": {"a": 1, "\u0061": 2}}"#,
        ] {
            assert!(with_traits(traits).is_none(), "{traits}");
        }
        let deep = |levels: usize| format!(r#"{{"a": {}1{}}}"#, "[".repeat(levels), "]".repeat(levels));
        assert!(with_traits(&deep(MAX_NESTING - 1)).is_some());
        assert!(with_traits(&deep(MAX_NESTING)).is_none());
    }
}
