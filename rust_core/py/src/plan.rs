//! What a batch of calls would do.

use std::borrow::Borrow;
use std::ops::Range;

use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use utterson_codec::encode::{self, Answer, Encoded, Left};
use utterson_engine::call::{Call, Consistency};
use utterson_engine::decide::Submission;
use utterson_engine::ids::Serial;
use utterson_engine::keyed::digest::Digest;
use utterson_engine::plan::{self, Decided, Effect, Entry, Verdict};
use utterson_engine::state::State;

use crate::calls::Calls;
use crate::errors::{Fault, RepeatedCall};
use crate::responses::written;

/// The log entry of a plan that writes.
#[pyclass(frozen, module = "utterson._core")]
pub struct LogEntry {
    entry: Entry,
    payload: Py<PyBytes>,
}

#[pymethods]
impl LogEntry {
    #[getter]
    fn seq(&self) -> u64 {
        self.entry.seq.0
    }

    #[getter]
    fn id<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.entry.id.0)
    }

    #[getter]
    fn prev<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.entry.prev.0)
    }

    #[getter]
    fn policy_revision(&self) -> i32 {
        self.entry.policy_revision.0
    }

    #[getter]
    fn commit_time_us(&self) -> i64 {
        self.entry.commit_time.0
    }

    #[getter]
    fn state_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.entry.state_hash.to_bytes())
    }

    #[getter]
    fn payload(&self, py: Python<'_>) -> Py<PyBytes> {
        self.payload.clone_ref(py)
    }
}

/// So many bytes take as long to copy as an effect to apply.
const BYTES_OF_ONE: usize = 512;

/// What a batch of calls would do: answers, and the effects to commit.
#[pyclass(frozen, module = "utterson._core")]
pub struct Plan {
    pub(crate) log: Entry,
    pub(crate) effects: Vec<Effect>,
    encoded: Box<Encoded>,
    /// Values that the answers tell and only the tables have, and then what was decided, to tell it again with them.
    unknown: Vec<(Digest, Serial)>,
    decided: Vec<Decided>,
    /// Where each group's calls end among all, in order.
    ends: Vec<usize>,
    #[pyo3(get)]
    asks_strong: bool,
    #[pyo3(get)]
    asks_default: bool,
}

#[derive(IntoPyObject)]
pub enum NativeAnswer<'py> {
    Accepted(Bound<'py, PyBytes>),
    Refused(Fault),
    Repeated(RepeatedCall),
}

impl Plan {
    /// A plan that no caller waits for with a consistency of their own.
    pub fn new(plan: plan::Plan, encoded: Encoded) -> Self {
        let (ends, encoded) = (vec![encoded.answers.len()], Box::new(encoded));
        Self {
            log: plan.entry,
            effects: plan.effects,
            encoded,
            unknown: Vec::new(),
            decided: Vec::new(),
            ends,
            asks_strong: false,
            asks_default: false,
        }
    }

    /// The plan of decided calls; `left` has the values that left profiles and that it does not know itself.
    pub fn of_groups(plan: plan::Plan, groups: &[Calls], left: &Left, state: &State) -> Self {
        let calls: Vec<&Submission<'_>> = groups.iter().flat_map(|calls| &calls.group().submissions).collect();
        let encoded = encode::decided_with(&plan, &calls, &state.digester, left);
        let sizes: Vec<usize> = groups.iter().map(|calls| calls.group().submissions.len()).collect();
        Self::of_calls(plan, &calls, encoded, &sizes)
    }

