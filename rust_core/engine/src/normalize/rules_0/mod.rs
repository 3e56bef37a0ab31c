//! The forms of 0.1, by which workspaces that it made compare values for good: their digests are of these forms. Nothing
//! here changes any more.

mod email;
mod phone;
mod text;

use std::borrow::Cow;

use super::text::trim;
use super::{MAX_RAW_BYTES, Normalization, Region, ValueFault};

/// Rule C1 as it was in 0.1.
pub(super) fn normalize(
    normalization: Normalization,
    region: Option<Region>,
    raw: &str,
) -> Result<Cow<'_, str>, ValueFault> {
    match normalization {
        Normalization::None => Ok(Cow::Borrowed(raw)),
        Normalization::Trim => Ok(Cow::Borrowed(trim(raw))),
        // Lower case is never shorter than a third, so the form could only be refused.
        Normalization::Lower if raw.len() > MAX_RAW_BYTES => Err(ValueFault::TooLong),
        Normalization::Lower => Ok(text::lower(raw)),
        Normalization::Email => email::normalize(raw),
        Normalization::Phone => phone::normalize(region, raw).map(Cow::Owned),
    }
}
