//! Responses around answers that are encoded already: nothing is decoded again.

use prost::DecodeError;
use prost::Message;
use prost::bytes::BufMut;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, int64, key_len};

use crate::proto::tags::v1::{
    batch_resolve_response, call_result, identify_response, login_response, logout_response, modify_response,
    search_response, stream_resolve_response, track_response,
};
use crate::proto::v1;

/// Every unary response has its `resolution` in the same place.
const UNARY_RESOLUTION: u32 = identify_response::RESOLUTION;
const _: () = assert!(
    UNARY_RESOLUTION == login_response::RESOLUTION
        && UNARY_RESOLUTION == logout_response::RESOLUTION
        && UNARY_RESOLUTION == track_response::RESOLUTION
        && UNARY_RESOLUTION == modify_response::RESOLUTION
        && UNARY_RESOLUTION == search_response::RESOLUTION
);

/// Either result of a call takes a key of one length.
const _: () = assert!(call_result::RESOLUTION < 16 && call_result::ERROR < 16);

/// Wraps an encoded `Resolution` into the response of its unary call: all of them have one shape.
#[must_use]
pub fn unary(resolution: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(resolution.len() + 6);
    put(UNARY_RESOLUTION, resolution, &mut bytes);
    bytes
}

/// A `BatchResolveResponse` or `StreamResolveResponse` that is not written yet: it tells its length first, so that
/// megabytes are written once, where they stay.
pub struct Results<B> {
    tag: u32,
    /// The message's own number; zero is not written.
    sequence: i64,
    calls: Vec<(bool, B)>,
}

impl<B: AsRef<[u8]>> Results<B> {
    /// A `BatchResolveResponse` of (accepted?, encoded `Resolution` or `Status`) pairs.
    #[must_use]
    pub fn of_batch(calls: Vec<(bool, B)>) -> Self {
        Self { tag: batch_resolve_response::RESULTS, sequence: 0, calls }
    }

    /// A `StreamResolveResponse` of the same.
    #[must_use]
    pub fn of_stream_message(sequence: i64, calls: Vec<(bool, B)>) -> Self {
        Self { tag: stream_resolve_response::RESULTS, sequence, calls }
    }

    /// How many bytes [`Self::encode`] writes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let sequence = match self.sequence {
            0 => 0,
            sequence => int64::encoded_len(stream_resolve_response::SEQUENCE, &sequence),
        };
        let of_one = |(_, result): &(bool, B)| {
            let inner = size_of_field(call_result::RESOLUTION, result.as_ref().len());
            size_of_field(self.tag, inner)
        };
        sequence + self.calls.iter().map(of_one).sum::<usize>()
    }

    /// Writes the response into bytes of its own.
    #[must_use]
    pub fn encode_to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_len());
        self.encode(&mut bytes);
        bytes
    }

    /// Writes the response; there must be room for it.
    pub fn encode(&self, bytes: &mut impl BufMut) {
        if self.sequence != 0 {
            int64::encode(stream_resolve_response::SEQUENCE, &self.sequence, bytes);
        }
        for (accepted, result) in &self.calls {
            let inner = if *accepted { call_result::RESOLUTION } else { call_result::ERROR };
            encode_key(self.tag, WireType::LengthDelimited, bytes);
            encode_varint(size_of_field(inner, result.as_ref().len()) as u64, bytes);
            put(inner, result.as_ref(), bytes);
        }
    }
}

/// The answer to a repeated call from the recorded one: the explanation is told only where it is asked for.
pub fn repeated_answer(recorded: &[u8], explain: bool) -> Result<Vec<u8>, DecodeError> {
    if explain {
        return Ok(recorded.to_vec());
    }
    let mut resolution = v1::Resolution::decode(recorded)?;
    if resolution.explanation.take().is_none() {
        return Ok(recorded.to_vec());
    }
    Ok(resolution.encode_to_vec())
}

fn size_of_field(tag: u32, length: usize) -> usize {
    key_len(tag) + encoded_len_varint(length as u64) + length
}

fn put(tag: u32, value: &[u8], bytes: &mut impl BufMut) {
    encode_key(tag, WireType::LengthDelimited, bytes);
    encode_varint(value.len() as u64, bytes);
    bytes.put_slice(value);
}
