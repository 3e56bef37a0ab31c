//! The little of protobuf and gRPC framing that is done by hand, because messages are put together and looked into
//! without decoding them.

use bytes::{Buf, BufMut};
use prost::{decode_length_delimiter, encode_length_delimiter, length_delimiter_len};

/// The wire type of a field whose length stands before it.
const LENGTH_DELIMITED: u32 = 2;
/// Bytes before each message: whether it is compressed, and its length.
pub const FRAME_HEADER_BYTES: usize = 5;

/// Bytes that [`put_field`] writes.
pub fn field_len(content: usize) -> usize {
    1 + length_delimiter_len(content) + content
}

/// Writes the head of a length-delimited field; its number is below 16.
pub fn put_field_head(number: u8, content: usize, out: &mut impl BufMut) {
    out.put_u8(number << 3 | 2);
    put_varint(content, out);
}

/// Writes a length-delimited field; its number is below 16.
pub fn put_field(number: u8, content: &[u8], out: &mut impl BufMut) {
    put_field_head(number, content.len(), out);
    out.put_slice(content);
}

/// Writes a number.
pub fn put_varint(number: usize, out: &mut impl BufMut) {
    encode_length_delimiter(number, out).expect("the buffer grows");
}

/// Writes the head of a gRPC frame.
pub fn put_frame_head(content: usize, out: &mut impl BufMut) {
    out.put_u8(0);
    out.put_u32(u32::try_from(content).expect("a message is below 4 GiB"));
}

/// Tells the length of the first gRPC frame, head included, if it is whole.
pub fn whole_frame(bytes: &[u8]) -> Option<usize> {
    let mut head = bytes.get(1..FRAME_HEADER_BYTES)?;
    let length = FRAME_HEADER_BYTES + head.get_u32() as usize;
    (bytes.len() >= length).then_some(length)
}

/// One field of a message, undecoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Field<'a> {
    /// A number.
    Varint(usize),
    /// Text, bytes or a message.
    Content(&'a [u8]),
}

/// Walks over the fields of a message. Ends with `None` in place of a field where the bytes are no such message.
#[derive(Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

/// Begins to walk over the fields of a message.
pub fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u32, Field<'a>)> {
        let key = u32::try_from(decode_length_delimiter(&mut self.rest).ok()?).ok()?;
        let value = decode_length_delimiter(&mut self.rest).ok()?;
        let number = key >> 3;
        match key & 7 {
            _ if number == 0 => None,
            0 => Some((number, Field::Varint(value))),
            LENGTH_DELIMITED => {
                let content = self.rest.split_off(..value)?;
                Some((number, Field::Content(content)))
            }
            _ => None,
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u32, Field<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;
    use utterson_codec::proto::v1;

    #[test]
    fn a_field_written_by_hand_is_prosts() {
        let value = "x".repeat(300);
        let mut bytes = Vec::new();
        put_field(1, b"email", &mut bytes);
        put_field(2, value.as_bytes(), &mut bytes);
        let identifier = v1::Identifier { r#type: "email".into(), value };
        assert_eq!(bytes, identifier.encode_to_vec());
        assert_eq!(bytes.len(), field_len(5) + field_len(300));
    }

    #[test]
    fn fields_are_found_and_rubbish_is_noticed() {
        let message = v1::StreamResolveResponse { sequence: 7, results: vec![v1::CallResult::default()] };
        let bytes = message.encode_to_vec();
        let found: Vec<_> = fields(&bytes).collect();
        assert_eq!(found, [Some((1, Field::Varint(7))), Some((2, Field::Content(&[])))]);
        assert_eq!(fields(&[0; 9]).collect::<Vec<_>>(), [None]);
        assert_eq!(fields(&[0x12, 5, 1]).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn a_frame_is_whole_when_its_last_byte_is_there() {
        let mut bytes = Vec::new();
        put_frame_head(3, &mut bytes);
        bytes.extend([1, 2]);
        assert_eq!(whole_frame(&bytes[..4]), None);
        assert_eq!(whole_frame(&bytes), None);
        bytes.extend([3, 9, 9]);
        assert_eq!(whole_frame(&bytes), Some(8));
    }
}
