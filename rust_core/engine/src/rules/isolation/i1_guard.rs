//! I1 Guard: a profile is eligible for a call iff (it holds no login identifier, or the call carries one of its login
//! identifiers) and (it holds no immutable identifier, or the call carries one of them). One match is enough though
//! another login identifier differs.
//!
//! Source: the seed, "prevent anonymous data from being kept together with the data of logged in users" and "any time
//! an identity request includes an email address or customer ID, mParticle will return a unique Identity Profile".

use crate::decider::asked::Usable;
use crate::ids::Serial;
use crate::keyed::digest::Digest;
use crate::state::State;
use crate::state::index::Holders;

/// What the call shows at the door.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    logins: Vec<Digest>,
    immutables: Vec<Digest>,
}

impl Guard {
    /// The guard of a call that carries these identifiers.
    pub fn new<'a>(usable: impl Iterator<Item = &'a Usable<'a>>) -> Self {
        let mut guard = Self::default();
        for usable in usable {
            if usable.settings.login {
                guard.logins.push(usable.digest);
            }
            if usable.settings.immutable {
                guard.immutables.push(usable.digest);
            }
        }
        guard
    }

    /// Whether the call carries a login identifier at all.
    pub fn carries_login(&self) -> bool {
        !self.logins.is_empty()
    }

    /// Whether the call may be answered with this profile.
    pub fn eligible(&self, state: &State, serial: Serial) -> bool {
        let holds = |digests: &[Digest]| digests.iter().any(|&digest| state.index.holds(digest, serial));
        let row = state.profiles.row(serial);
        let guarded = row.counts.iter().any(|(type_id, _)| state.types.flags(*type_id).immutable);
        (!row.known() || holds(&self.logins)) && (!guarded || holds(&self.immutables))
    }

    /// Every known profile that the call may be answered with, oldest first. Anonymous ones are all eligible, since
    /// an immutable identifier is a login identifier too.
    pub fn eligible_known(&self, state: &State) -> Vec<Serial> {
        let mut known: Vec<Serial> = Vec::new();
        for &digest in &self.logins {
            known.extend(state.index.newest_first(digest, Holders::Known, |serial| state.is_known(serial)));
        }
        known.sort_unstable();
        known.dedup();
        known.retain(|&serial| self.eligible(state, serial));
        known
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::answer::outcome::Outcome;
    use crate::call::CallKind;
    use crate::policy::spec::{OnLogout, OnNewKnownUser};
    use crate::testing::calls::{ISOLATION, any_call, any_calls, call, identify};
    use crate::testing::{World, borrowed, cases, naive, policies, usable};

    fn guard(world: &World, call: &crate::call::Call) -> Guard {
        let usable = usable(&world.state.policy, call, &world.state);
        Guard::new(borrowed(&usable).into_iter().map(|(_, one)| one))
    }

    #[test]
    fn one_match_is_enough_though_another_login_identifier_differs() {
        let mut world = World::new(&policies::isolation(false, OnNewKnownUser::CreateProfile, OnLogout::Identify));
        let serial = Serial(world.serial(&identify("customer=1 email=1")));
        assert!(guard(&world, &identify("customer=1 email=2")).eligible(&world.state, serial));
        assert!(guard(&world, &identify("email=1")).eligible(&world.state, serial));
        assert!(!guard(&world, &identify("customer=2 email=2")).eligible(&world.state, serial));
        assert!(!guard(&world, &identify("device=1")).eligible(&world.state, serial));
    }

    #[test]
    fn an_immutable_identifier_asks_for_itself() {
        let mut world = World::new(&policies::isolation(true, OnNewKnownUser::CreateProfile, OnLogout::Identify));
        let serial = Serial(world.serial(&identify("customer=1 email=1")));
        assert!(guard(&world, &identify("customer=1")).eligible(&world.state, serial));
        assert!(!guard(&world, &identify("email=1")).eligible(&world.state, serial));
        assert!(!guard(&world, &identify("customer=2 email=1")).eligible(&world.state, serial));
    }

    proptest! {
        #![proptest_config(cases(200))]

        #[test]
        fn eligible_is_who_shows_a_key_to_every_lock(
            spec in policies::any_isolation(),
            history in any_calls(ISOLATION, 15),
            last in any_call(ISOLATION),
        ) {
            let mut world = World::new(&spec);
            world.run_all(&history);
            let carried: Vec<_> =
                usable(&world.state.policy, &last, &world.state).iter().map(|(_, one)| naive::name(one)).collect();
            let guard = guard(&world, &last);
            let mut known_and_eligible = Vec::new();
            for (serial, _) in world.view.live() {
                let expected = naive::eligible(&world.view, &world.state.policy, serial, &carried);
                prop_assert_eq!(guard.eligible(&world.state, serial), expected, "profile {:?}", serial);
                if expected && naive::known(&world.view, &world.state.policy, serial) {
                    known_and_eligible.push(serial);
                }
            }
            prop_assert_eq!(guard.eligible_known(&world.state), known_and_eligible);
        }

        #[test]
        fn nobody_else_is_ever_answered(spec in policies::any_isolation(), calls in any_calls(ISOLATION, 20)) {
            World::new(&spec).watch(&calls, |step| {
                let (Some(answer), Some(serial)) = (step.answer(), step.serial()) else { return Ok(()) };
                if answer.outcome != Outcome::Matched || step.call.kind == CallKind::Modify {
                    return Ok(());
                }
                // A Logout shows no login identifier (I6).
                let shown = |login: bool| step.call.kind != CallKind::Logout || !login;
                let carried: Vec<_> = step.usable().iter()
                    .filter(|(_, one)| shown(one.settings.login)).map(|(_, one)| naive::name(one)).collect();
                prop_assert!(naive::eligible(step.before, step.policy, serial, &carried));
                Ok(())
            })?;
        }
    }

    #[test]
    fn a_logout_never_answers_with_a_known_profile() {
        for on_logout in [OnLogout::ReturnToAnonymous, OnLogout::CreateAnonymous, OnLogout::Identify] {
            let mut world = World::new(&policies::isolation(false, OnNewKnownUser::CreateProfile, on_logout));
            world.accept(&identify("customer=1 device=1"));
            let answer = world.accept(&call(CallKind::Logout, "customer=1 device=1"));
            assert!(!answer.known);
        }
    }
}
