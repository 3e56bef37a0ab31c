//! One profile as the state has it.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use utterson_engine::ids::{ProfileId, Serial};
use utterson_engine::state::State;

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
    /// Looks a profile up by its public id; for a merged-away id the survivor (rule M9).
    pub fn of(state: &State, id: ProfileId) -> Option<Self> {
        let asked = state.serial_of(id)?;
        let root = state.profiles.root(asked);
        let row = state.profiles.get(root)?;
        let mut entries: Vec<_> = state
            .entries(root)
            .map(|entry| {
                let rank = state.policy.rank_of(state.types.name(entry.type_id));
                (rank, entry.add_time, entry.serial, entry.digest)
            })
            .collect();
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
            identifiers: entries.iter().map(|(_, _, _, digest)| digest.to_bytes()).collect(),
            holders: entries.iter().map(|(_, _, serial, _)| serial.0).collect(),
        })
    }
}
