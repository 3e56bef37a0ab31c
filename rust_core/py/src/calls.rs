//! Requests, decoded.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use self_cell::self_cell;
use utterson_codec::bounds;
use utterson_codec::decode::{self, Batch, Group};
use utterson_engine::call::CallKind;
use utterson_engine::decide::Submission;
use utterson_engine::fault;

use crate::errors::Fault;
use crate::panics::{apart, caught, panicked};

self_cell!(
    /// A request's bytes, and the calls that borrow from them: nothing is copied out of the request.
    struct Message {
        owner: PyBackedBytes,
        #[covariant]
        dependent: Batch,
    }
);

/// One workspace's calls of a message.
#[derive(Clone)]
pub struct Calls {
    message: Arc<Message>,
    place: usize,
}

impl Calls {
    /// The calls, decoded.
    pub fn group(&self) -> &Group<'_> {
        &self.message.borrow_dependent().groups[self.place]
    }
}

/// Calls that arrived together for one workspace, in order; decoded once.
#[pyclass(frozen, module = "utterson._core")]
pub struct CallGroup(pub Calls);

#[pymethods]
impl CallGroup {
    #[getter]
    fn workspace(&self) -> &str {
        self.0.group().workspace
    }

    #[getter]
    fn positions(&self) -> Vec<u32> {
        self.0.group().positions.clone()
    }

    #[getter]
    fn faults(&self) -> Vec<Option<Fault>> {
        let submissions = &self.0.group().submissions;
        submissions.iter().map(|submission| submission.as_ref().err().cloned().map(Fault)).collect()
    }

    /// About how much the calls ask to be done, in identifiers.
    #[getter]
    fn weight(&self) -> usize {
        self.0.group().submissions.iter().map(weight).sum()
    }

    fn __len__(&self) -> usize {
        self.0.group().submissions.len()
    }
}

/// What a call that is explained costs beside one that is not: each round is written down.
const EXPLAINED: usize = 4;

/// So many bytes, of values, traits or properties, take as long as an identifier.
const BYTES_OF_ONE: usize = 512;

fn weight(submission: &Submission<'_>) -> usize {
    let Ok(call) = submission else { return 0 };
    let values = call.identifiers.len() + 2 * call.changes.len();
    let values = if call.explain { EXPLAINED * values } else { values };
    let traits = call.traits.iter().map(|one| one.value.as_ref().map_or(0, Vec::len)).sum::<usize>();
    let texts = call.identifiers.iter().map(|one| one.value.len()).sum::<usize>();
    values + (traits + texts + call.event.properties.len()) / BYTES_OF_ONE
}

/// A decoded batch or stream message, split by workspace.
#[pyclass(frozen, module = "utterson._core")]
pub struct CallMessage(Arc<Message>);

#[pymethods]
impl CallMessage {
    #[getter]
    fn size(&self) -> usize {
        self.0.borrow_dependent().size
    }

    #[getter]
    fn sequence(&self) -> i64 {
        self.0.borrow_dependent().sequence
    }

    #[getter]
    fn groups(&self) -> Vec<CallGroup> {
        let places = 0..self.0.borrow_dependent().groups.len();
        places.map(|place| CallGroup(Calls { message: Arc::clone(&self.0), place })).collect()
    }

    #[getter]
    fn faults(&self) -> Vec<(u32, Fault)> {
        self.0.borrow_dependent().faults.iter().map(|(position, fault)| (*position, Fault(fault.clone()))).collect()
    }
}

#[derive(IntoPyObject)]
pub enum ParsedCall {
    Group(CallGroup),
    Refused(Fault),
}

#[derive(IntoPyObject)]
pub enum ParsedBatch {
    Batch(CallMessage),
    Refused(Fault),
}

/// A request of more bytes is large: other threads run while it is read.
const LARGE_BYTES: usize = 16 << 10;

/// Decodes the request of a unary call of the kind.
#[pyfunction]
pub fn parse_call(py: Python<'_>, kind: i32, request: PyBackedBytes) -> PyResult<ParsedCall> {
    let kind = kind_of(kind).ok_or_else(|| PyValueError::new_err("no such kind of call"))?;
    let is_large = request.len() > LARGE_BYTES;
    let read = || Message::try_new(request, |request| decode::single(kind, request).map(Batch::from));
    // Mostly too short a work to let other threads run meanwhile.
    let read = if is_large { py.detach(|| caught(read)) } else { caught(read) };
    Ok(match read.map_err(panicked)? {
        Ok(message) => ParsedCall::Group(CallGroup(Calls { message: Arc::new(message), place: 0 })),
        Err(fault) => ParsedCall::Refused(Fault(fault)),
    })
}

/// Decodes a `BatchResolveRequest`.
#[pyfunction]
pub fn parse_batch(py: Python<'_>, request: PyBackedBytes) -> PyResult<ParsedBatch> {
    parsed(py, request, decode::batch)
}

/// Decodes a `StreamResolveRequest`.
#[pyfunction]
pub fn parse_stream_message(py: Python<'_>, request: PyBackedBytes) -> PyResult<ParsedBatch> {
    parsed(py, request, decode::stream_message)
}

fn parsed(
    py: Python<'_>,
    request: PyBackedBytes,
    read: impl FnOnce(&[u8]) -> Result<Batch<'_>, fault::Fault> + Send,
) -> PyResult<ParsedBatch> {
    Ok(match apart(py, || Message::try_new(request, |request| read(request)))? {
        Ok(message) => ParsedBatch::Batch(CallMessage(Arc::new(message))),
        Err(fault) => ParsedBatch::Refused(Fault(fault)),
    })
}

fn kind_of(number: i32) -> Option<CallKind> {
    let kinds =
        [CallKind::Identify, CallKind::Login, CallKind::Logout, CallKind::Track, CallKind::Modify, CallKind::Search];
    kinds.into_iter().find(|kind| *kind as i32 == number)
}

/// Counts what an encoded request holds; a fault where it is over a bound, or none.
#[pyfunction]
pub fn check_request(message: &str, request: &[u8]) -> PyResult<Option<Fault>> {
    // A few milliseconds at the most: what is longer is refused for its length.
    Ok(caught(|| bounds::check(message, request)).map_err(panicked)?.err().map(Fault))
}

/// Tells the workspace of an encoded `ImportProfilesRequest`; `None` if it is none.
#[pyfunction]
pub fn imported_workspace(message: &[u8]) -> PyResult<Option<&str>> {
    caught(|| decode::imported_workspace(message)).map_err(panicked)
}

/// Counts the profiles of an encoded `ImportProfilesRequest`.
#[pyfunction]
pub fn imported_count(message: &[u8]) -> PyResult<usize> {
    // Shorter than letting other threads run would take.
    caught(|| decode::imported_count(message)).map_err(panicked)
}
