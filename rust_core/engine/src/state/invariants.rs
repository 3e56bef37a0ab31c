//! The full check of a state: slow, for tests and for an operator's audit. Each broken promise is one sentence
//! without personal data.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{Serial, TypeId};
use crate::keyed::digest::Digest;
use crate::policy::Strategy;
use crate::state::State;
use crate::state::index::Holders;

/// Everything that is wrong with a state; nothing should be.
#[must_use]
pub fn check(state: &State) -> Vec<String> {
    let mut wrong = Vec::new();
    check_redirects(state, &mut wrong);
    let held = check_counts(state, &mut wrong);
    check_index(state, &held, &mut wrong);
    wrong
}

fn serials(state: &State) -> impl Iterator<Item = Serial> {
    (1..=u32::try_from(state.profiles.len()).unwrap_or(u32::MAX)).map(Serial)
}

/// M9: a redirect leads to an older profile, so every chain ends; members are exactly those that lead here.
fn check_redirects(state: &State, wrong: &mut Vec<String>) {
    let merging = matches!(state.policy.strategy(), Strategy::Merge { .. });
    let mut members: BTreeMap<Serial, BTreeSet<Serial>> = BTreeMap::new();
    for serial in serials(state) {
        if let Some(survivor) = state.profiles.redirect(serial) {
            if !merging {
                wrong.push(format!("I9: profile {} was joined in the isolation family", serial.0));
            }
            if survivor >= serial {
                wrong.push(format!("M9: profile {} leads to a later one", serial.0));
                return;
            }
        }
        members.entry(state.profiles.root(serial)).or_default().insert(serial);
    }
    for (root, expected) in members {
        let told: BTreeSet<Serial> = state.profiles.members(root).into_iter().collect();
        if told != expected {
            wrong.push(format!("M9: profile {} does not list its members", root.0));
        }
    }
}

type Held = BTreeMap<Digest, BTreeSet<Serial>>;

/// Counts by type are what the entries say, for every live profile.
fn check_counts(state: &State, wrong: &mut Vec<String>) -> Held {
    let mut held = Held::new();
    for serial in serials(state) {
        for entry in state.own_entries(serial) {
            held.entry(entry.digest).or_default().insert(serial);
        }
        if state.profiles.redirect(serial).is_some() {
            continue;
        }
        let mut counts: BTreeMap<TypeId, u32> = BTreeMap::new();
        for entry in state.entries(serial) {
            *counts.entry(entry.type_id).or_default() += 1;
        }
        let row = state.profiles.row(serial);
        let told: BTreeMap<TypeId, u32> = row.counts.iter().copied().collect();
        let total: u32 = counts.values().sum();
        let logins: u32 =
            counts.iter().filter(|(type_id, _)| state.types.flags(**type_id).login).map(|(_, count)| *count).sum();
        if told != counts || total != row.identifiers || logins != row.logins {
            wrong.push(format!("profile {} has wrong counts", serial.0));
        }
    }
    held
}

/// The index finds exactly the entries that the profiles list; in the merge family one owner each (M1).
fn check_index(state: &State, held: &Held, wrong: &mut Vec<String>) {
    let merging = matches!(state.policy.strategy(), Strategy::Merge { .. });
    let entries: usize = held.values().map(BTreeSet::len).sum();
    if entries != state.index.len() {
        wrong.push(format!("the index holds {} entries, the profiles {entries}", state.index.len()));
    }
    for (&digest, owners) in held {
        let mut told = BTreeSet::new();
        for (holders, known) in [(Holders::Anonymous, false), (Holders::Known, true)] {
            for serial in state.index.newest_first(digest, holders, |serial| state.is_known(serial)) {
                if state.is_known(serial) != known {
                    wrong.push(format!("I1: profile {} stands on the wrong side of a posting", serial.0));
                }
                told.insert(serial);
            }
        }
        if told != *owners {
            wrong.push("the index tells other holders than the profiles do".to_owned());
        }
        if merging && owners.len() > 1 {
            wrong.push("M1: an identifier has several owners".to_owned());
        }
    }
}