    /// The plan of decided calls; `sizes` tells how many calls each group has.
    fn of_calls<'c, S: Borrow<Submission<'c>>>(
        plan: plan::Plan,
        calls: &[S],
        encoded: Encoded,
        sizes: &[usize],
    ) -> Self {
        let asks = |consistency| {
            let mut pairs = plan.decided.iter().zip(calls);
            pairs.any(|(decided, submission)| match submission.borrow() {
                Ok(call) => reads_state(decided) && asks_for(call, consistency),
                // What is refused for its shape is refused in any state.
                Err(_) => false,
            })
        };
        let (asks_strong, asks_default) = (asks(Consistency::Strong), asks(Consistency::Default));
        let encoded = Box::new(encoded);
        let mut end = 0;
        let ends = sizes.iter().map(|size| {
            end += size;
            end
        });
        let unknown = encode::unknown(&plan);
        let decided = if unknown.is_empty() { Vec::new() } else { plan.decided };
        Self {
            log: plan.entry,
            effects: plan.effects,
            encoded,
            unknown,
            decided,
            ends: ends.collect(),
            asks_strong,
            asks_default,
        }
    }

    /// The plan as it was decided; only one of which values are unknown is kept whole.
    pub fn as_decided(&self) -> plan::Plan {
        plan::Plan { entry: self.log.clone(), effects: self.effects.clone(), decided: self.decided.clone() }
    }
}

impl Plan {
    /// Where a group's calls stand among all.
    fn calls(&self, group: usize) -> PyResult<Range<usize>> {
        let end = *self.ends.get(group).ok_or_else(|| PyIndexError::new_err("no such group"))?;
        let begin = group.checked_sub(1).map_or(0, |before| self.ends[before]);
        Ok(begin..end)
    }
}

/// Whether the answer depends on a state that a commit does not confirm. What an id is recorded with never changes.
fn reads_state(decided: &plan::Decided) -> bool {
    !decided.writes && !matches!(decided.verdict, Verdict::Repeat(_))
}

fn asks_for(call: &Call<'_>, consistency: Consistency) -> bool {
    call.consistency == consistency
}

#[pymethods]
impl Plan {
    #[getter]
    fn writes(&self) -> bool {
        !self.effects.is_empty()
    }

    /// About how much there is to copy and to apply, in effects.
    #[getter]
    fn weight(&self) -> usize {
        self.effects.len() + self.encoded.payload.len() / BYTES_OF_ONE
    }

    #[getter]
    fn entry(&self, py: Python<'_>) -> PyResult<LogEntry> {
        if self.effects.is_empty() {
            return Err(PyValueError::new_err("a plan that does not write has no entry"));
        }
        let payload = PyBytes::new(py, &self.encoded.payload).unbind();
        Ok(LogEntry { entry: self.log.clone(), payload })
    }

    #[getter]
    fn unknown<'py>(&self, py: Python<'py>) -> Vec<(Bound<'py, PyBytes>, u32)> {
        self.unknown.iter().map(|(digest, holder)| (PyBytes::new(py, &digest.to_bytes()), holder.0)).collect()
    }

    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.encoded.columns.as_arrays().map(|array| PyBytes::new(py, array)))
    }

    /// Copies some hundred bytes a call, as its siblings do: shorter than letting other threads run.
    fn unary_response<'py>(&self, py: Python<'py>, group: usize) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let response = self.encoded.unary(self.calls(group)?);
        Ok(response.map(|response| PyBytes::new(py, &response)))
    }

    fn batch_response<'py>(&self, py: Python<'py>, group: usize) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.encoded.batch(self.calls(group)?).map(|results| written(py, &results)).transpose()
    }

    fn stream_response<'py>(
        &self,
        py: Python<'py>,
        group: usize,
        sequence: i64,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        self.encoded.stream_message(sequence, self.calls(group)?).map(|results| written(py, &results)).transpose()
    }

    fn answers<'py>(&self, py: Python<'py>, group: usize) -> PyResult<Vec<NativeAnswer<'py>>> {
        let calls = self.calls(group)?;
        Ok(self.encoded.answers[calls]
            .iter()
            .map(|answer| match answer {
                Answer::Accepted(range) => {
                    NativeAnswer::Accepted(PyBytes::new(py, &self.encoded.accepted[range.clone()]))
                }
                Answer::Refused(fault) => NativeAnswer::Refused(Fault(fault.clone())),
                Answer::Repeated { digest, explain } => NativeAnswer::Repeated(RepeatedCall::new(*digest, *explain)),
            })
            .collect())
    }
}
