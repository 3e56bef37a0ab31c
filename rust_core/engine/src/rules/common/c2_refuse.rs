//! C2 Refuse (`INVALID_ARGUMENT`, nothing changes): no identifier at all; more than 32 as sent; an empty type; a type
//! outside `[a-z][a-z0-9_.]{0,62}`; U+0000 in a value. What else is wrong with a value alone makes it *invalid*, which C12
//! follows: empty, control, unassigned or format characters, over 512 bytes, judged after C1.
//!
//! The shape is judged when a call is decoded ([`check_shape`]), values in [`prepare`](crate::rules::common::prepare)
//! when their policy is known.
//!
//! Source: common to both families.

use crate::call::{Call, RawIdentifier};
use crate::fault::{Fault, Reason, Violation};
use crate::normalize::judge_raw;
use crate::policy::{Policy, is_type_name};
use crate::rules::common::prepare;

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

/// Checks every value of a call after C1, as 0.1 did before anything else.
pub(crate) fn check_values(policy: &Policy, call: &Call) -> Result<(), Fault> {
    let mut violations = Vec::new();
    let mut check = |type_name: &str, value: &str, path: String| {
        let settings = policy.settings_of(type_name).settings();
        if let Err(fault) = prepare::good_form(policy, settings, value) {
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let expected = ["identifiers[0].type", "identifiers[2].type", "identifiers[2].value"];
        assert_eq!(fields(&identifiers), expected);
    }
}
