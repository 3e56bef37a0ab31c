//! M3 Check, in this order; the first check that fails demotes one identifier from the event and goes back to M2:
//! merges in total (M3.1), exclusive types (M3.2), values per identifier type (M3.3), identifiers in all (M3.4).
//!
//! Source: the seed, "we first check the three rules we have in place to protect the identity graph"; the fourth is
//! of the later documents. The checks guard every final profile, in all three cases of the seed.
//! M10 Ends: each round takes an identifier off the event, and with one left at most one profile matches.

use crate::answer::outcome::Demotion;
use crate::decider::Context;
use crate::decider::asked::{self, Asked};
use crate::ids::Serial;
use crate::plan::Serials;
use crate::rules::merge::final_profile::{Checks, Failed, Final};
use crate::rules::merge::m2_match::{self, Candidate, Candidates};
use crate::rules::merge::{m3_1_merges, m3_2_exclusive, m3_3_values, m3_4_identifiers, values};
use crate::state::State;

/// What is left when all checks passed.
pub(crate) struct Checked<'a> {
    /// The identifiers still on the event.
    pub candidates: Candidates<'a>,
    /// M, oldest first.
    pub matched: Serials,
    /// The demotions, in order.
    pub demoted: Vec<Demotion>,
}

/// Runs rounds of M2 and M3 until all checks pass.
pub(crate) fn check<'a>(state: &State, context: &mut Context<'_>, asked: &'a [Asked<'a>]) -> Checked<'a> {
    let mut candidates = m2_match::candidates(state, asked::usable(asked));
    let mut demoted: Vec<Demotion> = Vec::new();
    loop {
        let matched = m2_match::matched(&candidates);
        if context.rounds.is_none() && holds_all(&candidates, &matched) {
            return Checked { candidates, matched, demoted };
        }
        let mut checks = Checks::new();
        let failed = run(state, context, &candidates, &matched, &mut checks);
        let round = u32::try_from(demoted.len() + 1).unwrap_or(u32::MAX);
        let demotion = failed.as_ref().map(|failed| Demotion {
            index: candidates[failed.candidate].index,
            reason: failed.reason,
            round,
        });
        context.trace(|| {
            let mut trace = m2_match::trace(state, &candidates);
            (trace.checks, trace.demoted) = (checks.into_vec(), demotion);
            trace
        });
        match (failed, demotion) {
            (Some(failed), Some(demotion)) => {
                candidates.remove(failed.candidate);
                demoted.push(demotion);
            }
            _ => return Checked { candidates, matched, demoted },
        }
    }
}

/// Whether a single profile holds the whole event already: F is what it holds, nothing grows, and every check passes
/// (M5), whatever its figures.
fn holds_all(candidates: &[Candidate<'_>], matched: &[Serial]) -> bool {
    matched.len() == 1 && candidates.iter().all(|candidate| candidate.owner.is_some())
}

fn run(
    state: &State,
    context: &Context<'_>,
    candidates: &[Candidate<'_>],
    matched: &[Serial],
    checks: &mut Checks,
) -> Option<Failed> {
    let types = values::by_type(state, candidates, matched, context.time);
    let profile = Final { state, candidates, matched, types };
    m3_1_merges::check(&profile, checks)
        .or_else(|| m3_2_exclusive::check(&profile, checks))
        .or_else(|| m3_3_values::check(&profile, checks))
        .or_else(|| m3_4_identifiers::check(&profile, checks))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::answer::outcome::Demotion;
    use crate::decider::asked::Usable;
    use crate::rules::merge::{m3_1_merges, m3_2_exclusive, m3_3_values, m3_4_identifiers};
    use crate::testing::calls::{MERGE, any_calls, identify};
    use crate::testing::merging::{Demoted, Union};
    use crate::testing::{Step, World, cases, policies};

    fn first_to_fail(union: &Union<'_>) -> Option<Demoted> {
        m3_1_merges::tests::expected(union)
            .or_else(|| m3_2_exclusive::tests::expected(union))
            .or_else(|| m3_3_values::tests::expected(union))
            .or_else(|| m3_4_identifiers::tests::expected(union))
    }

    /// The rule's words: the first check that fails takes one identifier off, and M2 comes again.
    fn rounds<'a>(step: &'a Step<'_>) -> (Vec<Demotion>, Vec<(usize, Usable<'a>)>) {
        let (mut left, mut demoted) = (step.usable(), Vec::new());
        while let Some((index, reason)) =
            first_to_fail(&Union::new((step.before, step.policy), left.clone(), step.time()))
        {
            left.retain(|(place, _)| *place != index);
            demoted.push(Demotion { index, reason, round: u32::try_from(demoted.len() + 1).expect("few") });
        }
        (demoted, left)
    }

    fn is_lookup(step: &Step<'_>) -> bool {
        use crate::call::CallKind::{Identify, Login, Logout, Track};
        matches!(step.call.kind, Identify | Login | Logout | Track) && !step.usable().is_empty()
    }

    proptest! {
        #![proptest_config(cases(400))]

        #[test]
        fn rounds_of_matching_and_checking_until_all_checks_pass(
            (spec, later) in (policies::any_merge(), policies::any_merge()),
            (calls, more) in (any_calls(MERGE, 20), any_calls(MERGE, 10)),
        ) {
            let mut look = |step: &Step<'_>| {
                if is_lookup(step) {
                    let answer = step.answer().expect("merge calls with identifiers are accepted");
                    prop_assert_eq!(&answer.demoted, &rounds(step).0);
                }
                Ok(())
            };
            let mut world = World::new(&spec);
            world.watch(&calls, &mut look)?;
            world.change_policy(&later);
            world.watch(&more, &mut look)?;
        }

        #[test]
        fn m10_each_round_takes_one_identifier_and_one_is_left(
            spec in policies::any_merge(),
            mut calls in any_calls(MERGE, 30),
        ) {
            for call in &mut calls {
                call.explain = true;
            }
            World::new(&spec).watch(&calls, |step| {
                if !is_lookup(step) {
                    return Ok(());
                }
                let answer = step.answer().expect("merge calls with identifiers are accepted");
                prop_assert!(answer.demoted.len() < step.usable().len());
                let told = &answer.explanation.as_ref().expect("asked for").rounds;
                prop_assert_eq!(told.len(), answer.demoted.len() + 1);
                for (place, round) in told.iter().enumerate() {
                    prop_assert_eq!(round.looked_for.len(), step.usable().len() - place);
                    prop_assert_eq!(round.demoted, answer.demoted.get(place).copied());
                    prop_assert_eq!(round.checks.iter().any(|check| !check.passed), round.demoted.is_some());
                }
                Ok(())
            })?;
        }
    }

    #[test]
    fn the_merges_are_counted_before_the_values() {
        use crate::answer::outcome::DemotionReason::{MergeLimit, ValueLimit};
        let mut reasons = Vec::new();
        for max_merges in [0, 1] {
            let spec = policies::merge([Some(policies::exclusive()), None, None, None], max_merges, 0);
            let mut world = World::new(&spec);
            world.accept(&identify("user=1"));
            world.accept(&identify("user=2"));
            reasons.push(world.accept(&identify("user=1 user=2")).demoted[0].reason);
        }
        assert_eq!(reasons, [MergeLimit, ValueLimit]);
    }
}
