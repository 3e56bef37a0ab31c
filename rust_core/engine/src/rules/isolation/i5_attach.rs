//! I5 Attach (after I3): every identifier of the call goes onto the resulting profile, except: a unique value held by
//! another profile stays there (only Modify moves it; `HELD_BY_OTHER`); an immutable type already set keeps its value.
//! A new value of a unique type replaces the old one; answer, history and explanation say so, and a warning where the
//! old one was a login identifier. Nothing is taken from the profile that the caller came from. In
//! the call's order. If the call would create a profile and none of its identifiers can be attached: `FAILED_PRECONDITION`.
//!
//! Source: the seed, "Any anonymous data collected prior to the user signing up is not carried over", and its row
//! "New Device Login", where the device joins the profile.

use crate::answer::explain::{Check, RuleId};
use crate::answer::outcome::{Disposition, Replaced};
use crate::decider::asked::Usable;
use crate::decider::{Context, Decider};
use crate::fault::{Fault, Reason};
use crate::ids::Serial;
use crate::keyed::digest::Digest;
use crate::plan::Effect;
use crate::rules::common::dispositions::Told;
use crate::rules::common::put::put;
use crate::rules::common::seen;
use crate::state::State;
use crate::state::index::Entry;

/// Attaches the identifiers and tells what became of each, by its place in the call.
pub(crate) fn attach(
    decider: &mut Decider<'_>,
    context: &mut Context<'_>,
    serial: Serial,
    usable: &[(usize, &Usable<'_>)],
) -> Vec<(usize, Disposition)> {
    let mut told = Vec::with_capacity(usable.len());
    for &(index, usable) in usable {
        let disposition = judge(decider.state, serial, usable);
        match disposition {
            Disposition::Matched => seen::note_on(decider, context, usable.digest, serial),
            Disposition::Attached => {
                if usable.settings.unique {
                    let gone = replace(decider, serial, usable.type_name, usable.digest);
                    tell(context, (index, usable), serial, gone);
                }
                let raw = &context.call.identifiers[index].value;
                put(decider, context, serial, (usable, raw));
            }
            Disposition::Blocked
            | Disposition::IgnoredType
            | Disposition::Dropped
            | Disposition::Demoted
            | Disposition::KeptImmutable
            | Disposition::HeldByOther
            | Disposition::Invalid => {}
        }
        told.push((index, disposition));
    }
    told
}

/// What would become of an identifier on this profile.
pub(crate) fn judge(state: &State, serial: Serial, usable: &Usable<'_>) -> Disposition {
    if state.index.holds(usable.digest, serial) {
        Disposition::Matched
    } else if usable.settings.immutable && holds_type(state, serial, usable.type_name) {
        Disposition::KeptImmutable
    } else if usable.settings.unique && state.index.first(usable.digest).is_some() {
        Disposition::HeldByOther
    } else {
        Disposition::Attached
    }
}

/// Whether a profile holds any value of a type.
pub(crate) fn holds_type(state: &State, serial: Serial, type_name: &str) -> bool {
    state.types.get(type_name).is_some_and(|type_id| state.profiles.row(serial).count(type_id) > 0)
}

/// Tells what left a profile for one of the call's identifiers.
fn tell(context: &mut Context<'_>, (index, usable): (usize, &Usable<'_>), serial: Serial, gone: Vec<Gone>) {
    if gone.is_empty() {
        return;
    }
    if usable.settings.login {
        let type_name = usable.type_name;
        context.warnings.push(format!(
            "the profile's {type_name} was replaced by another one, and it was a login identifier: see `replaced`"
        ));
    }
    if let Some(round) = context.rounds.as_mut().and_then(|rounds| rounds.last_mut()) {
        round.checks.push(Check { rule: RuleId::I5, figure: gone.len() as u64, limit: 0, passed: true });
    }
    let told = gone.into_iter().map(|(digest, raw)| Replaced { index, digest, holder: serial, raw });
    context.replaced.extend(told);
}

/// An identifier that left a profile, and its value as sent where the same plan brought it.
type Gone = (Digest, Option<Box<str>>);

/// Takes the profile's other values of a type off it and answers them, the one that was added first before the others.
pub(crate) fn replace(decider: &mut Decider<'_>, serial: Serial, type_name: &str, keep: Digest) -> Vec<Gone> {
    let Some(type_id) = decider.state.types.get(type_name) else { return Vec::new() };
    if decider.state.profiles.row(serial).count(type_id) == 0 {
        return Vec::new();
    }
    let entries = decider.state.own_entries(serial);
    let others = entries.filter(|entry| entry.type_id == type_id && entry.digest != keep);
    let mut others: Vec<Entry> = others.collect();
    // Several only where the type became unique later. Their chain has another order after a load.
    others.sort_unstable_by_key(|entry| (entry.add_time, entry.digest));
    let mut gone = Vec::with_capacity(others.len());
    for Entry { digest, exclusive, .. } in others {
        gone.push((digest, decider.raw_of(digest, serial).map(Into::into)));
        decider.emit(Effect::Detach { digest, serial, exclusive });
    }
    gone
}

pub(crate) fn any_attached(told: &[(usize, Disposition)]) -> bool {
    told.iter().any(|(_, disposition)| *disposition == Disposition::Attached)
}

/// What was told of the identifier at a place; those left out were dropped (I6).
pub(crate) fn told_of(told: &[(usize, Disposition)], index: usize) -> Told {
    let one = told.iter().find(|(place, _)| *place == index);
    (one.map_or(Disposition::Dropped, |(_, disposition)| *disposition), None)
}

pub(crate) fn nothing_attachable() -> Fault {
    Fault::new(
        Reason::IdentifiersHeldByOthers,
        "other profiles hold every identifier of this call, so a new profile would have none: \
         move one with Modify, or send an identifier that is free",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::call::CallKind;
    use crate::policy::spec::{OnLogout, OnNewKnownUser};
    use crate::testing::calls::{ISOLATION, any_calls, identify};
    use crate::testing::view::Identifier;
    use crate::testing::{Step, World, answer, cases, created, naive, policies};

    type Held = BTreeMap<Serial, BTreeSet<Identifier>>;

    /// The identifiers that a call offers to its profile.
    fn offered<'a>(step: &'a Step<'_>) -> Vec<(usize, Usable<'a>)> {
        let logout = step.call.kind == CallKind::Logout;
        step.usable().into_iter().filter(|(_, one)| !logout || !one.settings.login).collect()
    }

    /// The rule's words: what every profile holds afterwards, and what is told of each identifier.
    fn expected(mut held: Held, serial: Serial, offered: &[(usize, Usable)]) -> (Held, Vec<(usize, Disposition)>) {
        let mut told = Vec::new();
        for (index, one) in offered {
            let identifier = naive::name(one);
            let of_type = |(type_name, _): &Identifier| *type_name == identifier.0;
            let others = held.iter().any(|(&other, values)| other != serial && values.contains(&identifier));
            let own = held.entry(serial).or_default();
            let disposition = if own.contains(&identifier) {
                Disposition::Matched
            } else if one.settings.immutable && own.iter().any(of_type) {
                Disposition::KeptImmutable
            } else if one.settings.unique && others {
                Disposition::HeldByOther
            } else {
                own.retain(|held| !(one.settings.unique && of_type(held)));
                own.insert(identifier);
                Disposition::Attached
            };
            told.push((*index, disposition));
        }
        (held, told)
    }

    fn attaches(kind: CallKind) -> bool {
        !matches!(kind, CallKind::Modify | CallKind::Search | CallKind::Import)
    }

    proptest! {
        #![proptest_config(cases(250))]

        #[test]
        fn everything_goes_onto_the_profile_but_for_the_exceptions(
            spec in policies::any_isolation(),
            calls in any_calls(ISOLATION, 20),
        ) {
            World::new(&spec).watch(&calls, |step| {
                let (Some(answer), Some(serial)) = (step.answer(), step.serial()) else {
                    prop_assert_eq!(step.after, step.before);
                    return Ok(());
                };
                if attaches(step.call.kind) {
                    let (held, told) = expected(step.before.held(), serial, &offered(step));
                    prop_assert_eq!(step.after.held(), held);
                    let digester = &step.world.state.digester;
                    let digest = |(type_name, value): &Identifier| digester.identifier(type_name, value);
                    let nothing = BTreeSet::new();
                    let before = step.before.held();
                    let after = &step.after.held()[&serial];
                    let left: BTreeSet<_> = before.get(&serial).unwrap_or(&nothing).difference(after).map(digest).collect();
                    prop_assert_eq!(answer.replaced().iter().map(|one| one.digest).collect::<BTreeSet<_>>(), left);
                    let answered = |index| answer.identifiers.iter().find(|one| one.index == index);
                    for (index, disposition) in told {
                        prop_assert_eq!(answered(index).map(|one| one.disposition), Some(disposition));
                    }
                }
                Ok(())
            })?;
        }

        #[test]
        fn a_new_profile_holds_something_or_is_refused(
            spec in policies::any_isolation(),
            calls in any_calls(ISOLATION, 20),
        ) {
            World::new(&spec).watch(&calls, |step| {
                if step.answer().is_some_and(created) {
                    let serial = step.serial().expect("a profile");
                    prop_assert!(!step.after.people[&serial].identifiers.is_empty());
                }
                if step.reason() == Some(Reason::IdentifiersHeldByOthers) {
                    for (_, one) in offered(step) {
                        let holders = step.before.holders(&naive::name(&one));
                        prop_assert!(one.settings.unique && !holders.is_empty());
                    }
                }
                Ok(())
            })?;
        }

        #[test]
        fn a_unique_value_has_one_holder_and_a_holder_one_value(
            spec in policies::any_isolation(),
            calls in any_calls(ISOLATION, 25),
        ) {
            let unique = |name: &str| spec.identifier_types.iter().any(|one| one.name == name && one.unique);
            World::new(&spec).watch(&calls, |step| {
                let mut holders = BTreeSet::new();
                for (_, person) in step.after.live() {
                    let mut types = BTreeSet::new();
                    for identifier in person.identifiers.keys().filter(|(name, _)| unique(name)) {
                        prop_assert!(holders.insert(identifier.clone()), "two holders of {:?}", identifier);
                        prop_assert!(types.insert(identifier.0.clone()), "two values of {}", identifier.0);
                    }
                }
                Ok(())
            })?;
        }
    }

    fn world(immutable: bool) -> World {
        World::new(&policies::isolation(immutable, OnNewKnownUser::ConvertAnonymous, OnLogout::CreateAnonymous))
    }

    fn told(world: &mut World, identifiers: &str) -> Vec<Disposition> {
        world.accept(&identify(identifiers)).identifiers.iter().map(|one| one.disposition).collect()
    }

    #[test]
    fn a_new_value_of_a_unique_type_replaces_the_old_one() {
        let mut world = world(false);
        world.accept(&identify("customer=1 email=1"));
        assert_eq!(told(&mut world, "customer=1 email=2"), [Disposition::Matched, Disposition::Attached]);
        let freed = world.accept(&identify("email=1"));
        assert!(created(&freed));
    }

    #[test]
    fn what_was_replaced_is_told_and_its_value_is_where_it_can_be_had() {
        let mut world = world(false);
        world.accept(&identify("customer=1 email=1"));
        let (old, new) = (world.state.digester.identifier("email", "1"), world.state.digester.identifier("email", "2"));
        let mut calls = [identify("customer=1 email=2"), identify("customer=1 email=3"), identify("customer=1")];
        calls[0].explain = true;
        let plan = world.plan(&calls);
        let told: Vec<_> = plan.decided.iter().map(|one| answer(&one.verdict).expect("accepted")).collect();
        let left =
            |digest, raw: Option<&str>| Replaced { index: 1, digest, holder: Serial(1), raw: raw.map(Into::into) };
        assert_eq!(told[0].replaced(), [left(old, None)], "the tables have it");
        assert_eq!(told[1].replaced(), [left(new, Some("2"))], "no table has it yet");
        assert_eq!((told[2].replaced(), told[2].warnings.len()), (&[][..], 0));
        assert!(told[..2].iter().all(|one| one.warnings.len() == 1 && one.warnings[0].contains("email")));
        let rounds = &told[0].explanation.as_ref().expect("asked for").rounds;
        assert!(rounds[0].checks.iter().any(|check| check.rule == RuleId::I5 && check.figure == 1));
    }

    #[test]
    fn a_unique_type_without_login_is_replaced_without_a_warning() {
        let mut spec = policies::isolation(false, OnNewKnownUser::CreateProfile, OnLogout::CreateAnonymous);
        spec.identifier_types[1].login = false;
        let mut world = World::new(&spec);
        world.accept(&identify("customer=1 email=1"));
        let answer = world.accept(&identify("customer=1 email=2"));
        assert_eq!((answer.replaced().len(), answer.warnings.len()), (1, 0));
    }

    #[test]
    fn a_value_of_another_and_a_set_immutable_one_stay() {
        let mut world = world(true);
        world.accept(&identify("customer=1 email=1"));
        world.accept(&identify("customer=2 email=2"));
        assert_eq!(told(&mut world, "customer=2 email=1"), [Disposition::Matched, Disposition::HeldByOther]);
        assert_eq!(world.refuse(&identify("email=1")), Reason::IdentifiersHeldByOthers);
    }

    #[test]
    fn an_immutable_type_already_set_keeps_its_value() {
        let mut spec = policies::isolation(true, OnNewKnownUser::CreateProfile, OnLogout::CreateAnonymous);
        spec.identifier_types[1].immutable = true;
        let mut world = World::new(&spec);
        world.accept(&identify("customer=1 email=1"));
        assert_eq!(told(&mut world, "customer=1 email=2"), [Disposition::Matched, Disposition::KeptImmutable]);
    }
}
