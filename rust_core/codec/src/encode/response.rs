//! Responses around answers that are encoded already: nothing is decoded again.

use prost::DecodeError;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, int64};

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

/// Wraps an encoded `Resolution` into the response of its unary call: all of them have one shape.
#[must_use]
pub fn unary(resolution: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(resolution.len() + 6);
    put(UNARY_RESOLUTION, resolution, &mut bytes);
    bytes
}

/// A `BatchResolveResponse` of (accepted?, encoded `Resolution` or `Status`) pairs.
#[must_use]
pub fn batch<B: AsRef<[u8]>>(results: &[(bool, B)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size_of_results(results));
    put_results(batch_resolve_response::RESULTS, results, &mut bytes);
    bytes
}

/// A `StreamResolveResponse` of the same.
#[must_use]
pub fn stream_message<B: AsRef<[u8]>>(sequence: i64, results: &[(bool, B)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size_of_results(results) + 11);
    if sequence != 0 {
        int64::encode(stream_resolve_response::SEQUENCE, &sequence, &mut bytes);
    }
    put_results(stream_resolve_response::RESULTS, results, &mut bytes);
    bytes
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

fn size_of_results<B: AsRef<[u8]>>(results: &[(bool, B)]) -> usize {
    results.iter().map(|(_, result)| result.as_ref().len() + 12).sum()
}

fn put_results<B: AsRef<[u8]>>(tag: u32, results: &[(bool, B)], bytes: &mut Vec<u8>) {
    for (accepted, result) in results {
        let inner = if *accepted { call_result::RESOLUTION } else { call_result::ERROR };
        let length = result.as_ref().len();
        encode_key(tag, WireType::LengthDelimited, bytes);
        // The inner key is one byte, as all of the API's are.
        encode_varint((1 + encoded_len_varint(length as u64) + length) as u64, bytes);
        put(inner, result.as_ref(), bytes);
    }
}

fn put(tag: u32, value: &[u8], bytes: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, bytes);
    encode_varint(value.len() as u64, bytes);
    bytes.extend_from_slice(value);
}
