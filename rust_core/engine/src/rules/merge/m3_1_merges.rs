//! M3.1 Merges: |M| > 1 and the merges of all profiles in M, plus |M| − 1, exceed `max_merges` → demote the
//! lowest-ranked identifier of the event.
//!
//! Source: the seed, "the profiles matching the identifiers won't have more than 100 merges in total".

use crate::answer::explain::RuleId;
use crate::answer::outcome::DemotionReason;
use crate::policy::Strategy;
use crate::rules::merge::final_profile::{Checks, Failed, Final, note};
use crate::rules::merge::m4_lowest_ranked;

/// The most merges that the tables and the log can count; a larger `max_merges` means this one.
const MERGES_MAX: u32 = i32::MAX.unsigned_abs();

/// Checks the merges in total.
pub(crate) fn check(profile: &Final<'_, '_>, checks: &mut Checks) -> Option<Failed> {
    let Strategy::Merge { max_merges, .. } = profile.state.policy.strategy() else { return None };
    if profile.matched.len() < 2 {
        return None;
    }
    let before = profile.matched.iter().map(|&serial| u64::from(profile.state.profiles.row(serial).merges));
    let total = before.sum::<u64>() + profile.matched.len() as u64 - 1;
    let limit = u64::from(max_merges.min(MERGES_MAX));
    if note(checks, RuleId::M3Merges, (total, limit), total <= limit) {
        return None;
    }
    let candidate = m4_lowest_ranked::of_all(profile.candidates)?;
    Some(Failed { candidate, reason: DemotionReason::MergeLimit })
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::answer::outcome::Outcome;
    use crate::policy::Strategy;
    use crate::testing::calls::{MERGE, any_call, any_calls, identify};
    use crate::testing::merging::{Demoted, Union, judged, union_of};
    use crate::testing::{World, cases, policies};

    /// The rule's words.
    pub(crate) fn expected(union: &Union<'_>) -> Option<Demoted> {
        let Strategy::Merge { max_merges, .. } = union.policy.strategy() else { return None };
        let before: u32 = union.matched.iter().map(|serial| union.view.people[serial].merges).sum();
        let joined = u32::try_from(union.matched.len()).expect("few");
        let exceeds = joined > 1 && before + joined - 1 > max_merges;
        exceeds.then(|| (union.lowest(|_| true).expect("an event"), DemotionReason::MergeLimit))
    }

    proptest! {
        #![proptest_config(cases(250))]

        #[test]
        fn the_merges_of_all_and_of_joining_them_are_counted(
            (before, spec) in (policies::any_merge(), policies::any_merge()),
            (history, more) in (any_calls(MERGE, 15), any_calls(MERGE, 15)),
            last in any_call(MERGE),
        ) {
            let mut world = World::new(&before);
            world.run_all(&history);
            world.change_policy(&spec);
            world.run_all(&more);
            prop_assert_eq!(judged(&world, &last, check), expected(&union_of(&world, &last)));
        }

        #[test]
        fn no_profile_ever_has_more_merges_behind_it(
            max_merges in 0..4u32,
            calls in any_calls(MERGE, 40),
        ) {
            World::new(&policies::merge([None; 4], max_merges, 0)).watch(&calls, |step| {
                prop_assert!(step.after.live().all(|(_, person)| person.merges <= max_merges));
                Ok(())
            })?;
        }
    }

    #[test]
    fn a_profile_beyond_a_tightened_limit_is_still_found() {
        let mut world = World::new(&policies::boundless());
        for identifiers in ["a=1", "a=2", "a=1 a=2"] {
            world.accept(&identify(identifiers));
        }
        world.change_policy(&policies::merge([None; 4], 0, 0));
        assert_eq!(world.accept(&identify("a=1 a=2 a=3")).demoted, []);
    }

    #[test]
    fn a_profile_at_the_limit_still_grows_but_joins_nobody() {
        let mut world = World::new(&policies::merge([None; 4], 1, 0));
        for identifiers in ["a=1", "a=2", "a=1 a=2", "a=3"] {
            world.accept(&identify(identifiers));
        }
        assert_eq!(world.accept(&identify("a=1 a=9")).outcome, Outcome::Matched);
        let answer = world.accept(&identify("a=1 a=3"));
        assert_eq!((answer.outcome, answer.demoted[0].index), (Outcome::Matched, 1));
    }
}
