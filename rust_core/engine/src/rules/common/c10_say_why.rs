//! C10 Say why: with `explain`, the answer carries each round: which identifiers were looked for, which profiles were
//! found by which identifier, each check with its figures and verdict, what was demoted, which rule decided.
//!
//! Source: common to both families. Implemented where the rules run: the waterfall and the rounds of M3 note what they
//! see into the call's context ([`explain`](crate::answer::explain)), so an explanation can not tell another story than the
//! decision. Asking for it changes nothing else; the tests hold the whole to it.

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::answer::explain::FOUND_MAX;
    use crate::call::CallKind;
    use crate::plan::Verdict;
    use crate::testing::calls::{call, identify};
    use crate::testing::{World, answer, cases, histories};

    proptest! {
        #![proptest_config(cases(150))]

        #[test]
        fn asking_why_changes_nothing_but_the_explanation(
            [(spec, history), (_, calls)] in histories::any_history(15),
        ) {
            let mut world = World::new(&spec);
            world.run_all(&history);
            for mut call in calls {
                let plain = world.plan(std::slice::from_ref(&call));
                call.explain = true;
                let explained = world.plan(std::slice::from_ref(&call));
                prop_assert_eq!(format!("{:?}", explained.effects), format!("{:?}", plain.effects));
                let mut verdict = explained.decided[0].verdict.clone();
                if let Verdict::Resolution(resolution) = &mut verdict {
                    let explanation = resolution.explanation.take();
                    prop_assert_eq!(explanation.map(|one| one.decided_by), Some(resolution.decided_by));
                }
                prop_assert_eq!(format!("{:?}", verdict), format!("{:?}", plain.decided[0].verdict));
                world.commit(plain);
            }
        }

        #[test]
        fn every_round_tells_who_was_found_by_what(
            [(spec, history), (_, calls)] in histories::any_history(15),
        ) {
            let mut world = World::new(&spec);
            world.run_all(&history);
            for mut call in calls {
                call.explain = true;
                let verdict = world.tell(&call);
                let rounds = answer(&verdict).and_then(|answer| answer.explanation.as_ref()).map(|one| &one.rounds);
                let view = &world.view;
                for round in rounds.into_iter().flatten() {
                    prop_assert_eq!(round.found_count, round.found.len() as u64);
                    for (profile, index) in &round.found {
                        prop_assert!(round.looked_for.contains(index));
                        let serial = world.state.serial_of(*profile).expect("a profile");
                        let sent = &call.identifiers[*index];
                        prop_assert!(view.holds(serial, &(sent.type_name.to_string(), sent.value.to_string())));
                    }
                }
                world.run(&call);
            }
        }
    }

    #[test]
    fn of_many_found_profiles_the_first_hundred_are_told_and_all_are_counted() {
        let spec = crate::policy::presets::preset("profile_conversion").expect("a preset");
        let mut world = World::new(&spec);
        for _ in 0..FOUND_MAX + 5 {
            world.accept(&call(CallKind::Logout, "idfv=1"));
        }
        let mut why = identify("idfv=1");
        why.explain = true;
        let rounds = world.accept(&why).explanation.expect("asked for").rounds;
        assert_eq!((rounds[0].found.len(), rounds[0].found_count), (FOUND_MAX, FOUND_MAX as u64 + 5));
    }
}
