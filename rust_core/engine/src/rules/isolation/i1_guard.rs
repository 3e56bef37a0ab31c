//! I1 Guard: a profile is eligible for a call iff (it holds no login identifier, or the call carries one of its login
//! identifiers) and (it holds no immutable identifier, or the call carries one of them). One match is enough though
//! another login identifier differs (`login_match: ANY`). With `HIGHEST` a profile is also not eligible if, of the login
//! types that both it and the call carry, the highest-ranked one has no value in common.
//!
//! Source: the seed, "prevent anonymous data from being kept together with the data of logged in users" and "any time
//! an identity request includes an email address or customer ID, mParticle will return a unique Identity Profile".

use crate::decider::asked::Usable;
use crate::ids::Serial;
use crate::keyed::digest::Digest;
use crate::policy::{LoginMatch, Strategy};
use crate::rules::isolation::i5_attach::holds_type;
use crate::state::State;
use crate::state::index::Holders;

/// What the call shows at the door.
#[derive(Debug, Default)]
pub(crate) struct Guard<'a> {
    logins: Vec<&'a Usable<'a>>,
    immutables: Vec<Digest>,
}

impl<'a> Guard<'a> {
    /// The guard of a call that carries these identifiers.
    pub fn new(usable: impl Iterator<Item = &'a Usable<'a>>) -> Self {
        let mut guard = Self::default();
        for usable in usable {
            if usable.settings.login {
                guard.logins.push(usable);
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
        let holds = |digest: Digest| state.index.holds(digest, serial);
        let row = state.profiles.row(serial);
        let guarded = row.counts.iter().any(|(type_id, _)| state.types.flags(*type_id).immutable);
        (!row.known() || self.shows_login(state, serial))
            && (!guarded || self.immutables.iter().any(|&digest| holds(digest)))
    }

    /// Whether the call carries one of a known profile's login identifiers, and the right one.
    fn shows_login(&self, state: &State, serial: Serial) -> bool {
        let holds = |one: &&Usable<'_>| state.index.holds(one.digest, serial);
        match login_match(state) {
            LoginMatch::Any => self.logins.iter().any(holds),
            LoginMatch::Highest => {
                let common = self.logins.iter().filter(|one| holds_type(state, serial, one.type_name));
                let highest = common.map(|one| one.rank).min();
                self.logins.iter().filter(|one| Some(one.rank) == highest).any(holds)
            }
        }
    }

    /// Every known profile that the call may be answered with, oldest first. Anonymous ones are all eligible, since
    /// an immutable identifier is a login identifier too.
    pub fn eligible_known(&self, state: &State) -> Vec<Serial> {
        let mut known: Vec<Serial> = Vec::new();
        for one in &self.logins {
            known.extend(state.index.newest_first(one.digest, Holders::Known, |serial| state.is_known(serial)));
        }
        known.sort_unstable();
        known.dedup();
        known.retain(|&serial| self.eligible(state, serial));
        known
    }
}

fn login_match(state: &State) -> LoginMatch {
    match state.policy.strategy() {
        Strategy::Isolation { login_match, .. } => login_match,
        Strategy::Merge { .. } => LoginMatch::Any,
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

    /// Whether a call may be answered with a profile.
    fn eligible(world: &World, call: &crate::call::Call<'_>, serial: Serial) -> bool {
        let usable = usable(&world.state.policy, call, &world.state);
        Guard::new(borrowed(&usable).into_iter().map(|(_, one)| one)).eligible(&world.state, serial)
    }

    #[test]
    fn one_match_is_enough_though_another_login_identifier_differs() {
        let mut world = World::new(&policies::isolation(false, OnNewKnownUser::CreateProfile, OnLogout::Identify));
        let serial = Serial(world.serial(&identify("customer=1 email=1")));
        assert!(eligible(&world, &identify("customer=1 email=2"), serial));
        assert!(eligible(&world, &identify("email=1"), serial));
        assert!(!eligible(&world, &identify("customer=2 email=2"), serial));
        assert!(!eligible(&world, &identify("device=1"), serial));
    }

    #[test]
    fn with_highest_the_most_trusted_login_type_in_common_decides() {
        let spec = policies::isolation(false, OnNewKnownUser::CreateProfile, OnLogout::Identify);
        let mut world = World::new(&policies::matching_highest(spec));
        let serial = Serial(world.serial(&identify("customer=1 email=1")));
        assert!(eligible(&world, &identify("customer=1 email=2"), serial));
        assert!(eligible(&world, &identify("email=1"), serial));
        assert!(!eligible(&world, &identify("customer=2 email=1"), serial), "another customer's mailbox");
        let without = Serial(world.serial(&identify("email=3")));
        assert!(eligible(&world, &identify("customer=2 email=3"), without), "it has no customer");
    }

    #[test]
    fn with_highest_another_customer_gets_a_profile_of_its_own() {
        for (highest, outcome) in [(false, Outcome::Matched), (true, Outcome::Created)] {
            let spec = policies::isolation(false, OnNewKnownUser::CreateProfile, OnLogout::Identify);
            let mut world = World::new(&if highest { policies::matching_highest(spec) } else { spec });
            let first = world.accept(&identify("customer=1 email=1")).profile;
            assert_eq!(world.accept(&identify("customer=2 email=1")).outcome, outcome);
            let again = world.accept(&identify("customer=1"));
            assert_eq!(again.profile == first, highest, "the first customer keeps what is theirs");
        }
    }

    #[test]
    fn an_immutable_identifier_asks_for_itself() {
        let mut world = World::new(&policies::isolation(true, OnNewKnownUser::CreateProfile, OnLogout::Identify));
        let serial = Serial(world.serial(&identify("customer=1 email=1")));
        assert!(eligible(&world, &identify("customer=1"), serial));
        assert!(!eligible(&world, &identify("email=1"), serial));
        assert!(!eligible(&world, &identify("customer=2 email=1"), serial));
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
            let shown = usable(&world.state.policy, &last, &world.state);
            let guard = Guard::new(borrowed(&shown).into_iter().map(|(_, one)| one));
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
