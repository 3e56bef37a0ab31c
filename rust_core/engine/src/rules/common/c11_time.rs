//! C11 Time: an event time more than the policy's `future_tolerance` ahead of the commit time is taken as the commit
//! time, and the answer and the stored event say so. The past has no bound. A create time of an import that lies ahead at
//! all is a fault of its line: what is taken over has been made already.
//!
//! Source: rules.md C11 (a wrong clock would freeze a trait, or a withdrawn consent, for years).

use crate::fault::Fault;
use crate::ids::Micros;
use crate::policy::Policy;

/// The time of a call as every rule sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The event time, else the commit time.
    pub time: Micros,
    /// The event time as it was sent, where that was too far ahead and the commit time was taken instead.
    pub sent: Option<Micros>,
}

/// What is taken as the time of a call that is committed at `commit_time`.
#[must_use]
pub fn taken(policy: &Policy, event_time: Option<Micros>, commit_time: Micros) -> Taken {
    match event_time {
        Some(sent) if is_too_far_ahead(policy, sent, commit_time) => Taken { time: commit_time, sent: Some(sent) },
        Some(time) => Taken { time, sent: None },
        None => Taken { time: commit_time, sent: None },
    }
}

/// Refuses a create time of an import that lies ahead of the commit time.
pub(crate) fn check_create_time(
    policy: &Policy,
    create_time: Option<Micros>,
    commit_time: Micros,
) -> Result<(), Fault> {
    match create_time {
        Some(time) if policy.future_tolerance_us().is_some() && time > commit_time => Err(Fault::field(
            "create_time",
            "must not lie in the future: it is ahead of the server's time, and a profile taken over has been made \
             already",
        )),
        Some(_) | None => Ok(()),
    }
}

