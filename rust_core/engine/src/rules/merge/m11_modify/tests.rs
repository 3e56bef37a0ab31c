//! Modify of the merge family against the page's own words over sets, and its edges.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::answer::outcome::Outcome;
use crate::call::{Call, CallKind, RawChange};
use crate::ids::Micros;
use crate::policy::spec::{OnExceeded, Window};
use crate::policy::{Policy, Strategy};
use crate::rules::common::c11_time;
use crate::testing::calls::{MERGE, any_calls, at, identify, modify as modify_call};
use crate::testing::policies::{self, BLOCKED, limit};
use crate::testing::view::{Identifier, View};
use crate::testing::{Step, World, cases, fail};

type Held = BTreeMap<Identifier, Micros>;

/// What a Modify leaves.
struct Left {
    held: BTreeMap<Serial, Held>,
    changed: Vec<(String, Serial)>,
    warnings: usize,
}

impl Left {
    fn note(&mut self, type_name: &str, serial: Serial) {
        let pair = (type_name.to_owned(), serial);
        if !self.changed.contains(&pair) {
            self.changed.push(pair);
        }
    }

    fn remove(&mut self, serial: Serial, identifier: &Identifier) {
        self.held.entry(serial).or_default().remove(identifier);
        self.note(&identifier.0, serial);
    }

    /// One change, seeing the ones before it.
    fn change(&mut self, serial: Serial, change: &RawChange, time: Micros) {
        let named = |value: &str| (!value.is_empty()).then(|| (change.type_name.clone(), value.to_owned()));
        let (old, new) = (named(&change.old_value), named(&change.new_value));
        let held = old.clone().filter(|old| self.held[&serial].contains_key(old));
        self.warnings += usize::from(old.is_some() && held.is_none());
        if let Some(new) = &new {
            let others = self.held.iter().filter(|(other, held)| **other != serial && held.contains_key(new));
            let others: Vec<Serial> = others.map(|(other, _)| *other).collect();
            for loser in others {
                self.remove(loser, new);
            }
        }
        if let Some(old) = held.filter(|old| Some(old) != new.as_ref()) {
            self.remove(serial, &old);
        }
        if let Some(new) = new.filter(|new| !self.held[&serial].contains_key(new)) {
            self.note(&new.0, serial);
            self.held.entry(serial).or_default().insert(new, time);
        }
    }
}

/// M3.2 to M3.4 with M5, on a profile as it was and as it would be.
fn exceeds(policy: &Policy, (before, after): (&Held, &Held), carried: &BTreeSet<String>, time: Micros) -> bool {
    let types: BTreeSet<&String> = after.keys().map(|(type_name, _)| type_name).collect();
    let grows = |values: &[&Identifier]| !values.iter().all(|one| before.contains_key(*one));
    for type_name in types {
        let Some(limit) = policy.settings_of(type_name).settings().and_then(|settings| settings.limit) else {
            continue;
        };
        if limit.scope == LimitScope::WhenPresent && !carried.contains(type_name) {
            continue;
        }
        let counts = |added: Micros| limit.window_us.is_none_or(|window| added.0 > time.0 - window && added <= time);
        let of_type = after.iter().filter(|((name, _), added)| name == type_name && counts(**added));
        let values: Vec<&Identifier> = of_type.map(|(identifier, _)| identifier).collect();
        if values.len() > limit.max_values as usize && grows(&values) {
            return true;
        }
    }
    let Strategy::Merge { max_identifiers, .. } = policy.strategy() else { return false };
    let all: Vec<&Identifier> = after.keys().collect();
    max_identifiers > 0 && all.len() > max_identifiers as usize && grows(&all)
}

/// The rule's words for a whole call.
fn expected(
    view: &View,
    policy: &Policy,
    serial: Option<Serial>,
    (call, time): (&Call, Micros),
) -> Result<Left, Reason> {
    let serial = serial.ok_or(Reason::ProfileNotFound)?;
    if call.changes.iter().any(|change| change.old_value.is_empty() && change.new_value.is_empty()) {
        return Err(Reason::EmptyChange);
    }
    let held: BTreeMap<Serial, Held> = view.live().map(|(serial, one)| (serial, one.identifiers.clone())).collect();
    let made: Vec<&RawChange> = call.changes.iter().filter(|change| change.new_value != BLOCKED).collect();
    if made.is_empty() {
        return Err(Reason::NoUsableIdentifier);
    }
    let mut left = Left { held: held.clone(), changed: Vec::new(), warnings: 0 };
    for change in &made {
        left.change(serial, change, time);
    }
    let carried = made.iter().map(|change| change.type_name.clone()).collect();
    if exceeds(policy, (&held[&serial], &left.held[&serial]), &carried, time) {
        return Err(Reason::LimitExceeded);
    }
    Ok(left)
}

