//! Reads a message field by field and lends out its texts, where prost would copy each into a string of its own.
//!
//! Only the fields that every call has are read here; what is rare or nested goes to prost. Both read the same bytes
//! alike, malformed ones too; a test compares them.

use prost::encoding::{DecodeContext, WireType, check_wire_type, decode_key, decode_varint, message, skip_field};
use prost::{DecodeError, Message};

/// The bytes are no such message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

impl From<DecodeError> for Broken {
    fn from(_: DecodeError) -> Self {
        Self
    }
}

/// A number, nearly always of one byte.
#[inline]
fn varint(left: &mut &[u8]) -> Result<u64, Broken> {
    if let [byte @ ..0x80, rest @ ..] = *left {
        *left = rest;
        return Ok(u64::from(*byte));
    }
    Ok(decode_varint(left)?)
}

/// A field's key, nearly always of one byte.
#[inline]
fn key(left: &mut &[u8]) -> Result<(u32, WireType), Broken> {
    let [byte @ 0x08..0x80, rest @ ..] = *left else { return Ok(decode_key(left)?) };
    let wire_type = match byte & 7 {
        0 => WireType::Varint,
        2 => WireType::LengthDelimited,
        _ => return Ok(decode_key(left)?),
    };
    *left = rest;
    Ok((u32::from(byte >> 3), wire_type))
}

/// The bytes of a message that are not read yet.
pub(super) struct Reader<'m>(&'m [u8]);

/// A field whose tag is known and whose value comes next.
pub(super) struct Field<'r, 'm> {
    /// Its tag.
    pub tag: u32,
    wire_type: WireType,
    left: &'r mut &'m [u8],
}

impl<'m> Reader<'m> {
    pub fn new(bytes: &'m [u8]) -> Self {
        Self(bytes)
    }

    /// The next field, which must be read before the one after.
    #[inline]
    pub fn next(&mut self) -> Result<Option<Field<'_, 'm>>, Broken> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (tag, wire_type) = key(&mut self.0)?;
        Ok(Some(Field { tag, wire_type, left: &mut self.0 }))
    }
}

impl<'m> Field<'_, 'm> {
    /// A `bytes`, or a message that is read later.
    #[inline]
    pub fn bytes(self) -> Result<&'m [u8], Broken> {
        check_wire_type(WireType::LengthDelimited, self.wire_type)?;
        let length = varint(self.left)?;
        match usize::try_from(length).ok().and_then(|length| self.left.split_at_checked(length)) {
            Some((bytes, rest)) => {
                *self.left = rest;
                Ok(bytes)
            }
            None => Err(Broken),
        }
    }

    /// A `string`.
    #[inline]
    pub fn text(self) -> Result<&'m str, Broken> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| Broken)
    }

    /// A number, as it stands on the wire.
    #[inline]
    pub fn number(self) -> Result<u64, Broken> {
        check_wire_type(WireType::Varint, self.wire_type)?;
        varint(self.left)
    }

    /// A number of 64 bits.
    #[inline]
    pub fn signed(self) -> Result<i64, Broken> {
        self.number().map(u64::cast_signed)
    }

    /// An enum, cut to its 32 bits as protobuf does.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the wire's own rule")]
    pub fn enumeration(self) -> Result<i32, Broken> {
        self.number().map(|number| number as i32)
    }

    /// A flag.
    #[inline]
    pub fn flag(self) -> Result<bool, Broken> {
        self.number().map(|number| number != 0)
    }

    /// A message, on top of what an earlier field of its tag told.
    pub fn merge<M: Message + Default>(self, into: &mut Option<M>) -> Result<(), Broken> {
        Ok(message::merge(self.wire_type, into.get_or_insert_default(), self.left, DecodeContext::default())?)
    }

    /// A field of another version of the API.
    pub fn skip(self) -> Result<(), Broken> {
        Ok(skip_field(self.wire_type, self.tag, self.left, DecodeContext::default())?)
    }
}
