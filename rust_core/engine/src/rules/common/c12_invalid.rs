//! C12 Invalid values. What cannot be an identifier's value, as C1 and C2 say, is refused (`INVALID_ARGUMENT`, the field
//! named) or set aside: the call goes on without it and reports it as INVALID with its reason. The policy's
//! `invalid_identifiers` decides; unset, it is REFUSE in the isolation family and `SET_ASIDE` in the merge family. Judged
//! after C3 and C4, before C6 and C5. Imports refuse always.
//!
//! Source: public reports of lost events (docs/rules.md): a purchase must not be lost over a dirty side field. The
//! isolation family's vendor refuses.

use crate::answer::outcome::InvalidReason;
use crate::decider::asked::Fate;
use crate::normalize::ValueFault;
use crate::policy::InvalidIdentifiers;

/// What becomes of an invalid value; the error is what it must be.
pub(crate) fn follow<'c>(policy: InvalidIdentifiers, fault: ValueFault) -> Result<Fate<'c>, &'static str> {
    match policy {
        InvalidIdentifiers::Refuse => Err(fault.description()),
        InvalidIdentifiers::SetAside => Ok(Fate::Invalid(reason_of(fault))),
    }
}

const fn reason_of(fault: ValueFault) -> InvalidReason {
    match fault {
        ValueFault::Empty => InvalidReason::Empty,
        ValueFault::TooLong => InvalidReason::TooLong,
        // U+0000 is refused before any policy is asked.
        ValueFault::Nul | ValueFault::Control => InvalidReason::ControlCharacter,
        ValueFault::Format => InvalidReason::FormatCharacter,
        ValueFault::Unassigned => InvalidReason::UnassignedCharacter,
        ValueFault::Phone => InvalidReason::NotAPhoneNumber,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::outcome::{Disposition, Outcome};
    use crate::call::CallKind;
    use crate::fault::Reason;
    use crate::normalize::Normalization;
    use crate::plan::Verdict;
    use crate::policy::spec::{OnLogout, OnNewKnownUser, PolicySpec, TypeSpec};
    use crate::testing::calls::sent;
    use crate::testing::{World, policies};

    fn with_phone(spec: PolicySpec, invalid: Option<InvalidIdentifiers>) -> PolicySpec {
        let phone = TypeSpec {
            name: "phone".into(),
            normalization: Some(Normalization::Phone),
            region: "US".into(),
            ..TypeSpec::default()
        };
        let mut spec = PolicySpec { invalid_identifiers: invalid, ..spec };
        spec.identifier_types.push(phone);
        spec
    }

    fn isolation() -> PolicySpec {
        policies::isolation(false, OnNewKnownUser::CreateProfile, OnLogout::Identify)
    }

    const DIRTY: [(&str, &str, InvalidReason); 7] = [
        ("email", "", InvalidReason::Empty),
        ("email", " \u{3000}", InvalidReason::Empty),
        ("email", "a\nb", InvalidReason::ControlCharacter),
        ("email", "a\u{200b}b", InvalidReason::FormatCharacter),
        ("email", "a\u{378}", InvalidReason::UnassignedCharacter),
        ("phone", "+1 202 555 0123 x9", InvalidReason::NotAPhoneNumber),
        ("phone", "555-0123", InvalidReason::NotAPhoneNumber),
    ];

    #[test]
    fn a_dirty_side_field_does_not_cost_the_call() {
        let mut world = World::new(&with_phone(policies::boundless(), None));
        for (type_name, value, reason) in DIRTY {
            let told = world.accept(&sent(CallKind::Track, &[("user", "1"), (type_name, value)]));
            let dirty = told.identifiers[1];
            assert_eq!((dirty.disposition, dirty.invalid), (Disposition::Invalid, Some(reason)), "{value:?}");
        }
        let long = "x".repeat(513);
        let told = world.accept(&sent(CallKind::Track, &[("user", "1"), ("email", &long)]));
        assert_eq!(told.identifiers[1].invalid, Some(InvalidReason::TooLong));
    }

    #[test]
    fn an_unfit_character_is_told_before_the_length_however_long_the_value_is() {
        let mut world = World::new(&with_phone(policies::boundless(), None));
        for repeated in [600, 10_000] {
            for (ending, reason) in [("", InvalidReason::TooLong), ("\u{200b}", InvalidReason::FormatCharacter)] {
                let long = format!("{}{ending}", "é".repeat(repeated));
                let told = world.accept(&sent(CallKind::Track, &[("user", "1"), ("email", &long)]));
                assert_eq!(told.identifiers[1].invalid, Some(reason), "{repeated}");
            }
        }
    }

    #[test]
    fn a_policy_that_refuses_names_the_field() {
        let specs =
            [with_phone(isolation(), None), with_phone(policies::boundless(), Some(InvalidIdentifiers::Refuse))];
        for spec in specs {
            let mut world = World::new(&spec);
            for (type_name, value, _) in DIRTY {
                let verdict = world.run(&sent(CallKind::Track, &[("email", "a"), (type_name, value)]));
                let Verdict::Fault(fault) = verdict else { panic!("accepted: {value:?}") };
                assert_eq!((fault.reason, &*fault.violations[0].field), (Reason::FieldInvalid, "identifiers[1].value"));
            }
        }
    }

    #[test]
    fn nothing_usable_left_is_c5() {
        let mut world = World::new(&with_phone(policies::boundless(), None));
        let told = world.accept(&sent(CallKind::Identify, &[("email", "")]));
        assert_eq!((told.outcome, told.profile), (Outcome::Unresolved, None));
        let mut world = World::new(&with_phone(isolation(), Some(InvalidIdentifiers::SetAside)));
        assert_eq!(world.refuse(&sent(CallKind::Identify, &[("email", "")])), Reason::NoUsableIdentifier);
    }

    #[test]
    fn as_sent_they_are_duplicates_of_each_other() {
        let mut world = World::new(&with_phone(policies::boundless(), None));
        let call = sent(CallKind::Identify, &[("user", "1"), ("phone", "x1"), ("phone", "x1"), ("phone", "X1")]);
        let places: Vec<usize> = world.accept(&call).identifiers.iter().map(|one| one.index).collect();
        assert_eq!(places, [0, 1, 3]);
    }
}
