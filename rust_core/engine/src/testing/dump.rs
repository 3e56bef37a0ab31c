//! All that a state knows, in an order that does not depend on how it came to know it.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::{Micros, PolicyRevision, Serial};
use crate::keyed::state_hash::StateHash;
use crate::state::index::Holders;
use crate::state::marks::RequestMark;
use crate::state::traits::TraitMark;
use crate::state::{Head, State};

/// One profile: redirect, source, members, merges, identifiers, logins, counts by type, own entries.
type Row = (
    Option<Serial>,
    Option<Serial>,
    BTreeSet<Serial>,
    [u32; 3],
    BTreeMap<String, u32>,
    BTreeSet<(u128, String, Micros, i32, bool)>,
);

/// A state's whole content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dump {
    head: Head,
    policy_revision: PolicyRevision,
    hash: StateHash,
    sums: (Vec<u64>, usize),
    profiles: Vec<Row>,
    /// By digest: anonymous and known holders, newest first.
    holders: BTreeMap<u128, [Vec<Serial>; 2]>,
    traits: Vec<Vec<TraitMark>>,
    requests: BTreeMap<u128, RequestMark>,
}

pub(crate) fn dump(state: &State) -> Dump {
    let serials = (1..=u32::try_from(state.profiles.len()).expect("few")).map(Serial);
    let mut holders = BTreeMap::new();
    for entry in serials.clone().flat_map(|serial| state.own_entries(serial)) {
        let side = |side| state.index.newest_first(entry.digest, side, |serial| state.is_known(serial)).collect();
        holders.entry(entry.digest.0).or_insert_with(|| [side(Holders::Anonymous), side(Holders::Known)]);
    }
    Dump {
        head: state.head,
        policy_revision: state.policy_revision,
        hash: state.hash,
        sums: state.sums(),
        profiles: serials.clone().map(|serial| row(state, serial)).collect(),
        holders,
        traits: serials.map(|serial| state.traits.of(serial).to_vec()).collect(),
        requests: state.requests.all().map(|(key, mark)| (key.0, *mark)).collect(),
    }
}

fn row(state: &State, serial: Serial) -> Row {
    let row = state.profiles.row(serial);
    let entries = state.own_entries(serial).map(|entry| {
        let type_name = state.types.name(entry.type_id).to_string();
        (entry.digest.0, type_name, entry.add_time, entry.seen_day.0, entry.exclusive)
    });
    // Nobody asks a joined profile for its counts: its survivor's are kept.
    let live = state.profiles.redirect(serial).is_none();
    let counts = row.counts.iter().filter(|_| live);
    let counts = counts.map(|(type_id, count)| (state.types.name(*type_id).to_string(), *count));
    (
        state.profiles.redirect(serial),
        state.profiles.source(serial),
        state.profiles.members(serial).into_iter().collect(),
        [row.merges, if live { row.identifiers } else { 0 }, row.logins],
        counts.collect(),
        entries.collect(),
    )
}
