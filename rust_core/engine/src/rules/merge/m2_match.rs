//! M2 Match: M = the live profiles that own any identifier of the event; F = the final profile, the union of M's
//! identifiers and the event's.
//!
//! Source: the seed, "pre-existing user profiles with one or more matching externalIds".

use smallvec::SmallVec;

use crate::answer::explain::Round;
use crate::decider::asked::Usable;
use crate::ids::{Day, Serial};
use crate::plan::Serials;
use crate::rules::merge::m1_one_owner;
use crate::state::State;

/// One identifier of the event with its owner, looked up once a call.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    /// Its place among the call's identifiers.
    pub index: usize,
    /// What it is.
    pub usable: &'a Usable<'a>,
    /// Who owns it.
    pub owner: Option<Serial>,
    /// The day it was last seen, if anybody owns it.
    pub seen_day: Option<Day>,
}

/// The identifiers of an event: seldom more than a few.
pub(crate) type Candidates<'a> = SmallVec<[Candidate<'a>; 4]>;

/// The event's usable identifiers with their owners.
pub(crate) fn candidates<'a>(state: &State, usable: impl Iterator<Item = (usize, &'a Usable<'a>)>) -> Candidates<'a> {
    let mut candidates = Candidates::new();
    for (index, usable) in usable {
        let held = m1_one_owner::held(state, usable.near, usable.digest);
        let (owner, seen_day) = held.unzip();
        candidates.push(Candidate { index, usable, owner, seen_day });
    }
    candidates
}

/// M: the owners, oldest first, each once.
pub(crate) fn matched(candidates: &[Candidate<'_>]) -> Serials {
    let mut matched: Serials = candidates.iter().filter_map(|candidate| candidate.owner).collect();
    matched.sort_unstable();
    matched.dedup();
    matched
}

/// The trace of a round of matching: most trusted identifiers first.
pub(crate) fn trace(state: &State, candidates: &[Candidate<'_>]) -> Round {
    let mut by_trust: Vec<&Candidate<'_>> = candidates.iter().collect();
    by_trust.sort_by(|a, b| (&a.usable.rank, a.index).cmp(&(&b.usable.rank, b.index)));
    let mut round = Round::default();
    for candidate in by_trust {
        round.looked_for.push(candidate.index);
        if let Some(owner) = candidate.owner {
            round.note_found(state.id_of(owner), candidate.index);
        }
    }
    round
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::calls::{MERGE, any_call, any_calls, identify};
    use crate::testing::merging::union_of;
    use crate::testing::{World, borrowed, cases, policies, usable};

    proptest! {
        #![proptest_config(cases(200))]

        #[test]
        fn m_is_everybody_who_holds_any_identifier_of_the_event(
            spec in policies::any_merge(),
            history in any_calls(MERGE, 20),
            last in any_call(MERGE),
        ) {
            let mut world = World::new(&spec);
            world.run_all(&history);
            let event = usable(&world.state.policy, &last, &world.state);
            let candidates = candidates(&world.state, borrowed(&event).into_iter());
            let union = union_of(&world, &last);
            prop_assert!(matched(&candidates).into_iter().eq(union.matched.iter().copied()));
            prop_assert_eq!(candidates.len(), event.len());
            for one in &candidates {
                prop_assert_eq!(one.owner.is_some(), union.is_held(one.usable));
            }
        }
    }

    #[test]
    fn the_trace_tells_the_most_trusted_first() {
        let mut world = World::new(&policies::boundless());
        world.accept(&identify("b=1"));
        world.accept(&identify("user=1"));
        let call = identify("b=1 a=1 user=1 a=2");
        let event = usable(&world.state.policy, &call, &world.state);
        let round = trace(&world.state, &candidates(&world.state, borrowed(&event).into_iter()));
        assert_eq!(round.looked_for, [2, 1, 3, 0]);
        assert_eq!(round.found, [(crate::testing::id_of(2), 2), (crate::testing::id_of(1), 0)]);
    }
}
