//! Modify against the page's own words over sets, and its edges.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::answer::outcome::Disposition;
use crate::answer::outcome::Outcome;
use crate::call::{Call, CallKind, RawChange};
use crate::policy::spec::{OnLogout, OnNewKnownUser};
use crate::policy::{Policy, TypeStatus};
use crate::testing::calls::{ISOLATION, any_calls, identify, modify as modify_call};
use crate::testing::policies::{self, BLOCKED};
use crate::testing::view::{Identifier, View};
use crate::testing::{Step, World, cases, fail, id_of};

/// What a Modify leaves: what every profile holds, who changed, how many warnings, what was set aside.
#[derive(Debug, Default, PartialEq, Eq)]
struct Left {
    held: BTreeMap<Serial, BTreeSet<Identifier>>,
    changed: Vec<(String, Serial)>,
    warnings: usize,
    set_aside: BTreeSet<(usize, i32)>,
}

impl Left {
    fn remove(&mut self, policy: &Policy, serial: Serial, identifier: &Identifier) -> Result<(), Reason> {
        if immutable_type(policy, &identifier.0) {
            return Err(Reason::ImmutableIdentifier);
        }
        self.held.entry(serial).or_default().remove(identifier);
        self.note(&identifier.0, serial);
        Ok(())
    }

    fn note(&mut self, type_name: &str, serial: Serial) {
        let pair = (type_name.to_owned(), serial);
        if !self.changed.contains(&pair) {
            self.changed.push(pair);
        }
    }

    /// One change, seeing the ones before it.
    fn change(&mut self, policy: &Policy, serial: Serial, change: &RawChange) -> Result<(), Reason> {
        let named = |value: &str| (!value.is_empty()).then(|| (change.type_name.clone(), value.to_owned()));
        let (mut old, new) = (named(&change.old_value), named(&change.new_value));
        if old.as_ref().is_some_and(|old| !self.held[&serial].contains(old)) {
            (old, self.warnings) = (None, self.warnings + 1);
        }
        let Some(new) = new else { return old.map_or(Ok(()), |old| self.remove(policy, serial, &old)) };
        // A type that became unique later may have several holders, and a holder several values.
        let takes = unique_type(policy, &new.0) && !immutable_type(policy, &new.0);
        let same = self.held[&serial].contains(&new);
        let mut leaving: BTreeSet<Identifier> = old.into_iter().filter(|old| *old != new).collect();
        if takes || (unique_type(policy, &new.0) && !same) {
            let others = self.held.iter().filter(|(other, held)| **other != serial && held.contains(&new));
            for loser in others.map(|(&other, _)| other).collect::<Vec<_>>() {
                self.remove(policy, loser, &new)?;
            }
            let own = self.held[&serial].iter().filter(|one| one.0 == new.0 && **one != new);
            leaving.extend(own.cloned());
        }
        for identifier in leaving {
            self.remove(policy, serial, &identifier)?;
        }
        if same {
            return Ok(());
        }
        self.note(&new.0, serial);
        self.held.entry(serial).or_default().insert(new);
        Ok(())
    }
}

fn immutable_type(policy: &Policy, type_name: &str) -> bool {
    policy.settings_of(type_name).settings().is_some_and(|settings| settings.immutable)
}

fn unique_type(policy: &Policy, type_name: &str) -> bool {
    policy.settings_of(type_name).settings().is_some_and(|settings| settings.unique)
}

/// The rule's words for a whole call.
fn expected(view: &View, policy: &Policy, serial: Option<Serial>, call: &Call) -> Result<Left, Reason> {
    let serial = serial.ok_or(Reason::ProfileNotFound)?;
    if call.changes.iter().any(|change| change.old_value.is_empty() && change.new_value.is_empty()) {
        return Err(Reason::EmptyChange);
    }
    let mut left = Left { held: view.held(), ..Left::default() };
    let mut made = 0;
    let mut told = BTreeSet::new();
    for (index, change) in call.changes.iter().enumerate() {
        let aside = if change.new_value == BLOCKED {
            Some(Disposition::Blocked)
        } else if matches!(policy.settings_of(&change.type_name), TypeStatus::Ignored) {
            Some(Disposition::IgnoredType)
        } else {
            None
        };
        if let Some(disposition) = aside {
            let value = if change.new_value.is_empty() { &change.old_value } else { &change.new_value };
            if told.insert((&change.type_name, value)) {
                left.set_aside.insert((index, disposition as i32));
            }
            continue;
        }
        made += 1;
        left.change(policy, serial, change)?;
    }
    if made == 0 { Err(Reason::NoUsableIdentifier) } else { Ok(left) }
}

