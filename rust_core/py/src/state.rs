//! All of one workspace in memory, as Python holds it.

use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use utterson_codec::encode::{self, EventEncoder, Imported, Left};
use utterson_codec::hit::{self, Freshness};
use utterson_codec::log::{self, Unreadable};
use utterson_codec::{decode, policy, token};
use utterson_engine::decide;
use utterson_engine::decide::Submission;
use utterson_engine::fault;
use utterson_engine::ids::{EntryId, Micros, PolicyRevision, ProfileId, Seq, Serial};
use utterson_engine::keyed::digest::Digest;
use utterson_engine::keyed::state_hash::StateHash;
use utterson_engine::plan::{self, Entry};
use utterson_engine::policy::Policy;
use utterson_engine::rules::common::c7_once;
use utterson_engine::state::{Diverged, Finding, State, invariants};

use crate::arguments::{eras, exactly};
use crate::calls::{CallGroup, Calls};
use crate::errors::{Fault, FormatUnknownError, RepeatedCall, StateDivergedError};
use crate::panics::caught;
use crate::plan::Plan;
use crate::view::{Place, ProfileView};

/// All of one workspace in memory. Not safe to call from two threads at once: its lane owns it.
#[pyclass(frozen, module = "utterson._core", name = "State")]
pub struct PyState {
    name: String,
    // Empty once it is broken: a state that may be half changed must not answer.
    state: Mutex<Option<Box<State>>>,
}

/// Where a policy costs more a value, even one call takes too long to be answered on the spot.
const HIT_COST_MAX: usize = 1000;

const BROKEN: &str = "the state is broken: load it anew";

/// What becomes of the state after work on it.
enum After<T> {
    Keep(T),
    /// Drop the state.
    Drop(PyErr),
}

/// What becomes of the state after an entry.
fn taken(result: Result<(), Diverged>) -> After<()> {
    match result {
        Ok(()) => After::Keep(()),
        Err(_) => After::Drop(StateDivergedError::new_err("the entry does not lead from this state to its own")),
    }
}

#[derive(IntoPyObject)]
pub enum PolicyPlan {
    Plan(Plan),
    Refused(Fault),
}

#[derive(IntoPyObject)]
pub enum ImportPlan {
    Plan(Plan),
    Refused(Fault),
    Repeated(RepeatedCall),
}

impl PyState {
    pub fn new(name: String, state: State) -> Self {
        Self { name, state: Mutex::new(Some(Box::new(state))) }
    }

    /// Works on the state while other Python threads run. A panic, and an error of the work, drop the state.
    fn work<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut State) -> After<T> + Send) -> PyResult<T> {
        py.detach(|| {
            // The lock is taken without the interpreter, so whoever holds it never waits for the one who waits here.
            let mut place = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(state) = place.as_mut() else {
                return Err(StateDivergedError::new_err(BROKEN));
            };
            match caught(|| work(state)) {
                Ok(After::Keep(answer)) => Ok(answer),
                Ok(After::Drop(error)) => {
                    *place = None;
                    Err(error)
                }
                Err(broken) => {
                    *place = None;
                    Err(StateDivergedError::new_err(broken.0))
                }
            }
        })
    }

    fn read<T: Send>(&self, py: Python<'_>, read: impl FnOnce(&State) -> T + Send) -> PyResult<T> {
        self.work(py, |state| After::Keep(read(state)))
    }
}

