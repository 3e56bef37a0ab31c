//! Protobuf as it is written where prost would want a message of owned strings first: fields in order, defaults left
//! out, numbers in as few bytes as they take, so that the bytes are prost's own. The tests compare the two.

use crate::proto::tags::v1::identifier;

/// Writes one message into a buffer. Tags are those of [`crate::proto::tags`], all of them so small that a key is one
/// byte: the build refuses others.
pub(crate) struct Wire<'b>(pub &'b mut Vec<u8>);

/// The wire types of a key.
pub(crate) const VARINT: u8 = 0;
pub(crate) const LENGTH_DELIMITED: u8 = 2;
pub(crate) const FIXED32: u8 = 5;

/// The key of a field.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the build refuses tags whose key is longer")]
pub(crate) const fn key(tag: u32, wire_type: u8) -> u8 {
    (tag as u8) << 3 | wire_type
}

impl Wire<'_> {
    /// A number; enums and flags too.
    #[inline]
    pub fn number(&mut self, tag: u32, number: u64) {
        if number != 0 {
            self.0.push(key(tag, VARINT));
            self.varint(number);
        }
    }

    /// An `int32` or `int64`.
    #[inline]
    pub fn signed(&mut self, tag: u32, number: i64) {
        self.number(tag, number.cast_unsigned());
    }

    /// A `sint64`.
    #[inline]
    pub fn zigzag(&mut self, tag: u32, number: i64) {
        self.signed(tag, number << 1 ^ number >> 63);
    }

    /// A `fixed32` that is told though it is 0.
    #[inline]
    pub fn present_fixed32(&mut self, tag: u32, number: u32) {
        self.0.push(key(tag, FIXED32));
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// A `bytes` or `string`.
    #[inline]
    pub fn bytes(&mut self, tag: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.present_bytes(tag, bytes);
        }
    }

    /// A `bytes` that is told though it is empty.
    #[inline]
    pub fn present_bytes(&mut self, tag: u32, bytes: &[u8]) {
        self.0.push(key(tag, LENGTH_DELIMITED));
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A `string`.
    #[inline]
    pub fn text(&mut self, tag: u32, text: &str) {
        self.bytes(tag, text.as_bytes());
    }

    /// A message within the message, empty or not.
    #[inline]
    pub fn message(&mut self, tag: u32, write: impl FnOnce(&mut Wire<'_>)) {
        // Most messages within messages are short: room for a length of one byte is made, and more where it must be.
        self.0.extend_from_slice(&[key(tag, LENGTH_DELIMITED), 0]);
        let begin = self.0.len();
        write(&mut Wire(&mut *self.0));
        let length = self.0.len() - begin;
        match u8::try_from(length) {
            Ok(short) if short < 0x80 => self.0[begin - 1] = short,
            Ok(_) | Err(_) => self.widen(begin, length),
        }
    }

    /// An `Identifier` if both its texts are short and neither is empty, as nearly always; tells whether it was.
    #[inline]
    pub fn short_identifier(&mut self, tag: u32, (type_name, value): (&str, &str)) -> bool {
        let lengths = (u8::try_from(type_name.len()), u8::try_from(value.len()));
        let (Ok(first @ 1..0x3e), Ok(second @ 1..0x3e)) = lengths else { return false };
        let (type_key, value_key) = (key(identifier::TYPE, LENGTH_DELIMITED), key(identifier::VALUE, LENGTH_DELIMITED));
        self.0.extend_from_slice(&[key(tag, LENGTH_DELIMITED), first + second + 4, type_key, first]);
        self.0.extend_from_slice(type_name.as_bytes());
        self.0.extend_from_slice(&[value_key, second]);
        self.0.extend_from_slice(value.as_bytes());
        true
    }

    /// Packed numbers.
    #[inline]
    pub fn packed(&mut self, tag: u32, numbers: impl ExactSizeIterator<Item = u64>) {
        if numbers.len() > 0 {
            self.message(tag, |wire| numbers.for_each(|number| wire.varint(number)));
        }
    }

    #[cold]
    fn widen(&mut self, begin: usize, length: usize) {
        let mut prefix = Vec::with_capacity(10);
        Wire(&mut prefix).varint(length as u64);
        self.0.splice(begin - 1..begin, prefix);
    }

    #[inline]
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }
}
