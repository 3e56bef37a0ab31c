//! M3.2 Exclusive types (limit 1, EVER, ALWAYS, `DEMOTE_LOWEST`; the seed's `user_id)`: F would hold more than one value,
//! even if the event carries none → demote the lowest-ranked identifier of the event.
//!
//! Source: the seed, "`user_id` is unique on these merged profiles. When there exists more than one `user_id`, we demote
//! the lowest priority identifier from the event, and look again".

use crate::answer::explain::RuleId;
use crate::answer::outcome::DemotionReason;
use crate::rules::merge::final_profile::{Checks, Failed, Final, note};
use crate::rules::merge::{m4_lowest_ranked, m5_growth};

/// Checks the types of which a profile holds one value at most.
pub(crate) fn check(profile: &Final<'_, '_>, checks: &mut Checks) -> Option<Failed> {
    for values in profile.types.iter().filter(|values| values.limit.is_exclusive()) {
        let passed = values.total() <= 1 || !m5_growth::grows(values);
        if !note(checks, RuleId::M3Exclusive, (values.total(), 1), passed) {
            let candidate = m4_lowest_ranked::of_all(profile.candidates)?;
            return Some(Failed { candidate, reason: DemotionReason::ValueLimit });
        }
    }
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::answer::outcome::Outcome;
    use crate::testing::calls::{MERGE, any_call, any_calls, identify};
    use crate::testing::merging::{Demoted, Union, judged, union_of};
    use crate::testing::{World, cases, policies};

    /// The rule's words.
    pub(crate) fn expected(union: &Union<'_>) -> Option<Demoted> {
        for (type_name, limit) in union.limited_types().iter().filter(|(_, limit)| limit.is_exclusive()) {
            let values = union.counting(type_name, limit);
            if values.len() > 1 && union.grows(&values) {
                return Some((union.lowest(|_| true).expect("an event"), DemotionReason::ValueLimit));
            }
        }
        None
    }

    proptest! {
        #![proptest_config(cases(250))]

        #[test]
        fn a_final_profile_has_one_value(
            (before, spec) in (policies::any_merge(), policies::any_merge()),
            (history, more) in (any_calls(MERGE, 10), any_calls(MERGE, 15)),
            last in any_call(MERGE),
        ) {
            let mut world = World::new(&before);
            world.run_all(&history);
            world.change_policy(&spec);
            world.run_all(&more);
            prop_assert_eq!(judged(&world, &last, check), expected(&union_of(&world, &last)));
        }

        #[test]
        fn no_profile_ever_has_two_users(calls in any_calls(MERGE, 40)) {
            let limits = [Some(policies::exclusive()), None, None, None];
            World::new(&policies::merge(limits, 100, 0)).watch(&calls, |step| {
                for (_, person) in step.after.live() {
                    prop_assert!(person.identifiers.keys().filter(|(type_name, _)| type_name == "user").count() < 2);
                }
                Ok(())
            })?;
        }
    }

    #[test]
    fn it_guards_an_event_that_carries_no_value_of_the_type() {
        let mut world = World::new(&policies::merge([Some(policies::exclusive()), None, None, None], 100, 0));
        world.accept(&identify("user=1 email=1"));
        world.accept(&identify("user=2 a=1"));
        let answer = world.accept(&identify("a=1 email=1"));
        assert_eq!((answer.outcome, answer.demoted[0].index), (Outcome::Matched, 0));
        assert_eq!(answer.profile, Some(crate::testing::id_of(1)));
    }
}
