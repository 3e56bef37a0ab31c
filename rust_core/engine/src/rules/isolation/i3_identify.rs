//! I3 Identify (and Login, and Track of an event that made no identity call): if the call carries a login identifier
//! and `on_new_known_user` ≠ `CONVERT_ANONYMOUS`, a waterfall over known profiles only; none → a new profile. Else a
//! waterfall over all; none → a new profile. A new linked profile records its source: the previous profile if that is
//! anonymous, else the anonymous waterfall result, else none; set once. Only a profile created because of a login
//! identifier records one. An unknown previous id is ignored.
//!
//! Source: the seed's rows "First App Launch", "User logs in", "User interacts via different channel", "Returning
//! User"; the sibling pages on the link and conversion strategies.

use crate::answer::explain::{Round, RuleId};
use crate::answer::outcome::Outcome;
use crate::decider::asked::{self, Asked, Usable};
use crate::decider::{Context, Decider, Decision};
use crate::fault::Fault;
use crate::ids::Serial;
use crate::plan::{Effect, Serials};
use crate::policy::{OnNewKnownUser, Strategy};
use crate::rules::common::{dispositions, events, m8_traits};
use crate::rules::isolation::i1_guard::Guard;
use crate::rules::isolation::i2_waterfall::{Filter, Waterfall};
use crate::rules::isolation::i5_attach;
use crate::state::State;

/// Finds or makes the profile and attaches the call's identifiers.
pub(crate) fn identify(
    decider: &mut Decider<'_>,
    context: &mut Context<'_>,
    asked: &[Asked<'_>],
) -> Result<Decision, Fault> {
    let usable: Vec<_> = asked::usable(asked).collect();
    let found = find(decider.state, context, &usable);
    let source = if found.is_none() { source(decider.state, context, &usable) } else { None };
    take_in(decider, context, asked, &Destination { usable: &usable, found, source, decided_by: RuleId::I3 })
}

/// The profile that Identify returns, unless it would create one.
pub(crate) fn find(state: &State, context: &mut Context<'_>, usable: &[(usize, &Usable<'_>)]) -> Option<Serial> {
    let guard = Guard::new(usable.iter().map(|(_, usable)| *usable));
    let known_only = guard.carries_login() && on_new_known_user(state) != OnNewKnownUser::ConvertAnonymous;
    let filter = if known_only { Filter::Known } else { Filter::All };
    waterfall(state, context, usable, filter)
}

/// Runs a waterfall and notes it in the trace.
pub(crate) fn waterfall(
    state: &State,
    context: &mut Context<'_>,
    usable: &[(usize, &Usable<'_>)],
    filter: Filter,
) -> Option<Serial> {
    let guard = Guard::new(usable.iter().map(|(_, usable)| *usable));
    let mut round = context.rounds.is_some().then(Round::default);
    let found = Waterfall::new(state, &guard, filter).run(usable, previous(state, context), round.as_mut());
    if let Some(round) = round {
        context.trace(|| round);
    }
    found
}

fn on_new_known_user(state: &State) -> OnNewKnownUser {
    match state.policy.strategy() {
        Strategy::Isolation { on_new_known_user, .. } => on_new_known_user,
        Strategy::Merge { .. } => OnNewKnownUser::ConvertAnonymous,
    }
}

/// The call's previous profile, if there is such a profile.
fn previous(state: &State, context: &Context<'_>) -> Option<Serial> {
    context.call.previous_profile.and_then(|id| state.serial_of(id))
}

/// Where a profile that is about to be created comes from.
fn source(state: &State, context: &mut Context<'_>, usable: &[(usize, &Usable<'_>)]) -> Option<Serial> {
    let by_login = usable.iter().any(|(_, usable)| usable.settings.login);
    if !by_login || on_new_known_user(state) != OnNewKnownUser::CreateLinkedProfile {
        return None;
    }
    let previous = previous(state, context).filter(|&serial| !state.is_known(serial));
    previous.or_else(|| waterfall(state, context, usable, Filter::Anonymous))
}

/// The profile that a call of this family leads to, and what is to be attached to it.
pub(crate) struct Destination<'a> {
    /// The identifiers to attach.
    pub usable: &'a [(usize, &'a Usable<'a>)],
    /// The profile found; `None` creates one.
    pub found: Option<Serial>,
    /// The source of a profile that is created.
    pub source: Option<Serial>,
    /// The rule that decided.
    pub decided_by: RuleId,
}

