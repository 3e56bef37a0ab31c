//! Structs that nest deeper than they may (rule C2), told from bytes: a parser that meets one gives up on the message
//! whole, and cannot say which field it was.

use super::reader::{Broken, Reader};
use super::structs::MAX_NESTING;

/// What a message is, as far as it matters where Structs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// An `Event`.
    Event,
    /// A `google.protobuf.Struct`.
    Struct,
    /// One field of a Struct.
    Entry,
    /// A `google.protobuf.Value`.
    Value,
    /// A `google.protobuf.ListValue`.
    List,
}

impl Holder {
    /// What the field of this tag holds, and how much deeper.
    fn within(self, tag: u32) -> Option<(Self, usize)> {
        match (self, tag) {
            (Self::Event, 2) | (Self::Value, 5) => Some((Self::Struct, 0)),
            (Self::Struct, 1) => Some((Self::Entry, 0)),
            (Self::Value, 6) => Some((Self::List, 0)),
            (Self::Entry, 2) | (Self::List, 1) => Some((Self::Value, 1)),
            _ => None,
        }
    }
}

/// Tells whether a message nests deeper than [`MAX_NESTING`]; no bytes that are no such message do.
pub(super) fn is_too_deep(holder: Holder, message: &[u8]) -> bool {
    is_deeper(holder, message, 0) == Ok(true)
}

/// Goes no deeper than to the first level that is too deep.
fn is_deeper(holder: Holder, message: &[u8], depth: usize) -> Result<bool, Broken> {
    if depth > MAX_NESTING {
        return Ok(true);
    }
    let mut reader = Reader::new(message);
    while let Some(mut field) = reader.next()? {
        match holder.within(field.tag) {
            Some((within, deeper)) if field.has_length() => {
                if is_deeper(within, field.bytes()?, depth + deeper)? {
                    return Ok(true);
                }
            }
            Some(_) | None => field.skip()?,
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use prost_types::value::Kind;
    use prost_types::{ListValue, Struct, Value};

    use super::*;

    /// A Struct whose innermost value is so many levels deep, by lists and Structs in turn.
    fn nested(levels: usize) -> Vec<u8> {
        let value = (1..levels).fold(Value { kind: Some(Kind::BoolValue(true)) }, |inner, level| {
            let kind = if level % 2 == 0 {
                Kind::ListValue(ListValue { values: vec![inner] })
            } else {
                Kind::StructValue(Struct { fields: [("x".to_owned(), inner)].into() })
            };
            Value { kind: Some(kind) }
        });
        Struct { fields: [("traits".to_owned(), value)].into() }.encode_to_vec()
    }

    #[test]
    fn the_bound_is_that_of_what_is_read() {
        assert!(!is_too_deep(Holder::Struct, &nested(MAX_NESTING)));
        assert!(is_too_deep(Holder::Struct, &nested(MAX_NESTING + 1)));
        assert!(is_too_deep(Holder::Struct, &nested(1000)));
    }

    #[test]
    fn what_is_no_message_is_not_deep() {
        let whole = nested(40);
        assert!(!is_too_deep(Holder::Struct, &whole[..whole.len() - 1]));
        assert!(!is_too_deep(Holder::Struct, b"\x0a"));
        assert!(!is_too_deep(Holder::Event, b"\x12\x05hello"));
    }
}
