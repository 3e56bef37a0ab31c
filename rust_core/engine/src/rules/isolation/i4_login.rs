//! I4 Login without any login identifier left after C3 and C4, where the policy has login types (a default type's
//! `login` under ACCEPT counts): `INVALID_ARGUMENT`.
//!
//! Source: the vendor's SDK, which refuses a login request without a login identifier.

use crate::decider::asked::{self, Asked};
use crate::fault::{Fault, Reason};
use crate::policy::Policy;

/// Refuses a Login that logs nobody in.
pub(crate) fn check(policy: &Policy, asked: &[Asked<'_>]) -> Result<(), Fault> {
    let carries = asked::usable(asked).any(|(_, usable)| usable.settings.login);
    if carries || !policy.has_login_types() {
        return Ok(());
    }
    let mut fault = Fault::field("identifiers", "a Login needs a login identifier: send one, or call Identify");
    fault.reason = Reason::LoginIdentifierRequired;
    Err(fault)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::call::CallKind;
    use crate::fault::Reason;
    use crate::plan::Verdict;
    use crate::policy::presets::preset;
    use crate::policy::spec::{OnLogout, OnNewKnownUser, TypeSpec, UnlistedTypes};
    use crate::testing::calls::{ISOLATION, any_calls, call};
    use crate::testing::{World, cases, naive, policies, reason, usable};

    proptest! {
        #![proptest_config(cases(150))]

        #[test]
        fn a_login_needs_a_login_identifier_and_is_else_an_identify(
            spec in policies::any_isolation(),
            history in any_calls(ISOLATION, 12),
        ) {
            let mut world = World::new(&spec);
            for mut call in history {
                world.run(&call);
                call.kind = CallKind::Login;
                let login = world.tell(&call);
                call.kind = CallKind::Identify;
                let identify = world.tell(&call);
                let carries = naive::carries_login(&usable(&world.state.policy, &call, &world.state));
                let refused_anyway = matches!(
                    reason(&identify),
                    Some(Reason::NoUsableIdentifier | Reason::TwoValuesOfUniqueType),
                );
                let flags = |one: &TypeSpec| one.login;
                if refused_anyway || carries || !spec.identifier_types.iter().any(flags) {
                    prop_assert_eq!(format!("{:?}", login), format!("{:?}", identify));
                } else {
                    prop_assert_eq!(reason(&login), Some(Reason::LoginIdentifierRequired));
                }
            }
        }
    }

    #[test]
    fn what_c3_sets_aside_logs_nobody_in() {
        let spec = policies::isolation(false, OnNewKnownUser::CreateProfile, OnLogout::Identify);
        let mut world = World::new(&spec);
        let login = |identifiers| call(CallKind::Login, identifiers);
        assert_eq!(world.refuse(&login("device=1")), Reason::LoginIdentifierRequired);
        assert_eq!(world.refuse(&login("customer=0 device=1")), Reason::LoginIdentifierRequired);
        assert!(matches!(world.run(&login("customer=1 device=1")), Verdict::Resolution(_)));
    }

    #[test]
    fn a_default_types_login_counts_where_unlisted_types_are_accepted() {
        let mut spec = preset("best_match").expect("a preset");
        spec.default_type = Some(TypeSpec { login: true, unique: true, ..TypeSpec::default() });
        let verdict = |spec: &_| reason(&World::new(spec).run(&call(CallKind::Login, "email=1")));
        assert_eq!(verdict(&spec), None);
        spec.unlisted_types = Some(UnlistedTypes::Accept);
        assert_eq!(verdict(&spec), Some(Reason::LoginIdentifierRequired));
    }
}