/// Makes the profile if none was found, attaches the identifiers (I5), writes traits and event.
pub(crate) fn take_in(
    decider: &mut Decider<'_>,
    context: &mut Context<'_>,
    asked: &[Asked<'_>],
    destination: &Destination<'_>,
) -> Result<Decision, Fault> {
    let created = destination.found.is_none();
    let serial = destination.found.unwrap_or_else(|| decider.state.profiles.next_serial());
    if created {
        let source = destination.source;
        decider.emit(Effect::CreateProfile { serial, create_time: context.time, source, merges: 0 });
    }
    let told = i5_attach::attach(decider, context, serial, destination.usable);
    if created && !i5_attach::any_attached(&told) {
        return Err(i5_attach::nothing_attachable());
    }
    m8_traits::write(decider, context, serial, &[])?;
    events::store(decider, context, asked, (Some(serial), &[]));
    Ok(Decision {
        serial: Some(serial),
        outcome: if created { Outcome::Created } else { Outcome::Matched },
        merged: Serials::new(),
        identifiers: dispositions::of_asked(asked, |index| i5_attach::told_of(&told, index)),
        demoted: Vec::new(),
        changes: Vec::new(),
        decided_by: destination.decided_by,
        also_touched: Serials::new(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::call::{Call, CallKind};
    use crate::policy::spec::{OnLogout, OnNewKnownUser};
    use crate::testing::calls::{ISOLATION, any_calls, call, identify};
    use crate::testing::{Step, World, cases, fail, id_of, naive, policies};

    const LOOK_UPS: &[CallKind] = &[CallKind::Identify, CallKind::Login, CallKind::Track];

    fn previous(step: &Step<'_>) -> Option<Serial> {
        let serial = step.world.state.serial_of(step.call.previous_profile?)?;
        step.before.people.contains_key(&serial).then_some(serial)
    }

    /// The rule's words for the source of a profile that is made.
    fn expected_source(step: &Step<'_>) -> Option<Serial> {
        let links = naive::on_new_known_user(step.policy) == OnNewKnownUser::CreateLinkedProfile;
        if !links || !naive::carries_login(&step.usable()) {
            return None;
        }
        let anonymous = previous(step).filter(|&serial| !naive::known(step.before, step.policy, serial));
        let stored = (step.before, step.policy);
        anonymous.or_else(|| naive::waterfall(stored, &step.usable(), Filter::Anonymous, previous(step)))
    }

    proptest! {
        #![proptest_config(cases(250))]

        #[test]
        fn the_waterfalls_profile_or_a_new_one(spec in policies::any_isolation(), calls in any_calls(ISOLATION, 20)) {
            World::new(&spec).watch(&calls, |step| {
                let Some(answer) = step.answer().filter(|_| LOOK_UPS.contains(&step.call.kind)) else { return Ok(()) };
                let serial = step.serial().ok_or_else(|| fail("a profile is always answered"))?;
                if let Some(expected) = naive::identify((step.before, step.policy), &step.usable(), previous(step)) { prop_assert_eq!((serial, answer.outcome), (expected, Outcome::Matched)) } else {
                    let new = u32::try_from(step.before.people.len() + 1).expect("few");
                    prop_assert_eq!((serial.0, answer.outcome), (new, Outcome::Created));
                    prop_assert_eq!(step.after.people[&serial].source, expected_source(step));
                    prop_assert_eq!(step.after.people[&serial].create_time, Some(step.time()));
                }
                Ok(())
            })?;
        }

        #[test]
        fn a_source_is_set_once_and_always_shown(spec in policies::any_isolation(), calls in any_calls(ISOLATION, 25)) {
            World::new(&spec).watch(&calls, |step| {
                for (serial, person) in &step.before.people {
                    prop_assert_eq!(step.after.people[serial].source, person.source);
                }
                if let (Some(answer), Some(serial)) = (step.answer(), step.serial()) {
                    let told = answer.source.and_then(|id| step.world.state.serial_of(id));
                    prop_assert_eq!(told, step.after.people[&serial].source);
                }
                Ok(())
            })?;
        }
    }

    fn from(mut call: Call<'_>, serial: u32) -> Call<'_> {
        call.previous_profile = Some(id_of(serial));
        call
    }

    fn world(on_new: OnNewKnownUser) -> World {
        World::new(&policies::isolation(false, on_new, OnLogout::CreateAnonymous))
    }

    #[test]
    fn a_new_login_identifier_converts_only_where_the_policy_says_so() {
        for (on_new, expected) in [
            (OnNewKnownUser::CreateProfile, (Outcome::Created, None)),
            (OnNewKnownUser::CreateLinkedProfile, (Outcome::Created, Some(id_of(1)))),
            (OnNewKnownUser::ConvertAnonymous, (Outcome::Matched, None)),
        ] {
            let mut world = world(on_new);
            world.accept(&identify("device=1"));
            let answer = world.accept(&call(CallKind::Login, "customer=1 device=1"));
            assert_eq!((answer.outcome, answer.source), expected);
            assert!(answer.known);
        }
    }

    #[test]
    fn an_orphan_may_be_the_source_and_a_known_or_unknown_profile_may_not() {
        let mut world = world(OnNewKnownUser::CreateLinkedProfile);
        world.accept(&identify("device=1"));
        world.accept(&crate::testing::calls::modify(1, &[("device", "1", "")]));
        assert_eq!(world.accept(&from(identify("customer=1"), 1)).source, Some(id_of(1)));
        assert_eq!(world.accept(&from(identify("customer=2"), 2)).source, None);
        assert_eq!(world.accept(&from(identify("customer=3"), 77)).source, None);
    }
}
