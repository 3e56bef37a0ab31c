//! C9 Dry run: `validate_only` answers exactly what the call would have done, and changes nothing.
//!
//! The call runs through the same rules and is taken back by the journal; the only difference in the answer is
//! that a profile which would be made has no id yet.
//!
//! Source: common to both families; neither seed knows a dry run (AIP-163, `validate_only`).

use crate::answer::Resolution;
use crate::answer::outcome::Outcome;
use crate::decider::Context;

/// Whether the call is to change nothing.
pub(crate) fn is_dry(context: &Context<'_>) -> bool {
    context.call.validate_only
}

/// A profile that was only tried has no id.
pub(crate) fn forget_created(resolution: &mut Resolution) {
    if resolution.outcome == Outcome::Created {
        resolution.profile = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::answer::outcome::Outcome;
    use crate::plan::Verdict;
    use crate::testing::calls::identify;
    use crate::testing::dump::dump;
    use crate::testing::{World, cases, histories, policies};

    proptest! {
        #![proptest_config(cases(150))]

        #[test]
        fn it_answers_what_the_call_would_have_done_and_changes_nothing(
            [(spec, history), (_, calls)] in histories::any_history(15),
            explain: bool,
        ) {
            let mut world = World::new(&spec);
            world.run_all(&history);
            for mut call in calls {
                (call.explain, call.validate_only) = (explain, true);
                let before = dump(&world.state);
                let plan = world.plan(std::slice::from_ref(&call));
                prop_assert!(plan.effects.is_empty() && !plan.decided[0].writes && plan.decided[0].touched.is_empty());
                prop_assert_eq!(dump(&world.state), before);
                call.validate_only = false;
                let mut expected = world.run(&call);
                if let Verdict::Resolution(resolution) = &mut expected {
                    if resolution.outcome == Outcome::Created {
                        resolution.profile = None;
                    }
                    // What a dry run names is the state that it looked at.
                    resolution.revision = (plan.entry.seq, plan.entry.id);
                    resolution.revision.0.0 -= 1;
                    resolution.revision.1 = plan.entry.prev;
                }
                prop_assert_eq!(format!("{:?}", plan.decided[0].verdict), format!("{:?}", expected));
            }
        }

        #[test]
        fn within_a_batch_it_might_as_well_not_be_there(
            [(spec, history), (_, calls)] in histories::any_history(12),
        ) {
            let mut world = World::new(&spec);
            world.run_all(&history);
            let alone = world.plan(&calls);
            let with_dry_runs: Vec<_> = calls.iter().flat_map(|call| {
                let mut dry = call.clone();
                dry.validate_only = true;
                [dry, call.clone()]
            }).collect();
            let plan = world.plan(&with_dry_runs);
            prop_assert_eq!(plan.effects.len(), alone.effects.len());
            prop_assert_eq!(plan.entry.state_hash.graph, alone.entry.state_hash.graph);
            for (place, one) in alone.decided.iter().enumerate() {
                let same = &plan.decided[2 * place + 1];
                prop_assert_eq!(format!("{:?}", one), format!("{:?}", same));
            }
        }
    }

    #[test]
    fn a_profile_that_is_only_tried_has_no_id_and_leaves_its_number_free() {
        let mut world = World::new(&policies::boundless());
        let mut dry = identify("a=1");
        dry.validate_only = true;
        let answer = world.accept(&dry);
        assert_eq!((answer.profile, answer.outcome), (None, Outcome::Created));
        assert_eq!(world.serial(&identify("a=2")), 1);
    }
}
