//! The request id that a caller sends, and the one that it is told.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The name of the metadata key.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// A longer one is not taken over.
const LENGTH_MAX: usize = 128;

/// The caller's own id, if it sent one that is taken over.
pub fn sent(headers: &HeaderMap<HeaderValue>) -> Option<HeaderValue> {
    let value = headers.get(HEADER)?;
    (!value.is_empty() && value.len() <= LENGTH_MAX && value.to_str().is_ok()).then(|| value.clone())
}

/// Makes an id for a call that the front refuses and that brought none.
pub fn made() -> HeaderValue {
    let number = getrandom::u64().unwrap_or_default();
    HeaderValue::try_from(format!("{number:016x}")).unwrap_or_else(|_| HeaderValue::from_static("none"))
}