#[pymethods]
impl PyState {
    #[getter]
    fn head<'py>(&self, py: Python<'py>) -> PyResult<(u64, Bound<'py, PyBytes>)> {
        let head = self.read(py, |state| state.head)?;
        Ok((head.seq.0, PyBytes::new(py, &head.id.0)))
    }

    #[getter]
    fn commit_time_us(&self, py: Python<'_>) -> PyResult<i64> {
        self.read(py, |state| state.head.commit_time.0)
    }

    #[getter]
    fn policy_revision(&self, py: Python<'_>) -> PyResult<i32> {
        self.read(py, |state| state.policy_revision.0)
    }

    #[getter]
    fn policy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let policy = self.read(py, |state| Arc::clone(&state.policy_encoded))?;
        Ok(PyBytes::new(py, &policy))
    }

    #[getter]
    fn state_hash<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let hash = self.read(py, |state| state.hash.to_bytes())?;
        Ok(PyBytes::new(py, &hash))
    }

    #[getter]
    fn profile_count(&self, py: Python<'_>) -> PyResult<usize> {
        self.read(py, |state| state.profiles.len())
    }

    #[getter]
    fn identifier_count(&self, py: Python<'_>) -> PyResult<usize> {
        self.read(py, |state| state.index.len())
    }

    /// Without the interpreter's help: the figure is had faster than other threads could be let run.
    #[getter]
    fn memory_bytes(&self) -> usize {
        let place = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        place.as_ref().map_or(0, |state| state.bytes())
    }

    /// Frees the memory while other Python threads run.
    fn discard(&self, py: Python<'_>) {
        py.detach(|| drop(self.state.lock().unwrap_or_else(PoisonError::into_inner).take()));
    }

    fn decide(
        &self,
        py: Python<'_>,
        groups: Vec<PyRef<'_, CallGroup>>,
        now_us: i64,
        entry_id: &[u8],
    ) -> PyResult<Plan> {
        let stamp = (Micros(now_us), EntryId(exactly(entry_id, "entry_id")?));
        let groups: Vec<Calls> = groups.iter().map(|group| group.0.clone()).collect();
        self.read_mut(py, |state| {
            plan_of(state, &groups, |state, calls| {
                Ok(decide::decide(state, calls.iter().copied(), stamp, &EventEncoder))
            })
        })?
    }

    fn decide_after(
        &self,
        py: Python<'_>,
        plan: &Plan,
        groups: Vec<PyRef<'_, CallGroup>>,
        now_us: i64,
        entry_id: &[u8],
    ) -> PyResult<Plan> {
        let stamp = (Micros(now_us), EntryId(exactly(entry_id, "entry_id")?));
        let groups: Vec<Calls> = groups.iter().map(|group| group.0.clone()).collect();
        let base = (&plan.log, &*plan.effects);
        self.read_mut(py, |state| {
            plan_of(state, &groups, |state, calls| {
                decide::decide_after(state, base, calls.iter().copied(), stamp, &EventEncoder)
            })
        })?
    }

    fn complete(
        &self,
        py: Python<'_>,
        plan: &Plan,
        groups: Vec<PyRef<'_, CallGroup>>,
        values: Vec<(PyBackedBytes, u32, String)>,
    ) -> PyResult<Plan> {
        let groups: Vec<Calls> = groups.iter().map(|group| group.0.clone()).collect();
        let left = values
            .into_iter()
            .map(|(digest, holder, value)| {
                let digest = Digest::from_bytes(exactly(&digest, "digest")?);
                Ok(((digest, Serial(holder)), value))
            })
            .collect::<PyResult<Left>>()?;
        let plan = plan.as_decided();
        self.read(py, |state| Plan::of_groups(plan, &groups, &left, state))
    }

    #[pyo3(signature = (group, now_us, *, default_strong = false, confirmed = false))]
    fn answer_hit<'py>(
        &self,
        py: Python<'py>,
        group: &CallGroup,
        now_us: i64,
        default_strong: bool,
        confirmed: bool,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let freshness = if confirmed { Freshness::Confirmed } else { Freshness::Local { default_strong } };
        let [submission] = &*group.0.group().submissions else { return Ok(None) };
        // The work is shorter than letting other threads run would take; who finds the state in use does not wait.
        let mut place = match self.state.try_lock() {
            Ok(place) => place,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        let Some(state) = place.as_mut() else { return Err(StateDivergedError::new_err(BROKEN)) };
        if state.policy.value_cost() > HIT_COST_MAX {
            return Ok(None);
        }
        match caught(|| hit::answer(state, submission, Micros(now_us), freshness)) {
            Ok(answer) => Ok(answer.map(|answer| PyBytes::new(py, &answer))),
            Err(broken) => {
                *place = None;
                Err(StateDivergedError::new_err(broken.0))
            }
        }
    }

    fn returning_types(&self, py: Python<'_>, policy: &[u8]) -> PyResult<Vec<String>> {
        self.read(py, |state| match policy::kept(policy) {
            Some(policy) => decide::returning_types(state, &policy),
            None => Vec::new(),
        })
    }

    fn decide_policy(
        &self,
        py: Python<'_>,
        policy: &[u8],
        earlier: Vec<PyBackedBytes>,
        now_us: i64,
        entry_id: &[u8],
    ) -> PyResult<PolicyPlan> {
        let stamp = (Micros(now_us), EntryId(exactly(entry_id, "entry_id")?));
        let earlier: Vec<Policy> = earlier
            .iter()
            .map(|kept| policy::kept(kept).ok_or_else(|| PyValueError::new_err("an earlier policy is none")))
            .collect::<PyResult<_>>()?;
        self.read(py, |state| {
            let planned = policy::check(policy, state.policy.rules_version())
                .map_err(fault::Fault::policy)
                .and_then(|checked| decide::decide_policy(state, (checked.policy, checked.encoded), &earlier, stamp));
            match planned {
                Ok(plan) => {
                    let encoded = encode::policy_change(&plan);
                    PolicyPlan::Plan(Plan::new(plan, encoded))
                }
                Err(fault) => PolicyPlan::Refused(Fault(fault)),
            }
        })
    }

    fn decide_import(
        &self,
        py: Python<'_>,
        messages: Vec<PyBackedBytes>,
        now_us: i64,
        entry_id: &[u8],
    ) -> PyResult<ImportPlan> {
        let stamp = (Micros(now_us), EntryId(exactly(entry_id, "entry_id")?));
        self.read_mut(py, |state| {
            let decided = decode::import(&self.name, &messages)
                .and_then(|import| decide::decide_import(state, &import.rows, import.request_id, stamp, &EventEncoder));
            match decided {
                Ok(decide::Imported::New { plan, serials }) => {
                    let profiles: Vec<ProfileId> = serials.iter().map(|&serial| state.id_of(serial)).collect();
                    let made = Imported { serials: &serials, profiles: &profiles };
                    let encoded = encode::imported(&plan, made, &state.digester);
                    ImportPlan::Plan(Plan::new(*plan, encoded))
                }
                // An import has no explanation to leave out.
                Ok(decide::Imported::Repeat(digest)) => ImportPlan::Repeated(RepeatedCall::new(digest, true)),
                Err(fault) => ImportPlan::Refused(Fault(fault)),
            }
        })
    }

    fn apply(&self, py: Python<'_>, plan: &Plan) -> PyResult<()> {
        self.work(py, |state| taken(state.commit_own(&plan.log, &plan.effects)))
    }

    #[expect(clippy::too_many_arguments, reason = "a log entry has as many columns")]
    fn replay(
        &self,
        py: Python<'_>,
        seq: u64,
        id: &[u8],
        prev: &[u8],
        policy_revision: i32,
        commit_time_us: i64,
        state_hash: &[u8],
        payload: &[u8],
    ) -> PyResult<()> {
        let entry = Entry {
            seq: Seq(seq),
            id: EntryId(exactly(id, "id")?),
            prev: EntryId(exactly(prev, "prev")?),
            policy_revision: PolicyRevision(policy_revision),
            commit_time: Micros(commit_time_us),
            state_hash: StateHash::from_bytes(&exactly(state_hash, "state_hash")?),
        };
        let effects = crate::panics::apart(py, || log::decode(payload))?.map_err(|unreadable| match unreadable {
            Unreadable::Unknown => FormatUnknownError::new_err("this build does not know the entry's format"),
            Unreadable::Broken => StateDivergedError::new_err("the entry's payload is gone or no log record"),
        })?;
        self.work(py, |state| taken(state.commit(&entry, &effects)))
    }

    #[pyo3(signature = (profile_id, identifiers_max = usize::MAX, after = None))]
    fn profile(
        &self,
        py: Python<'_>,
        profile_id: i64,
        identifiers_max: usize,
        after: Option<(String, i64, PyBackedBytes)>,
    ) -> PyResult<Option<ProfileView>> {
        let place = |(name, time, digest): (String, i64, PyBackedBytes)| -> PyResult<Place> {
            Ok((name, Micros(time), Digest::from_bytes(exactly(&digest, "digest")?)))
        };
        let after = after.map(place).transpose()?;
        self.read(py, |state| ProfileView::of(state, ProfileId(profile_id), identifiers_max, after.as_ref()))
    }

    fn identifier_total(&self, py: Python<'_>, profile_id: i64) -> PyResult<Option<usize>> {
        self.read(py, |state| ProfileView::identifier_total(state, ProfileId(profile_id)))
    }

    #[getter]
    fn value_cost(&self, py: Python<'_>) -> PyResult<usize> {
        self.read(py, |state| state.policy.value_cost())
    }

    fn revision_token(&self, py: Python<'_>, seq: u64, id: &[u8]) -> PyResult<String> {
        let id = EntryId(exactly(id, "id")?);
        self.read(py, |state| token::write(&state.digester, Seq(seq), id))
    }

    fn read_token<'py>(&self, py: Python<'py>, token: &str) -> PyResult<Option<(u64, Bound<'py, PyBytes>)>> {
        let read = self.read(py, |state| token::read(&state.digester, token))?;
        Ok(read.map(|(seq, prefix)| (seq.0, PyBytes::new(py, &prefix))))
    }

    fn request_digest<'py>(&self, py: Python<'py>, request_id: &str) -> PyResult<Bound<'py, PyBytes>> {
        let digest = self.read(py, |state| c7_once::request_digest(state, request_id))?;
        Ok(PyBytes::new(py, &digest.to_bytes()))
    }

    fn set_id_eras(&self, py: Python<'_>, id_eras: Vec<u64>) -> PyResult<()> {
        let eras = eras(&id_eras)?;
        self.read_mut(py, |state| state.set_eras(eras))
    }

    fn scrub(&self, py: Python<'_>, rows: usize) -> PyResult<(usize, bool, Option<&'static str>)> {
        let step = self.read_mut(py, |state| state.scrub(rows))?;
        Ok((step.rows, step.round, step.finding.map(Finding::name)))
    }

    fn check_invariants(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.read(py, invariants::check)
    }
}

/// Decides all calls of the groups and encodes what comes of it.
fn plan_of(
    state: &mut State,
    groups: &[Calls],
    decide: impl FnOnce(&mut State, &[&Submission<'_>]) -> Result<plan::Plan, Diverged>,
) -> PyResult<Plan> {
    let calls: Vec<&Submission<'_>> = groups.iter().flat_map(|calls| &calls.group().submissions).collect();
    let plan = decide(state, &calls).map_err(|_| StateDivergedError::new_err("the plan is not of this state"))?;
    Ok(Plan::of_groups(plan, groups, &Left::default(), state))
}

impl PyState {
    /// Works on a state that is as it was afterwards.
    fn read_mut<T: Send>(&self, py: Python<'_>, read: impl FnOnce(&mut State) -> T + Send) -> PyResult<T> {
        self.work(py, |state| After::Keep(read(state)))
    }
}
