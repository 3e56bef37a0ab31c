//! Building a workspace's state.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use utterson_codec::load::{Loading, Unfit};
use utterson_codec::policy;
use utterson_engine::ids::{EntryId, Micros, PolicyRevision, Seq};
use utterson_engine::keyed::state_hash::StateHash;
use utterson_engine::state::{Head, State};

use crate::arguments::{eras, exactly};
use crate::errors::{FormatUnknownError, StateDivergedError};
use crate::panics::caught;
use crate::state::PyState;

/// Builds a workspace's state from the tables, read in one snapshot, fed as Postgres binary COPY chunks.
#[pyclass(frozen, module = "utterson._core")]
pub struct StateLoader {
    workspace: String,
    // Empty once it is finished or broken.
    loading: Mutex<Option<Box<Loading>>>,
    // Beside the lock: who asks must not wait for whoever feeds.
    rows: AtomicU64,
}

#[pymethods]
impl StateLoader {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "the head of a log has as many columns")]
    fn new(
        py: Python<'_>,
        workspace: String,
        digest_key: &[u8],
        id_key: &[u8],
        id_eras: Vec<u64>,
        policy_revision: i32,
        policy: &[u8],
        head_seq: u64,
        head_id: &[u8],
        commit_time_us: i64,
        state_hash: &[u8],
    ) -> PyResult<Self> {
        let (digest_key, id_key) = (exactly(digest_key, "digest_key")?, exactly(id_key, "id_key")?);
        let head =
            Head { seq: Seq(head_seq), id: EntryId(exactly(head_id, "head_id")?), commit_time: Micros(commit_time_us) };
        let expected = StateHash::from_bytes(&exactly(state_hash, "state_hash")?);
        let checked = crate::panics::apart(py, || policy::stored(policy))?
            .map_err(|_| FormatUnknownError::new_err("this build does not know the stored policy"))?;
        let policy = (PolicyRevision(policy_revision), checked.policy, policy.to_vec());
        let mut state = State::empty(&digest_key, &id_key, policy, head);
        state.set_eras(eras(&id_eras)?);
        Ok(Self {
            workspace,
            loading: Mutex::new(Some(Box::new(Loading::new(state, expected)))),
            rows: AtomicU64::new(0),
        })
    }

    #[getter]
    fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    fn profiles(&self, py: Python<'_>, chunk: &[u8]) -> PyResult<()> {
        self.feed(py, "profiles", |loading| loading.profiles(chunk))
    }

    fn identifiers(&self, py: Python<'_>, chunk: &[u8]) -> PyResult<()> {
        self.feed(py, "identifiers", |loading| loading.identifiers(chunk))
    }

    fn traits(&self, py: Python<'_>, chunk: &[u8]) -> PyResult<()> {
        self.feed(py, "traits", |loading| loading.traits(chunk))
    }

    fn requests(&self, py: Python<'_>, chunk: &[u8]) -> PyResult<()> {
        self.feed(py, "requests", |loading| loading.requests(chunk))
    }

    fn finish(&self, py: Python<'_>) -> PyResult<PyState> {
        let state = py.detach(|| {
            let loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner).take();
            caught(|| loading.ok_or(Unfit::Over).and_then(|loading| loading.finish()))
        });
        match state {
            Ok(Ok(state)) => Ok(PyState::new(self.workspace.clone(), state)),
            Ok(Err(unfit)) => Err(StateDivergedError::new_err(unfit.to_string())),
            Err(broken) => Err(StateDivergedError::new_err(broken.0)),
        }
    }
}

impl StateLoader {
    /// After an error nothing can be fed or finished any more.
    fn feed(
        &self,
        py: Python<'_>,
        table: &str,
        work: impl FnOnce(&mut Loading) -> Result<(), Unfit> + Send,
    ) -> PyResult<()> {
        let fed = py.detach(|| {
            let mut place = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
            let mut loading = place.take()?;
            let fed = caught(|| work(&mut loading));
            if matches!(fed, Ok(Ok(()))) {
                self.rows.store(loading.rows(), Ordering::Relaxed);
                *place = Some(loading);
            }
            Some(fed)
        });
        match fed {
            Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(unfit))) => Err(StateDivergedError::new_err(format!("{table}: {unfit}"))),
            Some(Err(broken)) => Err(StateDivergedError::new_err(broken.0)),
            None => Err(StateDivergedError::new_err(Unfit::Over.to_string())),
        }
    }
}
