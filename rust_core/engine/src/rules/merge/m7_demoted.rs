//! M7 Demoted identifiers leave the event's identity only: their owner keeps them, an unowned one is linked to nobody.
//! A Track's event is still stored on the profile found, with what was demoted and why (M3.1 `MERGE_LIMIT`; M3.2 and
//! M3.3 `VALUE_LIMIT`; M3.4 `IDENTIFIER_LIMIT`).
//!
//! Source: the seed, "demote that inputted externalId and try to find matching profiles with the remaining".

use crate::answer::outcome::{Demotion, Disposition};
use crate::rules::common::dispositions::Told;

/// What became of an identifier if it was demoted.
pub(crate) fn disposition(demoted: &[Demotion], index: usize) -> Option<Told> {
    let demotion = demoted.iter().find(|demotion| demotion.index == index)?;
    Some((Disposition::Demoted, Some(demotion.reason)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::answer::explain::RuleId;
    use crate::answer::outcome::DemotionReason;
    use crate::call::CallKind;
    use crate::testing::calls::{MERGE, any_calls, call, identify};
    use crate::testing::naive::name;
    use crate::testing::{World, cases, policies};

    proptest! {
        #![proptest_config(cases(250))]

        #[test]
        fn its_owner_keeps_it_and_an_unowned_one_is_linked_to_nobody(
            spec in policies::any_merge(),
            calls in any_calls(MERGE, 30),
        ) {
            World::new(&spec).watch(&calls, |step| {
                let Some(answer) = step.answer() else { return Ok(()) };
                for demotion in &answer.demoted {
                    let usable = step.usable();
                    let (_, one) = usable.iter().find(|(index, _)| *index == demotion.index).expect("its own");
                    let after = |before| step.after.root(before);
                    let before = step.before.holders(&name(one));
                    prop_assert_eq!(step.after.holders(&name(one)), before.into_iter().map(after).collect());
                    let told = answer.identifiers.iter().find(|told| told.index == demotion.index);
                    let told = told.map(|told| (told.disposition, told.reason));
                    prop_assert_eq!(told, Some((Disposition::Demoted, Some(demotion.reason))));
                }
                let told = answer.identifiers.iter().filter(|told| told.disposition == Disposition::Demoted).count();
                prop_assert_eq!(told, answer.demoted.len());
                Ok(())
            })?;
        }

        #[test]
        fn the_event_is_kept_on_the_profile_found_with_what_was_demoted_and_why(
            spec in policies::any_merge(),
            mut calls in any_calls(MERGE.only(&[CallKind::Identify, CallKind::Track]), 30),
        ) {
            for call in &mut calls {
                call.explain = true;
            }
            World::new(&spec).watch(&calls, |step| {
                let Some(answer) = step.answer().filter(|_| step.call.kind == CallKind::Track) else { return Ok(()) };
                let demoted: Vec<_> = answer.demoted.iter().map(|one| (one.index, one.reason)).collect();
                let sent: Vec<usize> = answer.identifiers.iter().map(|told| told.index).collect();
                let record = format!("{} {sent:?} {demoted:?}", step.call.event.name).into_bytes();
                if let Some(serial) = step.serial() {
                    let events = &step.after.people[&serial].events;
                    let seq = step.world.state.head.seq;
                    prop_assert!(events.iter().any(|(at, _, stored)| *at == seq && *stored == record));
                } else { prop_assert_eq!(step.after.unresolved.last(), Some(&record)) }
                for round in &answer.explanation.as_ref().expect("asked for").rounds {
                    let failed = round.checks.iter().find(|check| !check.passed).map(|check| check.rule);
                    let reason = match failed {
                        Some(RuleId::M3Merges) => Some(DemotionReason::MergeLimit),
                        Some(RuleId::M3Exclusive | RuleId::M3Values) => Some(DemotionReason::ValueLimit),
                        Some(_) => Some(DemotionReason::IdentifierLimit),
                        None => None,
                    };
                    prop_assert_eq!(round.demoted.map(|demotion| demotion.reason), reason);
                }
                Ok(())
            })?;
        }
    }

    #[test]
    fn an_unowned_one_is_still_free() {
        let mut world = World::new(&policies::merge([Some(policies::exclusive()), None, None, None], 100, 0));
        world.accept(&identify("user=1 email=1"));
        let answer = world.accept(&call(CallKind::Track, "user=2 email=1"));
        assert_eq!(answer.demoted[0].index, 1);
        assert_eq!(world.serial(&identify("user=2")), 2);
        assert!(world.view.people[&crate::ids::Serial(2)].events.len() == 1, "the event went with what was left");
    }
}
