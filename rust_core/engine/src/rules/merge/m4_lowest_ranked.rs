//! M4 Lowest-ranked = last by priority; within one rank the one listed last on the event.
//!
//! Source: the seed, "the order of trust priority from highest to lowest is `user_id`, followed by email and then
//! followed by all other identifiers".

use crate::rules::merge::m2_match::Candidate;

/// The place of the lowest-ranked of all candidates.
pub(crate) fn of_all(candidates: &[Candidate<'_>]) -> Option<usize> {
    of(candidates, |_| true)
}

/// The place of the lowest-ranked of the candidates that qualify.
pub(crate) fn of(candidates: &[Candidate<'_>], qualifies: impl Fn(&Candidate<'_>) -> bool) -> Option<usize> {
    let places = (0..candidates.len()).filter(|&place| qualifies(&candidates[place]));
    places.max_by(|&a, &b| {
        let (a, b) = (&candidates[a], &candidates[b]);
        (&a.usable.rank, a.index).cmp(&(&b.usable.rank, b.index))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::merge::m2_match;
    use crate::testing::calls::{MERGE, any_call, identify};
    use crate::testing::{World, borrowed, cases, policies, usable};

    /// The index that is the lowest-ranked of those that a test lets qualify.
    fn lowest(call: &crate::call::Call, qualifies: impl Fn(usize) -> bool) -> Option<usize> {
        let world = World::new(&policies::boundless());
        let event = usable(&world.state.policy, call, &world.state);
        let candidates = m2_match::candidates(&world.state, borrowed(&event).into_iter());
        of(&candidates, |candidate| qualifies(candidate.index)).map(|place| candidates[place].index)
    }

    proptest! {
        #![proptest_config(cases(300))]

        #[test]
        fn last_by_priority_and_within_one_rank_the_last_listed(call in any_call(MERGE), mask: u8) {
            let qualifies = |index: usize| mask >> index & 1 == 1;
            let world = World::new(&policies::boundless());
            let event = usable(&world.state.policy, &call, &world.state);
            let mut expected = None;
            for type_name in policies::MERGE_TYPES {
                let of_type = event.iter().filter(|(index, one)| *one.type_name == *type_name && qualifies(*index));
                expected = of_type.map(|(index, _)| *index).max().or(expected);
            }
            prop_assert_eq!(lowest(&call, qualifies), expected);
        }
    }

    #[test]
    fn unlisted_types_come_last_in_alphabetical_order() {
        assert_eq!(lowest(&identify("z=1 c=1 a=1 user=1"), |_| true), Some(0));
        assert_eq!(lowest(&identify("user=1 email=1 user=2"), |_| true), Some(1));
        assert_eq!(lowest(&identify("user=1 user=2"), |_| true), Some(1));
        assert_eq!(lowest(&identify("user=1"), |_| false), None);
    }
}
