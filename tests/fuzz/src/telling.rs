//! All that a state knows, in words that do not depend on how it came to know it.

use utterson_engine::ids::Serial;
use utterson_engine::state::State;
use utterson_engine::state::index::Holders;

/// A line for each thing that a state knows, but for the ids that were used: a load does not know all of those.
#[must_use]
pub fn lines(state: &State) -> Vec<String> {
    let mut lines = vec![
        format!("{:?} {:?} {:?}", state.head, state.policy_revision, state.hash),
        format!("policy {:?}", state.policy_encoded),
        format!("{} profiles, {} identifiers", state.profiles.len(), state.index.len()),
    ];
    for number in 1..=u32::try_from(state.profiles.len()).unwrap_or(u32::MAX) {
        profile(state, Serial(number), &mut lines);
    }
    lines
}

fn profile(state: &State, serial: Serial, lines: &mut Vec<String>) {
    let (redirect, source) = (state.profiles.redirect(serial), state.profiles.source(serial));
    lines.push(format!("{serial:?} into {redirect:?} from {source:?} root {:?}", state.profiles.root(serial)));
    if let Some(profile) = state.profiles.get(serial).filter(|_| redirect.is_none()) {
        // Numbers of types are given in the order in which they are met.
        let mut counts: Vec<_> = profile.counts.iter().map(|(id, count)| (state.types.name(*id), count)).collect();
        counts.sort();
        let (merges, identifiers, logins) = (profile.merges, profile.identifiers, profile.logins);
        lines.push(format!("  {merges} merges, {identifiers} identifiers, {logins} logins, {counts:?}"));
        let mut members = state.profiles.members(serial);
        members.sort();
        lines.push(format!("  members {members:?}"));
    }
    lines.push(format!("  traits {:?}", state.traits.of(serial)));
    let mut entries: Vec<String> = state
        .own_entries(serial)
        .map(|entry| {
            let is_known = |holder| state.is_known(holder);
            let side = |side| state.index.newest_first(entry.digest, side, is_known).collect::<Vec<_>>();
            let holders = (side(Holders::Anonymous), side(Holders::Known));
            let (name, time, day) = (state.types.name(entry.type_id), entry.add_time, entry.seen_day);
            format!("  {:?} {name} {time:?} {day:?} {} of {holders:?}", entry.digest, entry.exclusive)
        })
        .collect();
    entries.sort();
    lines.extend(entries);
}

/// Says that two states know the same.
///
/// # Panics
///
/// They do not; the first line that differs is told.
pub fn assert_same(one: &State, other: &State, when: &str) {
    let (one, other) = (lines(one), lines(other));
    for (left, right) in one.iter().zip(&other) {
        assert_eq!(left, right, "{when}");
    }
    assert_eq!(one.len(), other.len(), "{when}");
}
