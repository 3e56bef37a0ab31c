//! Reads a message field by field and lends out its texts, where prost would copy each into a string of its own.
//!
//! Only the fields that every call has are read here; what is rare or nested goes to prost. Both read the same bytes
//! alike, malformed ones too; a test compares them.

use prost::encoding::{DecodeContext, WireType, check_wire_type, decode_key, decode_varint, message, skip_field};
use prost::{DecodeError, Message};

/// The bytes are no such message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

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
pub(crate) struct Reader<'m> {
    left: &'m [u8],
    /// The same bytes, where they are text as a whole: then no part of them is looked through again.
    text: Option<&'m str>,
}

/// A field whose tag is known and whose value comes next.
pub(crate) struct Field<'r, 'm> {
    /// Its tag.
    pub tag: u32,
    wire_type: WireType,
    reader: &'r mut Reader<'m>,
}

impl<'m> Reader<'m> {
    pub fn new(bytes: &'m [u8]) -> Self {
        Self { left: bytes, text: None }
    }

    /// A reader of a message with many short texts: keys and lengths below 128 are text, too, so that mostly all of it
    /// is, and one look at the whole takes the place of one at each.
    pub fn of_texts(bytes: &'m [u8]) -> Self {
        Self { left: bytes, text: std::str::from_utf8(bytes).ok() }
    }

    /// The two texts of a message that has nothing but fields 1 and 2, in order and both short.
    #[inline]
    pub fn two_texts(&self) -> Option<(&'m str, &'m str)> {
        let [0x0a, length @ ..0x80, ..] = self.left else { return None };
        let (one, rest) = self.text?.get(2..)?.split_at_checked(usize::from(*length))?;
        let [0x12, length @ ..0x80, ..] = rest.as_bytes() else { return None };
        let other = rest.get(2..)?;
        (other.len() == usize::from(*length)).then_some((one, other))
    }

    /// The next field, which must be read before the one after.
    #[inline]
    pub fn next(&mut self) -> Result<Option<Field<'_, 'm>>, Broken> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let (tag, wire_type) = key(&mut self.left)?;
        Ok(Some(Field { tag, wire_type, reader: self }))
    }
}

impl<'m> Field<'_, 'm> {
    /// Whether the value is told with its length: a text, a message, or numbers packed together.
    pub fn has_length(&self) -> bool {
        matches!(self.wire_type, WireType::LengthDelimited)
    }

    /// A `bytes`, or a message that is read later.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'m [u8], Broken> {
        check_wire_type(WireType::LengthDelimited, self.wire_type)?;
        let length = varint(&mut self.reader.left)?;
        match usize::try_from(length).ok().and_then(|length| self.reader.left.split_at_checked(length)) {
            Some((bytes, rest)) => {
                self.reader.left = rest;
                Ok(bytes)
            }
            None => Err(Broken),
        }
    }

    /// A `string`.
    #[inline]
    pub fn text(mut self) -> Result<&'m str, Broken> {
        let bytes = self.bytes()?;
        match self.reader.text {
            Some(text) => self.within(text, bytes.len()).ok_or(Broken),
            None => std::str::from_utf8(bytes).map_err(|_| Broken),
        }
    }

    /// A message that is read field by field, too.
    #[inline]
    pub fn message(mut self) -> Result<Reader<'m>, Broken> {
        let left = self.bytes()?;
        Ok(Reader { left, text: self.reader.text.and_then(|text| self.within(text, left.len())) })
    }

    /// The last bytes read, so many, as a part of their message's text.
    #[inline]
    fn within(&self, text: &'m str, bytes: usize) -> Option<&'m str> {
        let end = text.len() - self.reader.left.len();
        text.get(end - bytes..end)
    }

    /// A number, as it stands on the wire.
    #[inline]
    pub fn number(self) -> Result<u64, Broken> {
        check_wire_type(WireType::Varint, self.wire_type)?;
        varint(&mut self.reader.left)
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
        Ok(message::merge(
            self.wire_type,
            into.get_or_insert_default(),
            &mut self.reader.left,
            DecodeContext::default(),
        )?)
    }

    /// A field of another version of the API.
    pub fn skip(self) -> Result<(), Broken> {
        Ok(skip_field(self.wire_type, self.tag, &mut self.reader.left, DecodeContext::default())?)
    }
}
