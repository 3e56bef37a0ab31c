//! Requests, decoded.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use utterson_codec::decode;
use utterson_engine::call::CallKind;
use utterson_engine::fault;

use crate::errors::Fault;
use crate::guard::apart;

/// Calls that arrived together for one workspace, in order; decoded once.
#[pyclass(frozen, module = "utterson._core")]
pub struct CallGroup(pub Arc<decode::Group>);

#[pymethods]
impl CallGroup {
    #[getter]
    fn workspace(&self) -> &str {
        &self.0.workspace
    }

    #[getter]
    fn positions(&self) -> Vec<u32> {
        self.0.positions.clone()
    }

    #[getter]
    fn faults(&self) -> Vec<Option<Fault>> {
        self.0.submissions.iter().map(|submission| submission.as_ref().err().cloned().map(Fault)).collect()
    }

    fn __len__(&self) -> usize {
        self.0.submissions.len()
    }
}

/// A decoded batch or stream message, split by workspace.
#[pyclass(frozen, module = "utterson._core")]
pub struct CallBatch {
    #[pyo3(get)]
    size: usize,
    #[pyo3(get)]
    sequence: i64,
    groups: Vec<Arc<decode::Group>>,
    faults: Vec<(u32, fault::Fault)>,
}

#[pymethods]
impl CallBatch {
    #[getter]
    fn groups(&self) -> Vec<CallGroup> {
        self.groups.iter().map(|group| CallGroup(Arc::clone(group))).collect()
    }

    #[getter]
    fn faults(&self) -> Vec<(u32, Fault)> {
        self.faults.iter().map(|(position, fault)| (*position, Fault(fault.clone()))).collect()
    }
}

#[derive(IntoPyObject)]
pub enum ParsedCall {
    Group(CallGroup),
    Refused(Fault),
}

#[derive(IntoPyObject)]
pub enum ParsedBatch {
    Batch(CallBatch),
    Refused(Fault),
}

/// Decodes the request of a unary call of the kind.
#[pyfunction]
pub fn parse_call(py: Python<'_>, kind: i32, request: &[u8]) -> PyResult<ParsedCall> {
    let kind = kind_of(kind).ok_or_else(|| PyValueError::new_err("no such kind of call"))?;
    Ok(match apart(py, || decode::single(kind, request))? {
        Ok(group) => ParsedCall::Group(CallGroup(Arc::new(group))),
        Err(fault) => ParsedCall::Refused(Fault(fault)),
    })
}

/// Decodes a `BatchResolveRequest`.
#[pyfunction]
pub fn parse_batch(py: Python<'_>, request: &[u8]) -> PyResult<ParsedBatch> {
    Ok(parsed(apart(py, || decode::batch(request))?))
}

/// Decodes a `StreamResolveRequest`.
#[pyfunction]
pub fn parse_stream_message(py: Python<'_>, request: &[u8]) -> PyResult<ParsedBatch> {
    Ok(parsed(apart(py, || decode::stream_message(request))?))
}

fn parsed(batch: Result<decode::Batch, fault::Fault>) -> ParsedBatch {
    match batch {
        Ok(decode::Batch { size, sequence, groups, faults }) => {
            let groups = groups.into_iter().map(Arc::new).collect();
            ParsedBatch::Batch(CallBatch { size, sequence, groups, faults })
        }
        Err(fault) => ParsedBatch::Refused(Fault(fault)),
    }
}

fn kind_of(number: i32) -> Option<CallKind> {
    let kinds =
        [CallKind::Identify, CallKind::Login, CallKind::Logout, CallKind::Track, CallKind::Modify, CallKind::Search];
    kinds.into_iter().find(|kind| *kind as i32 == number)
}
