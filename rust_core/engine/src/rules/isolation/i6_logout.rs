//! I6 Logout: login identifiers in the call are dropped, with a warning, in all three modes; nothing left is refused.
//! `RETURN_TO_ANONYMOUS`: a waterfall over anonymous profiles; none → new. `CREATE_ANONYMOUS`: always a new profile with
//! the identifiers, even if an anonymous one holds them. IDENTIFY: as I3. I5 holds afterwards.
//!
//! Source: the seed's row "User logs out"; the sibling pages.

use crate::answer::explain::RuleId;
use crate::decider::asked::{self, Asked, Usable};
use crate::decider::{Context, Decider, Decision};
use crate::fault::{Fault, Reason, Violation};
use crate::policy::{OnLogout, Strategy};
use crate::rules::common::c5_nothing_usable;
use crate::rules::isolation::i2_waterfall::Filter;
use crate::rules::isolation::i3_identify::{self, Destination};

/// Finds or makes the anonymous profile.
pub(crate) fn logout(
    decider: &mut Decider<'_>,
    context: &mut Context<'_>,
    asked: &[Asked<'_>],
) -> Result<Decision, Fault> {
    let usable: Vec<_> = asked::usable(asked).collect();
    let kept: Vec<(usize, &Usable<'_>)> = usable.iter().copied().filter(|(_, one)| !one.settings.login).collect();
    if kept.is_empty() {
        return Err(if usable.is_empty() { c5_nothing_usable::fault() } else { only_login_identifiers() });
    }
    if kept.len() < usable.len() {
        context.warnings.push("login identifiers on a Logout are dropped".to_owned());
    }
    let Strategy::Isolation { on_logout, .. } = decider.state.policy.strategy() else {
        return Err(c5_nothing_usable::fault());
    };
    let found = match on_logout {
        OnLogout::ReturnToAnonymous => i3_identify::waterfall(decider.state, context, &kept, Filter::Anonymous),
        OnLogout::CreateAnonymous => None,
        OnLogout::Identify => i3_identify::find(decider.state, context, &kept),
    };
    let destination = Destination { usable: &kept, found, source: None, decided_by: RuleId::I6 };
    i3_identify::take_in(decider, context, asked, &destination)
}

/// The refusal of a Logout that says only who leaves, and not where: those are dropped.
fn only_login_identifiers() -> Fault {
    let description =
        "every one that is left is a login identifier, which a Logout drops: send one of the device or the session too";
    Fault::fields(Reason::NoUsableIdentifier, vec![Violation::new("identifiers", description)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::answer::outcome::{Disposition, Outcome};
    use crate::call::CallKind;
    use crate::fault::Reason;
    use crate::policy::Strategy;
    use crate::policy::spec::OnNewKnownUser;
    use crate::testing::calls::{ISOLATION, any_calls, call, identify};
    use crate::testing::{World, cases, naive, policies};

    proptest! {
        #![proptest_config(cases(300))]

        #[test]
        fn the_mode_decides_once_login_identifiers_are_dropped(
            spec in policies::any_isolation(),
            calls in any_calls(ISOLATION.only(&[CallKind::Identify, CallKind::Logout]), 20),
        ) {
            World::new(&spec).watch(&calls, |step| {
                let Some(answer) = step.answer().filter(|_| step.call.kind == CallKind::Logout) else { return Ok(()) };
                let (dropped, kept): (Vec<_>, Vec<_>) =
                    step.usable().into_iter().partition(|(_, one)| one.settings.login);
                let told = answer.identifiers.iter().filter(|one| one.disposition == Disposition::Dropped);
                prop_assert!(told.map(|one| one.index).eq(dropped.iter().map(|(index, _)| *index)));
                prop_assert_eq!(answer.warnings.len(), usize::from(!dropped.is_empty()));
                let previous = step.call.previous_profile.and_then(|id| step.world.state.serial_of(id))
                    .filter(|serial| step.before.people.contains_key(serial));
                let stored = (step.before, step.policy);
                let Strategy::Isolation { on_logout, .. } = step.policy.strategy() else { return Ok(()) };
                let expected = match on_logout {
                    OnLogout::ReturnToAnonymous => naive::waterfall(stored, &kept, Filter::Anonymous, previous),
                    OnLogout::CreateAnonymous => None,
                    OnLogout::Identify => naive::identify(stored, &kept, previous),
                };
                if let Some(serial) = expected { prop_assert_eq!((step.serial(), answer.outcome), (Some(serial), Outcome::Matched)) } else { prop_assert_eq!(answer.outcome, Outcome::Created) }
                prop_assert!(!answer.known);
                Ok(())
            })?;
        }

        #[test]
        fn without_another_identifier_it_is_refused(
            spec in policies::any_isolation(),
            calls in any_calls(ISOLATION.only(&[CallKind::Logout]), 10),
        ) {
            World::new(&spec).watch(&calls, |step| {
                let kept = step.usable().iter().any(|(_, one)| !one.settings.login);
                if step.reason() == Some(Reason::NoUsableIdentifier) {
                    prop_assert!(!kept);
                } else if !kept {
                    prop_assert_eq!(step.reason(), Some(Reason::TwoValuesOfUniqueType));
                }
                Ok(())
            })?;
        }
    }

    #[test]
    fn a_device_returns_to_its_anonymous_profile_or_gets_another() {
        for (on_logout, expected) in
            [(OnLogout::ReturnToAnonymous, 1), (OnLogout::CreateAnonymous, 3), (OnLogout::Identify, 1)]
        {
            let mut world = World::new(&policies::isolation(false, OnNewKnownUser::CreateProfile, on_logout));
            world.accept(&identify("device=1"));
            world.accept(&call(CallKind::Login, "customer=1 device=1"));
            assert_eq!(world.serial(&call(CallKind::Logout, "customer=1 device=1")), expected);
        }
    }
}
