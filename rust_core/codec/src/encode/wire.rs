//! Protobuf as it is written where prost would want a message of owned strings first: fields in order, defaults left
//! out, numbers in as few bytes as they take, so that the bytes are prost's own. The tests compare the two.

/// Writes one message into a buffer. All tags are below 16, so that a key is one byte.
pub(crate) struct Wire<'b>(pub &'b mut Vec<u8>);

/// The wire types of a key.
const VARINT: u8 = 0;
const LENGTH_DELIMITED: u8 = 2;

impl Wire<'_> {
    /// A number; enums and flags too.
    #[inline]
    pub fn number(&mut self, tag: u8, number: u64) {
        if number != 0 {
            self.0.push(tag << 3 | VARINT);
            self.varint(number);
        }
    }

    /// An `int32` or `int64`.
    #[inline]
    pub fn signed(&mut self, tag: u8, number: i64) {
        self.number(tag, number.cast_unsigned());
    }

    /// A `sint64`.
    #[inline]
    pub fn zigzag(&mut self, tag: u8, number: i64) {
        self.signed(tag, number << 1 ^ number >> 63);
    }

    /// A `bytes` or `string`.
    #[inline]
    pub fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.present_bytes(tag, bytes);
        }
    }

    /// A `bytes` that is told though it is empty.
    #[inline]
    pub fn present_bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.0.push(tag << 3 | LENGTH_DELIMITED);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A `string`.
    #[inline]
    pub fn text(&mut self, tag: u8, text: &str) {
        self.bytes(tag, text.as_bytes());
    }

    /// A message within the message, empty or not.
    #[inline]
    pub fn message(&mut self, tag: u8, write: impl FnOnce(&mut Wire<'_>)) {
        // Most messages within messages are short: room for a length of one byte is made, and more where it must be.
        self.0.extend_from_slice(&[tag << 3 | LENGTH_DELIMITED, 0]);
        let begin = self.0.len();
        write(&mut Wire(&mut *self.0));
        let length = self.0.len() - begin;
        match u8::try_from(length) {
            Ok(short) if short < 0x80 => self.0[begin - 1] = short,
            Ok(_) | Err(_) => self.widen(begin, length),
        }
    }

    /// A message of two texts as fields 1 and 2, if neither is empty and the whole is short, as nearly always.
    #[inline]
    pub fn short_texts(&mut self, tag: u8, (one, other): (&str, &str)) -> bool {
        let lengths = (u8::try_from(one.len()), u8::try_from(other.len()));
        let (Ok(first @ 1..0x3e), Ok(second @ 1..0x3e)) = lengths else { return false };
        self.0.extend_from_slice(&[tag << 3 | LENGTH_DELIMITED, first + second + 4, 1 << 3 | LENGTH_DELIMITED, first]);
        self.0.extend_from_slice(one.as_bytes());
        self.0.extend_from_slice(&[2 << 3 | LENGTH_DELIMITED, second]);
        self.0.extend_from_slice(other.as_bytes());
        true
    }

    /// Packed numbers.
    #[inline]
    pub fn packed(&mut self, tag: u8, numbers: impl ExactSizeIterator<Item = u64>) {
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
