//! One form for each value: what rule C1 makes of it, and what rule C2 lets pass.
//!
//! All tables are of one named Unicode version, that of the ICU4X crates, never that of the compiler's standard
//! library: a value must mean the same to every build of this crate, to every replica and to the reference model.

mod email;
mod form;
mod joiners;
mod judge;
mod phone;
mod region;
mod rules_0;
mod text;

use std::borrow::Cow;
use std::fmt;

pub use form::Normalization;
pub use judge::{MAX_VALUE_BYTES, is_plain, judge, judge_raw};
pub use region::Region;
pub use text::trim;

use crate::rules_version::RulesVersion;

/// The Unicode version of every table used here. A test compares it with the tables themselves.
pub const UNICODE_VERSION: &str = "18.0.0";

/// The version of Google's libphonenumber tables behind `PHONE`.
pub const PHONE_METADATA_VERSION: &str = "9.0.42";

/// Why a value is refused. Never holds the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueFault {
    /// Nothing is there, or nothing is left after normalising.
    Empty,
    /// Longer than [`MAX_VALUE_BYTES`] after normalising.
    TooLong,
    /// It holds U+0000.
    Nul,
    /// It holds a control character.
    Control,
    /// It holds an invisible format character, such as a zero-width space or a change of direction.
    Format,
    /// It holds a code point that Unicode does not assign.
    Unassigned,
    /// It is no phone number that can be dialled from everywhere.
    Phone,
}

impl ValueFault {
    /// What a value must be.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Empty => "must not be empty (after normalising)",
            Self::TooLong => "must be at most 512 bytes long (after normalising)",
            Self::Nul => "must not hold the character U+0000",
            Self::Control => "must not hold control characters",
            Self::Format => "must not hold invisible format characters",
            Self::Unassigned => "must not hold code points that Unicode does not assign",
            Self::Phone => {
                "must be a phone number of digits and separators, without an extension, with a leading + or in the form of its type's region"
            }
        }
    }
}

impl fmt::Display for ValueFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.description())
    }
}

impl std::error::Error for ValueFault {}

// NFKC makes a value up to eleven times longer, so a value without bound would take memory without bound. It makes
// none shorter than a quarter, and case folding none shorter than a third: a value longer than this, white space at
// its ends apart, is longer than MAX_VALUE_BYTES in its final form too. A domain may lose what nobody sees, but one of
// thousands of such characters is nobody's either.
const MAX_RAW_BYTES: usize = MAX_VALUE_BYTES * 16;

/// Rule C1: the form of `raw` that a workspace of these rules compares, byte for byte. Normalising it again changes
/// nothing.
///
/// # Errors
///
/// [`ValueFault::Phone`] where no phone number can be read; [`ValueFault::TooLong`] where the value is so long that
/// its form could only be refused. Every other judgement is [`judge`]'s.
pub fn normalize(
    rules: RulesVersion,
    normalization: Normalization,
    region: Option<Region>,
    raw: &str,
) -> Result<Cow<'_, str>, ValueFault> {
    match rules {
        RulesVersion::Zero => return rules_0::normalize(normalization, region, raw),
        RulesVersion::One => {}
    }
    match normalization {
        Normalization::None => Ok(Cow::Borrowed(raw)),
        Normalization::Trim | Normalization::Lower if trim(raw).len() > MAX_RAW_BYTES => Err(ValueFault::TooLong),
        Normalization::Trim => Ok(text::trimmed(raw)),
        Normalization::Lower => Ok(text::lower(raw)),
        Normalization::Email => email::normalize(raw),
        Normalization::Phone => phone::normalize(region, raw).map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests;
