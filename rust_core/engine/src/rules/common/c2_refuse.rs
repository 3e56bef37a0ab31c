//! C2 Refuse (`INVALID_ARGUMENT`, nothing changes): no identifier at all; more than 32 as sent; an empty type or value;
//! a type outside `[a-z][a-z0-9_.]{0,62}`; and, judged after C1, U+0000, control, unassigned or format characters in
//! a value and values over 512 bytes.
//!
//! The shape is judged when a call is decoded ([`check_shape`]), the normalised value when its policy is known.
//!
//! Source: common to both families.

use std::borrow::Cow;

use crate::call::{Call, RawIdentifier};
use crate::fault::{Fault, Reason, Violation};
use crate::normalize::{ValueFault, is_plain, judge, judge_raw};
use crate::policy::{Policy, TypeSettings, is_type_name};
use crate::rules::common::c1_normalise;

/// The most identifiers, or changes, of one call, as sent.
pub const MAX_IDENTIFIERS: usize = 32;

/// What an identifier type's name must be.
pub const TYPE_NAME: &str = "must match [a-z][a-z0-9_.]{0,62}";

/// Checks the shape of a call's identifiers, which stand at `path`.
///
/// # Errors
///
/// One fault that names every field that breaks its rule.
pub fn check_shape(identifiers: &[RawIdentifier<'_>], path: &str) -> Result<(), Fault> {
    if identifiers.len() > MAX_IDENTIFIERS {
        return Err(Fault::field(path, format!("must hold at most {MAX_IDENTIFIERS} identifiers")));
    }
    check_shape_unbounded(identifiers, path)
}

/// As [`check_shape`], for imports: any number of identifiers, but at least one.
///
/// # Errors
///
/// One fault that names every field that breaks its rule.
pub fn check_shape_unbounded(identifiers: &[RawIdentifier<'_>], path: &str) -> Result<(), Fault> {
    if identifiers.is_empty() {
        return Err(Fault::field(path, "must hold at least one identifier"));
    }
    let mut violations = Vec::new();
    for (position, identifier) in identifiers.iter().enumerate() {
        check_one(identifier, position, path, &mut violations);
    }
    if violations.is_empty() { Ok(()) } else { Err(Fault::fields(Reason::FieldInvalid, violations)) }
}

/// Checks the shape of one identifier, which stands at a position of `path`; tells whether it is good.
pub fn check_one(identifier: &RawIdentifier<'_>, position: usize, path: &str, violations: &mut Vec<Violation>) -> bool {
    let before = violations.len();
    if !is_type_name(&identifier.type_name) {
        violations.push(Violation::new(format!("{path}[{position}].type"), TYPE_NAME));
    }
    if let Err(fault) = judge_raw(&identifier.value) {
        violations.push(Violation::new(format!("{path}[{position}].value"), fault.description()));
    }
    violations.len() == before
}

/// Checks every value of a call after C1, in calls whose values are not about to be prepared.
pub(crate) fn check_values(policy: &Policy, call: &Call) -> Result<(), Fault> {
    let mut violations = Vec::new();
    let mut check = |type_name: &str, value: &str, path: String| {
        let settings = policy.settings_of(type_name).settings();
        if let Err(fault) = normalised(settings, value) {
            violations.push(Violation::new(path, fault.description()));
        }
    };
    for (index, identifier) in call.identifiers.iter().enumerate() {
        check(&identifier.type_name, &identifier.value, format!("identifiers[{index}].value"));
    }
    for (index, change) in call.changes.iter().enumerate() {
        for (value, field) in [(&change.old_value, "old_value"), (&change.new_value, "new_value")] {
            if !value.is_empty() {
                check(&change.type_name, value, format!("changes[{index}].{field}"));
            }
        }
    }
    if violations.is_empty() { Ok(()) } else { Err(Fault::fields(Reason::FieldInvalid, violations)) }
}

/// C1, then what C2 says of the form that it makes.
#[inline]
pub(crate) fn normalised<'a>(settings: Option<&TypeSettings>, raw: &'a str) -> Result<Cow<'a, str>, ValueFault> {
    if is_plain(raw) && settings.is_none_or(|settings| settings.normalization.keeps_plain()) {
        return Ok(Cow::Borrowed(raw));
    }
    normalised_at_length(settings, raw)
}

fn normalised_at_length<'a>(settings: Option<&TypeSettings>, raw: &'a str) -> Result<Cow<'a, str>, ValueFault> {
    judge_raw(raw)?;
    let normalized = c1_normalise::normalise(settings, raw)?;
    judge(&normalized)?;
    Ok(normalized)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::normalize::Normalization;
    use crate::numbered::Numbered;
    use crate::testing::cases;

    proptest! {
        #![proptest_config(cases(2_000))]

        #[test]
        fn the_short_cut_says_what_the_rules_say(
            raw in prop_oneof!["[ -~]{0,40}", "[!-~]{0,9}[ \\t\0\\nAé]?[a-z0-9]{0,12}", "[!-@]{505,515}", "[+]?[0-9 ]{0,16}"],
            form in prop::option::weighted(0.9, prop::sample::select(Normalization::ALL)),
        ) {
            let settings = form.map(|normalization| TypeSettings { normalization, ..TypeSettings::plain() });
            prop_assert_eq!(normalised(settings.as_ref(), &raw), normalised_at_length(settings.as_ref(), &raw));
        }
    }

    fn identifier<'c>(type_name: &'c str, value: &'c str) -> RawIdentifier<'c> {
        RawIdentifier { type_name: type_name.into(), value: value.into() }
    }

    fn fields(identifiers: &[RawIdentifier<'_>]) -> Vec<String> {
        let violations = check_shape(identifiers, "identifiers").map_or_else(|fault| fault.violations, |()| Vec::new());
        violations.into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn a_call_has_one_to_thirty_two_identifiers() {
        let one = identifier("a", "x");
        assert_eq!(fields(&[]), ["identifiers"]);
        assert_eq!(fields(&vec![one.clone(); MAX_IDENTIFIERS]), Vec::<String>::new());
        assert_eq!(fields(&vec![one.clone(); MAX_IDENTIFIERS + 1]), ["identifiers"]);
        assert_eq!(check_shape_unbounded(&vec![one; 1000], "identifiers"), Ok(()));
        assert!(check_shape_unbounded(&[], "identifiers").is_err());
    }

    #[test]
    fn every_field_at_fault_is_named() {
        let identifiers = [identifier("", ""), identifier("a", "x"), identifier("A b", "x\0"), identifier("b", "\n")];
        let expected = ["identifiers[0].type", "identifiers[0].value", "identifiers[2].type", "identifiers[2].value"];
        assert_eq!(fields(&identifiers), expected);
    }

    #[test]
    fn values_are_judged_in_the_form_that_is_compared() {
        let trim = TypeSettings { normalization: Normalization::Trim, ..TypeSettings::plain() };
        assert_eq!(normalised(Some(&trim), "\tx\n").as_deref(), Ok("x"));
        assert_eq!(normalised(None, "\tx\n"), Err(ValueFault::Control));
        assert_eq!(normalised(Some(&trim), " \u{3000} "), Err(ValueFault::Empty));
        assert_eq!(normalised(Some(&trim), &format!("{}x", " ".repeat(600))).as_deref(), Ok("x"));
        let email = TypeSettings { normalization: Normalization::Email, ..TypeSettings::plain() };
        assert_eq!(normalised(Some(&email), &"\u{fdfa}".repeat(100)), Err(ValueFault::TooLong));
    }
}
