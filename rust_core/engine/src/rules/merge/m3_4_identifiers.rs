//! M3.4 Identifiers in all: F would hold more than `max_identifiers` (0 = no limit) → demote the lowest-ranked
//! identifier of the event that no profile of M holds, or where there is none, the lowest-ranked of all.
//!
//! Source: the later documents ("unify"); the seed knows no such limit.

use crate::answer::explain::RuleId;
use crate::answer::outcome::DemotionReason;
use crate::policy::Strategy;
use crate::rules::merge::final_profile::{Checks, Failed, Final, note};
use crate::rules::merge::m4_lowest_ranked;

/// Checks the identifiers in all.
pub(crate) fn check(profile: &Final<'_, '_>, checks: &mut Checks) -> Option<Failed> {
    let Strategy::Merge { max_identifiers, .. } = profile.state.policy.strategy() else { return None };
    if max_identifiers == 0 {
        return None;
    }
    let held = |serial: &_| u64::from(profile.state.profiles.row(*serial).identifiers);
    let most = profile.matched.iter().map(held).max().unwrap_or(0);
    let fresh = profile.candidates.iter().filter(|candidate| candidate.owner.is_none()).count() as u64;
    let total = profile.matched.iter().map(held).sum::<u64>() + fresh;
    let limit = u64::from(max_identifiers);
    // M5: passes if one profile of M holds all of F already.
    if note(checks, RuleId::M3Identifiers, (total, limit), total <= limit || most == total) {
        return None;
    }
    let candidate = m4_lowest_ranked::of(profile.candidates, |candidate| candidate.owner.is_none());
    let candidate = candidate.or_else(|| m4_lowest_ranked::of_all(profile.candidates))?;
    Some(Failed { candidate, reason: DemotionReason::IdentifierLimit })
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::Strategy;
    use crate::testing::calls::{MERGE, any_call, any_calls, identify};
    use crate::testing::merging::{Demoted, Union, judged, union_of};
    use crate::testing::{World, cases, policies};

    /// The rule's words.
    pub(crate) fn expected(union: &Union<'_>) -> Option<Demoted> {
        let Strategy::Merge { max_identifiers, .. } = union.policy.strategy() else { return None };
        let all = union.contents.keys().cloned().collect();
        if max_identifiers == 0 || union.contents.len() <= max_identifiers as usize || !union.grows(&all) {
            return None;
        }
        let index = union.lowest(|one| !union.is_held(one)).or_else(|| union.lowest(|_| true));
        Some((index.expect("an event"), DemotionReason::IdentifierLimit))
    }

    proptest! {
        #![proptest_config(cases(250))]

        #[test]
        fn what_nobody_holds_goes_first(
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
        fn no_profile_ever_holds_more(max_identifiers in 1..6u32, calls in any_calls(MERGE, 40)) {
            World::new(&policies::merge([None; 4], 100, max_identifiers)).watch(&calls, |step| {
                prop_assert!(step.after.live().all(|(_, one)| one.identifiers.len() <= max_identifiers as usize));
                Ok(())
            })?;
        }
    }

    #[test]
    fn held_identifiers_go_only_where_nothing_is_new() {
        let mut world = World::new(&policies::merge([None; 4], 100, 2));
        world.accept(&identify("a=1 a=2"));
        world.accept(&identify("a=3"));
        let mut demoted = |call: &str| world.accept(&identify(call)).demoted[0].index;
        assert_eq!(demoted("email=1 b=1 a=1"), 1);
        assert_eq!(demoted("a=3 a=1"), 1);
    }
}
