//! One profile as the state has it.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use utterson_engine::ids::{Micros, ProfileId, Serial};
use utterson_engine::keyed::digest::Digest;
use utterson_engine::state::State;
use utterson_engine::state::index::Entry;

/// The place of an identifier in a profile's list: its type, when it was added, its digest.
pub type Place = (String, Micros, Digest);

/// One profile in the state; `digests` and `holders` side by side, by priority, then time added.
#[pyclass(frozen, module = "utterson._core")]
pub struct ProfileView {
    #[pyo3(get)]
    profile_id: i64,
    #[pyo3(get)]
    serial: u32,
    #[pyo3(get)]
    merged_into: i64,
    #[pyo3(get)]
    members: Vec<u32>,
    #[pyo3(get)]
    known: bool,
    #[pyo3(get)]
    merges: u32,
    #[pyo3(get)]
    source_profile_id: i64,
    /// How many identifiers it holds, told here or not.
    #[pyo3(get)]
    identifier_total: usize,
    identifiers: Vec<[u8; 16]>,
    #[pyo3(get)]
    holders: Vec<u32>,
}

#[pymethods]
impl ProfileView {
    #[getter]
    fn digests<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        self.identifiers.iter().map(|digest| PyBytes::new(py, digest)).collect()
    }
}

impl ProfileView {
    /// How many identifiers a profile holds, without looking at them; `None` for an id that is nobody's.
    pub fn identifier_total(state: &State, id: ProfileId) -> Option<usize> {
        let root = state.profiles.root(state.serial_of(id)?);
        state.profiles.get(root).map(|row| row.identifiers as usize)
    }

    /// Looks a profile up by its public id; for a merged-away id the survivor (rule M9). Of its identifiers at most so
    /// many are told, the first ones, or the first after a place.
    pub fn of(state: &State, id: ProfileId, identifiers_max: usize, after: Option<&Place>) -> Option<Self> {
        let asked = state.serial_of(id)?;
        let root = state.profiles.root(asked);
        let row = state.profiles.get(root)?;
        let told = |entry: Entry| {
            let rank = state.policy.rank_of(state.types.name(entry.type_id));
            (rank, entry.add_time, entry.digest, entry.serial)
        };
        let after = after.map(|(name, time, digest)| (state.policy.rank_of(name), *time, *digest));
        let comes_after = |&(rank, time, digest, _): &(_, _, _, _)| Some((rank, time, digest)) > after;
        // Who wants none is spared the walk.
        let mut entries: Vec<_> =
            if identifiers_max == 0 { Vec::new() } else { state.entries(root).map(told).filter(comes_after).collect() };
        if entries.len() > identifiers_max {
            // Sorting all of a large profile would take ten times as long.
            entries.select_nth_unstable(identifiers_max);
            entries.truncate(identifiers_max);
        }
        entries.sort_unstable();
        let public = |serial: Serial| state.id_of(serial).0;
        Some(Self {
            profile_id: public(root),
            serial: root.0,
            merged_into: if root == asked { 0 } else { public(root) },
            members: state.profiles.members(root).into_iter().map(|member| member.0).collect(),
            known: state.is_known(root),
            merges: row.merges,
            source_profile_id: state.profiles.source(root).map_or(0, public),
            identifier_total: row.identifiers as usize,
            identifiers: entries.iter().map(|(_, _, digest, _)| digest.to_bytes()).collect(),
            holders: entries.iter().map(|(_, _, _, serial)| serial.0).collect(),
        })
    }
}
