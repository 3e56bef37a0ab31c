//! What a load refuses, of rows that the tables' keys allow.

use std::ops::RangeInclusive;

use super::*;
use crate::testing::{World, policies};

/// A state with profiles and nothing else.
fn with_profiles(serials: RangeInclusive<u32>) -> State {
    let mut state = World::new(&policies::merge([None, None, None, None], 100, 0)).state;
    for serial in serials.map(Serial) {
        let (create_time, source, imported_merges, merged_into) = (Micros(0), None, 0, None);
        assert!(state.load_profile(&LoadedProfile { serial, create_time, source, imported_merges, merged_into }));
    }
    state
}

fn row(state: &mut State, digest: u128, serial: u32, exclusive: bool) -> Entry {
    let type_id = state.load_type("email");
    let (digest, serial) = (Digest(digest), Serial(serial));
    Entry { digest, serial, type_id, seen_day: Day(0), add_time: Micros(0), exclusive }
}

/// Loads rows (digest, profile, whether exclusive) in groups of so many.
fn load(rows: &[(u128, u32, bool)], together: usize) -> Result<(), Misfit> {
    let mut state = with_profiles(1..=40);
    let rows: Vec<Entry> = rows.iter().map(|&(digest, serial, alone)| row(&mut state, digest, serial, alone)).collect();
    rows.chunks(together).try_for_each(|rows| state.load_identifiers(rows))
}

#[test]
fn two_owners_are_refused_wherever_they_stand() {
    let others = |serials: RangeInclusive<u32>| serials.map(|serial| (7, serial, false));
    for together in [1, 64] {
        assert_eq!(load(&[(7, 1, true), (8, 2, true), (7, 2, true)], together), Err(Misfit::TwoOwners));
        // Few holders lie in a list, many in trees.
        for last in [5, 39] {
            let rows: Vec<_> = others(1..=2).chain([(7, 3, true)]).chain(others(4..=last)).collect();
            assert_eq!(load(&rows, together), Ok(()), "one owner, and profiles that shared it before or after");
            let rows: Vec<_> = rows.into_iter().chain([(7, 40, true)]).collect();
            assert_eq!(load(&rows, together), Err(Misfit::TwoOwners));
        }
    }
}

#[test]
fn any_number_of_profiles_may_share() {
    let rows: Vec<_> = (1..=40).map(|serial| (7, serial, false)).collect();
    assert_eq!(load(&rows, 64), Ok(()));
}

#[test]
fn a_row_of_no_profile_is_refused() {
    assert_eq!(load(&[(7, 1, true), (8, 41, true)], 64), Err(Misfit::NobodysRow));
}
