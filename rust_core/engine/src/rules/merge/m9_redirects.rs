//! M9 Every old id keeps working: a merged-away profile's id reads as the survivor, transitively.
//!
//! Source: the seed keeps profiles, not ids; an id that was ever answered may be stored by a caller. Implemented by the
//! state: a merge notes the survivor on the profile that goes ([`Profiles::root`](crate::state::profiles::Profiles)),
//! and [`State::serial_of`](crate::state::State::serial_of) knows every id that was ever made. No row is re-pointed, so
//! a merge costs the same whatever the profiles hold. The test holds the whole to it.

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use crate::call::CallKind;
    use crate::ids::{ProfileId, Serial};
    use crate::testing::calls::{MERGE, any_calls, identify, modify};
    use crate::testing::{Step, World, answer, cases, id_of, policies};

    /// Every id that answers told, with the serial that it stood for.
    #[derive(Default)]
    struct Told(BTreeMap<ProfileId, Serial>);

    impl Told {
        fn note(&mut self, step: &Step<'_>) {
            let Some(answer) = step.answer() else { return };
            let changed = answer.changes.iter().map(|one| one.profile);
            for id in answer.profile.into_iter().chain(answer.merged.iter().copied()).chain(changed) {
                let serial = step.world.state.serial_of(id).expect("an id that was answered");
                let before = *self.0.entry(id).or_insert(serial);
                assert_eq!(before, serial, "an id stands for one profile for ever");
            }
        }

        fn all_work(&self, step: &Step<'_>) -> Result<(), TestCaseError> {
            let state = &step.world.state;
            for (&id, &serial) in &self.0 {
                prop_assert!(id.0 > 0);
                prop_assert_eq!(state.serial_of(id), Some(serial));
                let root = state.profiles.root(serial);
                prop_assert_eq!(root, step.after.root(serial));
                prop_assert!(state.profiles.redirect(root).is_none(), "the survivor lives");
            }
            let serials: BTreeSet<Serial> = self.0.values().copied().collect();
            prop_assert_eq!(serials.len(), self.0.len());
            Ok(())
        }
    }

    proptest! {
        #![proptest_config(cases(200))]

        #[test]
        fn every_id_ever_answered_reads_as_its_survivor(
            (spec, later) in (policies::any_merge(), policies::any_merge()),
            (calls, more) in (any_calls(MERGE, 25), any_calls(MERGE, 15)),
        ) {
            let mut told = Told::default();
            let mut look = |step: &Step<'_>| {
                told.note(step);
                told.all_work(step)
            };
            let mut world = World::new(&spec);
            world.watch(&calls, &mut look)?;
            world.change_policy(&later);
            world.watch(&more, &mut look)?;
        }

        #[test]
        fn a_modify_by_an_old_id_changes_the_survivor(calls in any_calls(MERGE, 30)) {
            let mut world = World::new(&policies::boundless());
            world.run_all(&calls);
            let everybody: Vec<Serial> = world.view.people.keys().copied().collect();
            for serial in everybody {
                let root = world.view.root(serial);
                let verdict = world.tell(&modify(serial.0, &[("email", "", "fresh")]));
                let answer = answer(&verdict).expect("no limit forbids it");
                prop_assert_eq!(answer.profile, Some(id_of(root.0)));
                prop_assert_eq!(answer.changes[0].profile, id_of(root.0));
            }
        }
    }

    #[test]
    fn the_chain_may_be_long() {
        let mut world = World::new(&policies::boundless());
        for value in ["4", "3", "2", "1"] {
            world.accept(&identify(&format!("a={value}")));
        }
        for event in ["a=1 a=2", "a=2 a=3", "a=3 a=4"] {
            world.accept(&identify(event));
        }
        assert_eq!(world.state.profiles.root(Serial(4)), Serial(1));
        let mut call = modify(4, &[("a", "1", "9")]);
        call.kind = CallKind::Modify;
        assert_eq!(world.serial(&call), 1);
    }
}
