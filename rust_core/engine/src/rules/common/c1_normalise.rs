//! C1 Normalise. Each type's values have one form that is compared, byte for byte: `NONE` (default), `TRIM`, `LOWER`,
//! `EMAIL` or `PHONE` (E.164). Normalising twice changes nothing, the raw form is kept for display, and all tables are of
//! one named Unicode version. A type that the policy does not take is judged by its values as sent. A workspace that 0.1
//! made keeps the forms of 0.1.
//!
//! Source: common to both families; the forms themselves stand in `normalize`.

use std::borrow::Cow;

use crate::normalize::{Normalization, ValueFault, normalize};
use crate::policy::TypeSettings;
use crate::rules_version::RulesVersion;

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
