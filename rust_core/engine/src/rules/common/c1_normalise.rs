//! C1 Normalise. Each type's values have one form that is compared, byte for byte: `NONE` (default), `TRIM`, `LOWER`,
//! `EMAIL` (NFKC, case folded, NFKC, trimmed) or `PHONE` (E.164). Normalising twice changes nothing, the raw form is
//! kept for display, and all tables are of one named Unicode version. A type that the policy does not take is
//! judged by its values as sent.
//!
//! Source: common to both families; the forms themselves stand in `normalize`.

use std::borrow::Cow;

use crate::normalize::{Normalization, ValueFault, normalize};
use crate::policy::TypeSettings;

/// The form of a value that is compared.
pub(crate) fn normalise<'a>(settings: Option<&TypeSettings>, raw: &'a str) -> Result<Cow<'a, str>, ValueFault> {
    match settings {
        Some(settings) => normalize(settings.normalization, settings.region, raw),
        None => normalize(Normalization::None, None, raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_own_form_decides() {
        let lower = TypeSettings { normalization: Normalization::Lower, ..TypeSettings::plain() };
        assert_eq!(normalise(Some(&lower), "A ").as_deref(), Ok("a "));
        assert_eq!(normalise(Some(&TypeSettings::plain()), "A ").as_deref(), Ok("A "));
        assert_eq!(normalise(None, "A ").as_deref(), Ok("A "));
    }
}
