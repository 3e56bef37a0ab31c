//! M11 Search (merge family): the owner of the highest-ranked identifier that has one; never writes; `NOT_FOUND`
//! without a hit, also where nothing usable is left of the identifiers.
//!
//! Source: neither seed; the merge family knows Track and Identify only. The order is the seed's order of trust.

use crate::answer::explain::RuleId;
use crate::answer::outcome::{Disposition, Outcome};
use crate::decider::{Context, Decider, Decision, asked};
use crate::fault::Fault;
use crate::plan::Serials;
use crate::rules::common::{c5_nothing_usable, dispositions, no_match};
use crate::rules::merge::m2_match;

/// Finds the owner of the most trusted identifier that has one.
pub(crate) fn search(decider: &mut Decider<'_>, context: &mut Context<'_>) -> Result<Decision, Fault> {
    let state = &*decider.state;
    let asked = context.asked()?;
    if !c5_nothing_usable::any_usable(asked) {
        return Err(no_match::unresolved());
    }
    let candidates = m2_match::candidates(state, asked::usable(asked));
    context.trace(|| m2_match::trace(state, &candidates));
    let held = candidates.iter().filter(|candidate| candidate.owner.is_some());
    let best = held.min_by(|a, b| (&a.usable.rank, a.index).cmp(&(&b.usable.rank, b.index)));
    let Some(serial) = best.and_then(|candidate| candidate.owner) else { return Err(no_match::fault()) };
    let owned = |index| candidates.iter().any(|one| one.index == index && one.owner == Some(serial));
    let elsewhere = |index| candidates.iter().any(|one| one.index == index && one.owner.is_some());
    Ok(Decision {
        serial: Some(serial),
        outcome: Outcome::Matched,
        merged: Serials::new(),
        identifiers: dispositions::of_asked(asked, |index| {
            // As an Identify would tell it: ATTACHED is what it would attach, though a Search writes nothing.
            let disposition = if owned(index) {
                Disposition::Matched
            } else if elsewhere(index) {
                Disposition::HeldByOther
            } else {
                Disposition::Attached
            };
            (disposition, None)
        }),
        demoted: Vec::new(),
        changes: Vec::new(),
        decided_by: RuleId::M11,
        also_touched: Serials::new(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::call::CallKind;
    use crate::fault::Reason;
    use crate::testing::calls::{MERGE, any_call, any_calls, call, identify};
    use crate::testing::dump::dump;
    use crate::testing::naive::name;
    use crate::testing::{World, answer, cases, policies, reason, usable};

    proptest! {
        #![proptest_config(cases(250))]

        #[test]
        fn the_owner_of_the_most_trusted_identifier_that_has_one(
            spec in policies::any_merge(),
            history in any_calls(MERGE, 20),
            last in any_call(MERGE.only(&[CallKind::Search])),
        ) {
            let mut world = World::new(&spec);
            world.run_all(&history);
            let policy = std::sync::Arc::clone(&world.state.policy);
            let mut event = usable(&policy, &last, &world.state);
            event.sort_by(|a, b| a.1.rank.cmp(&b.1.rank));
            let owner = event.iter().find_map(|(_, one)| world.view.holders(&name(one)).first().copied());
            let before = dump(&world.state);
            let plan = world.plan(std::slice::from_ref(&last));
            prop_assert!(plan.effects.is_empty() && !plan.decided[0].writes);
            prop_assert_eq!(dump(&world.state), before);
            let verdict = &plan.decided[0].verdict;
            let Some(owner) = owner else {
                prop_assert_eq!(reason(verdict), Some(Reason::NoMatch));
                return Ok(());
            };
            let answer = answer(verdict).expect("an answer");
            prop_assert_eq!((answer.profile, answer.outcome), (Some(world.state.id_of(owner)), Outcome::Matched));
            for (index, one) in &event {
                let told = answer.identifiers.iter().find(|told| told.index == *index).expect("its own");
                let holders = world.view.holders(&name(one));
                prop_assert_eq!(told.disposition == Disposition::Matched, holders.contains(&owner));
                let elsewhere = !holders.is_empty() && !holders.contains(&owner);
                prop_assert_eq!(told.disposition == Disposition::HeldByOther, elsewhere);
            }
        }
    }

    #[test]
    fn within_a_rank_the_first_listed_is_the_most_trusted() {
        let mut world = World::new(&policies::boundless());
        world.accept(&identify("a=1"));
        world.accept(&identify("a=2"));
        let search = |identifiers| call(CallKind::Search, identifiers);
        assert_eq!(world.serial(&search("a=2 a=1")), 2);
        assert_eq!(world.serial(&search("user=1 a=1")), 1);
        assert_eq!(world.refuse(&search("a=3")), Reason::NoMatch);
        assert_eq!(world.refuse(&search("a=0")), Reason::NoMatch, "nothing usable is left");
    }
}
