//! M5 Only growth fails: a profile that exceeds a limit already (rules were tightened) is not locked. M3.2, M3.3 and
//! M3.4 fail only if no single profile of M already holds all of F's values of the type. In a window, F's values are
//! those that count: a value counts iff it was added within (t − window, t], t being the call's event time.
//!
//! Source: the later documents' limits with a window; neither seed says what tightened rules do to profiles that exist.

use crate::rules::merge::values::TypeValues;

/// Whether no single profile of M holds all counting values of F already.
pub(crate) fn grows(values: &TypeValues<'_>) -> bool {
    // Owners are disjoint (M1), so one profile holds all iff it holds as many as all together and nothing is fresh.
    values.held_most < values.total()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::call::{Call, CallKind};
    use crate::rules::merge::{m2_match, values};
    use crate::testing::calls::{MERGE, any_call, any_calls, identifier, identify};
    use crate::testing::merging::union_of;
    use crate::testing::{World, borrowed, cases, policies, usable};

    proptest! {
        #![proptest_config(cases(200))]

        #[test]
        fn a_type_grows_unless_one_profile_holds_all_its_counting_values(
            spec in policies::any_merge(),
            history in any_calls(MERGE, 15),
            last in any_call(MERGE),
        ) {
            let mut world = World::new(&policies::boundless());
            world.run_all(&history);
            world.change_policy(&spec);
            let union = union_of(&world, &last);
            let event = usable(&world.state.policy, &last, &world.state);
            let candidates = m2_match::candidates(&world.state, borrowed(&event).into_iter());
            let types = values::by_type(&world.state, &candidates, &m2_match::matched(&candidates), union.time);
            let told: BTreeMap<String, (u64, bool)> =
                types.iter().map(|one| (one.type_name.to_owned(), (one.total(), grows(one)))).collect();
            let expected = union.limited_types().into_iter().map(|(type_name, limit)| {
                let counting = union.counting(&type_name, &limit);
                let grows = !counting.is_empty() && union.grows(&counting);
                (type_name, (counting.len() as u64, grows))
            });
            prop_assert_eq!(told, expected.collect::<BTreeMap<_, _>>());
        }

        #[test]
        fn tightened_rules_lock_nobody_out(
            spec in policies::any_merge(),
            history in any_calls(MERGE, 15),
            picked in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
        ) {
            let mut world = World::new(&policies::boundless());
            world.run_all(&history);
            world.change_policy(&spec);
            let (time, _) = world.next();
            for (serial, held) in world.view.held().into_iter().filter(|(_, held)| !held.is_empty()) {
                let held: Vec<_> = held.into_iter().collect();
                let mut call = Call::new(CallKind::Identify);
                call.event_time = Some(time);
                call.identifiers = picked.iter().map(|one| one.get(&held)).map(|(a, b)| identifier(a, b)).collect();
                let answer = world.accept(&call);
                prop_assert!(answer.demoted.is_empty());
                prop_assert_eq!(answer.profile, Some(world.state.id_of(serial)));
            }
        }
    }

    #[test]
    fn a_profile_over_its_limits_answers_but_does_not_grow() {
        let mut world = World::new(&policies::boundless());
        world.accept(&identify("user=1 user=2 a=1"));
        world.change_policy(&policies::merge([Some(policies::exclusive()), None, None, None], 100, 2));
        assert!(world.accept(&identify("user=2 a=1")).demoted.is_empty());
        assert_eq!(world.accept(&identify("user=2 user=3")).demoted.len(), 1);
        assert_eq!(world.accept(&identify("a=1 a=2")).demoted.len(), 1);
    }
}