fn check_step(step: &Step<'_>) -> Result<(), TestCaseError> {
    let state = &step.world.state;
    let serial = state.serial_of(step.call.profile).map(|serial| step.before.root(serial));
    // A refused call leaves no entry, so its time is the one that the next entry has.
    let commit_time = if step.effects.is_empty() { step.world.next().0 } else { step.world.state.head.commit_time };
    let time = c11_time::taken(step.policy, step.call.event_time, commit_time).time;
    match expected(step.before, step.policy, serial, (step.call, time)) {
        Err(reason) => {
            prop_assert_eq!(step.reason(), Some(reason));
            prop_assert_eq!(step.after, step.before, "all or nothing");
        }
        Ok(left) => {
            let answer = step.answer().ok_or_else(|| fail(format!("refused: {:?}", step.verdict)))?;
            prop_assert_eq!((step.serial(), answer.outcome), (serial, Outcome::Matched));
            let held = step.after.live().map(|(serial, one)| (serial, one.identifiers.clone()));
            prop_assert_eq!(held.collect::<BTreeMap<_, _>>(), left.held);
            let told = answer.changes.iter().map(|one| (one.type_name.to_string(), state.serial_of(one.profile)));
            let changed = left.changed.into_iter().map(|(type_name, serial)| (type_name, Some(serial)));
            prop_assert_eq!(told.collect::<Vec<_>>(), changed.collect::<Vec<_>>());
            prop_assert_eq!(answer.warnings.len(), left.warnings);
            prop_assert!(!answer.known && answer.merged.is_empty());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn it_changes_what_the_page_says_within_the_limits(
        (spec, later) in (policies::any_merge(), policies::any_merge()),
        calls in any_calls(MERGE.only(&[CallKind::Identify, CallKind::Modify, CallKind::Modify]), 20),
        more in any_calls(MERGE.only(&[CallKind::Modify]), 10),
    ) {
        let look = |step: &Step<'_>| if step.call.kind == CallKind::Modify { check_step(step) } else { Ok(()) };
        let mut world = World::new(&spec);
        world.watch(&calls, look)?;
        world.change_policy(&later);
        world.watch(&more, look)?;
    }
}

#[test]
fn a_value_held_elsewhere_is_taken_and_stands_beside_the_others() {
    let mut world = World::new(&policies::boundless());
    world.accept(&identify("email=1 a=1"));
    world.accept(&identify("email=2"));
    let answer = world.accept(&modify_call(1, &[("email", "", "2")]));
    let told: Vec<_> = answer.changes.iter().map(|one| (one.profile, one.now_orphaned)).collect();
    assert_eq!(told, [(crate::testing::id_of(2), true), (crate::testing::id_of(1), false)]);
    assert_eq!(world.view.people[&Serial(1)].identifiers.len(), 3);
}

#[test]
fn a_limit_is_held_against_the_result_only() {
    let mut world = World::new(&policies::merge([Some(policies::exclusive()), None, None, None], 100, 2));
    world.accept(&identify("user=1 a=1"));
    assert_eq!(world.refuse(&modify_call(1, &[("user", "", "2")])), Reason::LimitExceeded);
    assert_eq!(world.refuse(&modify_call(1, &[("a", "", "2")])), Reason::LimitExceeded);
    world.accept(&modify_call(1, &[("user", "", "2"), ("user", "1", "")]));
    world.accept(&modify_call(1, &[("a", "1", "2")]));
}

#[test]
fn a_value_outside_the_window_leaves_room() {
    let daily = limit(1, Window::Day, LimitScope::WhenPresent, OnExceeded::DemoteLowest);
    let mut world = World::new(&policies::merge([None, None, Some(daily), None], 100, 0));
    world.accept(&at(identify("a=1"), 0));
    assert_eq!(world.refuse(&at(modify_call(1, &[("a", "", "2")]), 23)), Reason::LimitExceeded);
    world.accept(&at(modify_call(1, &[("a", "", "2")]), 24));
}