fn is_too_far_ahead(policy: &Policy, time: Micros, commit_time: Micros) -> bool {
    policy.future_tolerance_us().is_some_and(|tolerance_us| time.0 > commit_time.0.saturating_add(tolerance_us))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;
    use crate::call::{Call, CallKind, ImportPlace, ImportRow, RawEvent, RawIdentifier, RawTrait};
    use crate::decide::decide_import;
    use crate::fault::Reason;
    use crate::ids::Serial;
    use crate::plan::{Effect, Verdict};
    use crate::policy::spec::PolicySpec;
    use crate::rules_version::RulesVersion;
    use crate::testing::calls::identify;
    use crate::testing::view::View;
    use crate::testing::{Readable, World, cases, compiled, histories, policies};

    const HOUR_US: i64 = 3_600_000_000;

    fn spec(future_tolerance_us: Option<i64>) -> PolicySpec {
        PolicySpec { future_tolerance_us, ..policies::boundless() }
    }

    fn consent(world: &World, given: bool, ahead_us: i64) -> Call<'static> {
        let mut call = identify("a=1");
        call.traits = vec![RawTrait { name: "consent".into(), value: Some(vec![u8::from(given)]) }];
        call.event_time = Some(Micros(world.next().0.0 + ahead_us));
        call
    }

    fn told(view: &View) -> Option<Vec<u8>> {
        view.traits_of(Serial(1))["consent"].clone()
    }

    #[test]
    fn the_tolerance_itself_is_not_too_far() {
        for (tolerance_us, expected) in [(None, HOUR_US), (Some(0), 0), (Some(7 * 24 * HOUR_US), 7 * 24 * HOUR_US)] {
            let (policy, now) = (compiled(&spec(tolerance_us)), Micros(1_000));
            let time = Micros(now.0 + expected);
            assert_eq!(taken(&policy, Some(time), now), Taken { time, sent: None });
            let sent = Micros(time.0 + 1);
            assert_eq!(taken(&policy, Some(sent), now), Taken { time: now, sent: Some(sent) });
            assert_eq!(taken(&policy, Some(Micros(i64::MIN)), now), Taken { time: Micros(i64::MIN), sent: None });
            assert_eq!(taken(&policy, None, now), Taken { time: now, sent: None });
        }
    }

    #[test]
    fn a_workspace_of_older_rules_has_no_bound() {
        let policy = compiled(&PolicySpec { rules_version: RulesVersion::Zero, ..spec(Some(0)) });
        let time = Micros(i64::MAX);
        assert_eq!(taken(&policy, Some(time), Micros(0)), Taken { time, sent: None });
        assert!(check_create_time(&policy, Some(time), Micros(0)).is_ok());
    }

    #[test]
    fn a_wrong_clock_freezes_no_trait() {
        let mut world = World::new(&spec(None));
        let centuries_us = 541 * 365 * 24 * HOUR_US;
        let answer = world.accept(&consent(&world, true, centuries_us));
        assert_eq!(answer.event_time_adjusted(), Some(world.state.head.commit_time));
        let answer = world.accept(&consent(&world, false, 0));
        assert_eq!((answer.event_time_adjusted(), told(&world.view)), (None, Some(vec![0])), "it can be withdrawn");
    }

    #[test]
    fn a_create_time_that_lies_ahead_is_a_fault_of_its_line() {
        let mut world = World::new(&spec(None));
        let place = ImportPlace { message: 3, within: Some(1) };
        let (type_name, value) = (Cow::Borrowed("a"), Cow::Borrowed("1"));
        let identifiers = vec![RawIdentifier { type_name, value }];
        let mut row = ImportRow { place, identifiers, traits: Vec::new(), create_time: None, merges: 0 };
        for (ahead_us, is_refused) in [(-HOUR_US, false), (0, false), (1, true)] {
            let next = world.next();
            row.create_time = Some(Micros(next.0.0 + ahead_us));
            let decided = decide_import(&mut world.state, std::slice::from_ref(&row), "", next, &Readable);
            let told = decided.err().map(|fault| (fault.reason, fault.violations[0].field.clone()));
            let expected = (Reason::FieldInvalid, String::from("messages[3].profiles[1].create_time"));
            assert_eq!(told, is_refused.then_some(expected));
        }
    }

    proptest! {
        #![proptest_config(cases(200))]

        #[test]
        fn nothing_is_stored_with_a_time_that_lies_further_ahead(
            [(spec, calls), (_, more)] in histories::any_history(15),
        ) {
            let mut world = World::new(&spec);
            world.watch(&[calls, more].concat(), |step| {
                let commit_time = step.world.state.head.commit_time;
                let tolerance_us = step.policy.future_tolerance_us().expect("new rules");
                for effect in step.effects {
                    let (Effect::CreateProfile { create_time: time, .. }
                    | Effect::SetTrait { time, .. }
                    | Effect::StoreEvent { time, .. }) = effect else { continue };
                    prop_assert!(time.0 <= commit_time.0 + tolerance_us);
                    prop_assert_eq!(*time, step.time());
                }
                if let (Some(answer), false) = (step.answer(), step.effects.is_empty()) {
                    let adjusted = step.call.event_time.is_some_and(|sent| sent != step.time());
                    prop_assert_eq!(answer.event_time_adjusted(), adjusted.then_some(commit_time));
                }
                Ok(())
            })?;
        }
    }

    #[test]
    fn a_repeat_is_known_by_the_time_as_it_was_sent() {
        let mut world = World::new(&spec(None));
        let mut call = consent(&world, true, 9 * HOUR_US);
        call.kind = CallKind::Track;
        call.traits.clear();
        call.event = RawEvent { message_id: "m".into(), ..RawEvent::default() };
        let first = world.accept(&call);
        assert!(first.event_time_adjusted().is_some());
        world.accept(&identify("a=2"));
        assert!(matches!(world.run(&call), Verdict::Repeat(_)));
        // The same moment as the first time, when it was taken instead, is another content.
        call.event_time = first.event_time_adjusted();
        assert_eq!(world.refuse(&call), Reason::RequestIdReused);
    }
}
