//! M1 One owner: an identifier belongs to at most one profile of the workspace.
//!
//! Source: the seed, "pre-existing user profiles with one or more matching externalIds". The index keeps one holder
//! an identifier, the table's key forbids a second, and nothing of this family attaches an identifier that has one.

use crate::ids::{Day, Serial};
use crate::keyed::digest::Digest;
use crate::state::State;
use crate::state::index::Near;

/// The live profile that owns an identifier.
pub(crate) fn owner(state: &State, digest: Digest) -> Option<Serial> {
    held(state, Near::UNKNOWN, digest).map(|(owner, _)| owner)
}

/// As [`owner`], with the day on which the identifier was last seen; it is looked for where it most likely is.
pub(crate) fn held(state: &State, near: Near, digest: Digest) -> Option<(Serial, Day)> {
    state.index.first_near(near, digest).map(|entry| (state.profiles.root(entry.serial), entry.seen_day))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::testing::calls::{MERGE, any_calls, identify, modify};
    use crate::testing::{World, cases, policies};

    proptest! {
        #![proptest_config(cases(200))]

        #[test]
        fn every_identifier_has_one_owner_at_most(
            (spec, later) in (policies::any_merge(), policies::any_merge()),
            (calls, more) in (any_calls(MERGE, 15), any_calls(MERGE, 10)),
        ) {
            let mut look = |step: &crate::testing::Step<'_>| {
                for (serial, person) in step.after.live() {
                    for identifier in person.identifiers.keys() {
                        prop_assert_eq!(step.after.holders(identifier).len(), 1, "{:?}", identifier);
                        let digest = step.world.state.digester.identifier(&identifier.0, &identifier.1);
                        prop_assert_eq!(super::owner(&step.world.state, digest), Some(serial));
                    }
                }
                Ok(())
            };
            let mut world = World::new(&spec);
            world.watch(&calls, &mut look)?;
            world.change_policy(&later);
            world.watch(&more, &mut look)?;
        }
    }

    #[test]
    fn the_survivor_owns_what_a_joined_profile_got() {
        let mut world = World::new(&policies::boundless());
        world.accept(&identify("email=1"));
        world.accept(&identify("email=2"));
        world.accept(&identify("email=1 email=2"));
        assert_eq!(world.serial(&identify("email=2")), 1);
        world.accept(&identify("email=3"));
        world.accept(&modify(3, &[("email", "", "2")]));
        assert_eq!(world.serial(&identify("email=2")), 3);
    }
}
