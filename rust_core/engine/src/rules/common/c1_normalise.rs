//! C1 Normalise. Each type's values have one form that is compared, byte for byte: `NONE` (default), `TRIM`, `LOWER`,
//! `EMAIL` or `PHONE` (E.164). Normalising twice changes nothing, the raw form is kept for display, and all tables are of
//! one named Unicode version. A type that the policy does not take is judged by its values as sent. A workspace that 0.1
//! made keeps the forms of 0.1.
//!
//! Source: common to both families; the forms themselves stand in `normalize`.

use std::borrow::Cow;

use crate::normalize::{Normalization, ValueFault, normalize, trim};
use crate::policy::TypeSettings;
use crate::rules_version::RulesVersion;

/// The most bytes of a raw form that are kept and told.
pub const MAX_RAW_BYTES: usize = 2048;

/// The raw form as it is kept and told: one that is longer than [`MAX_RAW_BYTES`] trimmed, and cut before the first
/// character that does not fit. A value is bounded by its form (C2), which may be short where megabytes were sent.
#[must_use]
pub fn raw_form(sent: &str) -> &str {
    if sent.len() <= MAX_RAW_BYTES {
        return sent;
    }
    let trimmed = trim(sent);
    let end = (0..=MAX_RAW_BYTES.min(trimmed.len())).rev().find(|&end| trimmed.is_char_boundary(end));
    &trimmed[..end.unwrap_or(0)]
}

/// The form of a value that is compared.
pub(crate) fn normalise<'a>(
    rules: RulesVersion,
    settings: Option<&TypeSettings>,
    raw: &'a str,
) -> Result<Cow<'a, str>, ValueFault> {
    match settings {
        Some(settings) => normalize(rules, settings.normalization, settings.region, raw),
        None => normalize(rules, Normalization::None, None, raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_form_is_kept_up_to_its_bound() {
        let (short, long) = ("a".repeat(MAX_RAW_BYTES), "a".repeat(MAX_RAW_BYTES + 1));
        assert_eq!(raw_form(&short), short);
        assert_eq!(raw_form(&long), short);
        assert_eq!(raw_form(&format!("{}x ", " ".repeat(MAX_RAW_BYTES))), "x");
        assert_eq!(raw_form(&"é".repeat(MAX_RAW_BYTES)), "é".repeat(MAX_RAW_BYTES / 2));
        assert_eq!(raw_form(&format!("a{}", "é".repeat(MAX_RAW_BYTES))).len(), MAX_RAW_BYTES - 1);
        assert_eq!(raw_form(&" ".repeat(MAX_RAW_BYTES + 1)), "");
    }

    #[test]
    fn the_types_own_form_decides() {
        let lower = TypeSettings { normalization: Normalization::Lower, ..TypeSettings::plain() };
        let plain = TypeSettings::plain();
        let form = |rules, settings| normalise(rules, settings, "A ").map(Cow::into_owned);
        assert_eq!(form(RulesVersion::One, Some(&lower)).as_deref(), Ok("a"));
        assert_eq!(form(RulesVersion::Zero, Some(&lower)).as_deref(), Ok("a "));
        assert_eq!(form(RulesVersion::One, Some(&plain)).as_deref(), Ok("A "));
        assert_eq!(form(RulesVersion::One, None).as_deref(), Ok("A "));
    }
}