fn check(step: &Step<'_>) -> Result<(), TestCaseError> {
    let serial = step.world.state.serial_of(step.call.profile);
    match expected(step.before, step.policy, serial, step.call) {
        Err(reason) => {
            prop_assert_eq!(step.reason(), Some(reason));
            prop_assert_eq!(step.after, step.before, "all or nothing");
        }
        Ok(left) => {
            let answer = step.answer().ok_or_else(|| fail(format!("refused: {:?}", step.verdict)))?;
            prop_assert_eq!((step.serial(), answer.outcome), (serial, Outcome::Matched));
            prop_assert_eq!(step.after.held(), left.held);
            let told = |one: &crate::answer::outcome::ChangedProfile| {
                (one.type_name.to_string(), step.world.state.serial_of(one.profile).expect("a profile"))
            };
            prop_assert_eq!(answer.changes.iter().map(told).collect::<Vec<_>>(), left.changed);
            for one in &answer.changes {
                let serial = step.world.state.serial_of(one.profile).expect("a profile");
                prop_assert_eq!(one.now_orphaned, step.after.people[&serial].identifiers.is_empty());
            }
            prop_assert_eq!(answer.warnings.len(), left.warnings);
            let aside = answer.identifiers.iter().map(|one| (one.index, one.disposition as i32));
            prop_assert_eq!(aside.collect::<BTreeSet<_>>(), left.set_aside);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn it_changes_what_the_page_says_and_nothing_else(
        spec in policies::any_isolation(),
        calls in any_calls(ISOLATION.only(&[CallKind::Identify, CallKind::Modify, CallKind::Modify]), 25),
    ) {
        World::new(&spec).watch(&calls, |step| {
            prop_assert!(step.after.people.len() == step.before.people.len() || step.call.kind != CallKind::Modify);
            if step.call.kind == CallKind::Modify { check(step) } else { Ok(()) }
        })?;
    }

    #[test]
    fn it_judges_by_the_policy_in_force(
        (before, after) in (policies::any_isolation(), policies::any_isolation()),
        history in any_calls(ISOLATION, 15),
        calls in any_calls(ISOLATION.only(&[CallKind::Modify]), 8),
    ) {
        let mut world = World::new(&before);
        world.run_all(&history);
        world.change_policy(&after);
        world.watch(&calls, check)?;
    }
}

fn world(immutable: bool) -> World {
    let mut world =
        World::new(&policies::isolation(immutable, OnNewKnownUser::CreateProfile, OnLogout::CreateAnonymous));
    world.accept(&identify("customer=1 email=1"));
    world.accept(&identify("email=2 device=1"));
    world
}

#[test]
fn a_unique_value_is_taken_and_leaves_an_orphan() {
    let mut world = world(false);
    world.accept(&modify_call(2, &[("device", "1", "")]));
    let answer = world.accept(&modify_call(1, &[("email", "1", "2")]));
    let told: Vec<_> = answer.changes.iter().map(|one| (one.profile, one.now_orphaned)).collect();
    assert_eq!(told, [(id_of(2), true), (id_of(1), false)]);
}

#[test]
fn only_modify_revives_an_orphan() {
    let mut world = world(false);
    world.accept(&modify_call(2, &[("device", "1", ""), ("email", "2", "")]));
    assert_eq!(world.serial(&identify("email=2 device=1")), 3);
    world.accept(&modify_call(2, &[("email", "", "7")]));
    assert_eq!(world.serial(&identify("email=7")), 2);
}

#[test]
fn an_immutable_value_is_set_once() {
    let mut world = world(true);
    let mut reason = |changes: &[_]| world.run(&modify_call(1, changes));
    let refused = |verdict| crate::testing::reason(&verdict) == Some(Reason::ImmutableIdentifier);
    assert!(refused(reason(&[("customer", "1", "2")])));
    assert!(refused(reason(&[("customer", "1", "")])));
    assert!(refused(reason(&[("email", "", "5"), ("customer", "", "2")])));
    assert!(!refused(reason(&[("customer", "1", "1")])));
    assert_eq!(world.refuse(&modify_call(2, &[("customer", "", "1")])), Reason::ImmutableIdentifier);
    world.accept(&modify_call(2, &[("customer", "", "2")]));
}

#[test]
fn a_blocked_new_value_of_an_unlisted_type_is_blocked_not_ignored() {
    let answer = world(false).accept(&modify_call(1, &[("other", "1", BLOCKED), ("email", "1", "3")]));
    let told: Vec<_> = answer.identifiers.iter().map(|one| (one.index, one.disposition)).collect();
    assert_eq!(told, [(0, Disposition::Blocked)]);
}
