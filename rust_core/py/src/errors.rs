//! What the core says no with.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use utterson_codec::encode;
use utterson_engine::fault::{self, Resource, Violation};
use utterson_engine::keyed::digest::Digest;

pyo3::create_exception!(
    utterson._core,
    StateDivergedError,
    PyException,
    "The state and the log or the tables disagree: drop the workspace's state and load it anew."
);
pyo3::create_exception!(
    utterson._core,
    FormatUnknownError,
    PyException,
    "A log entry has a format version that this build does not know: stop serving the workspace."
);

/// Why a call was refused; becomes an `UttersonError`.
#[pyclass(frozen, module = "utterson._core")]
pub struct Fault(pub fault::Fault);

#[pymethods]
impl Fault {
    #[getter]
    fn reason(&self) -> i32 {
        self.0.reason.number()
    }

    #[getter]
    fn message(&self) -> &str {
        &self.0.message
    }

    #[getter]
    fn violations(&self) -> Vec<(String, String)> {
        pairs(&self.0.violations)
    }

    /// Its `google.rpc.Status`, encoded: the result of a call of a batch or of a stream's message.
    #[getter]
    fn status<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &encode::status(&self.0))
    }

    #[getter]
    fn resource(&self) -> Option<(&'static str, String)> {
        self.0.resource.as_ref().map(|resource| match resource {
            Resource::Workspace(workspace) => ("workspace", workspace.clone()),
            Resource::Profile(id) => ("profile", id.to_string()),
        })
    }
}

/// Violations as Python takes them: path and description.
pub fn pairs(violations: &[Violation]) -> Vec<(String, String)> {
    violations.iter().map(|violation| (violation.field.clone(), violation.description.clone())).collect()
}

/// A call that repeats an accepted one: answer what was recorded under `digest`.
#[pyclass(frozen, module = "utterson._core")]
pub struct RepeatedCall {
    recorded: Digest,
    #[pyo3(get)]
    explain: bool,
}

impl RepeatedCall {
    pub fn new(recorded: Digest, explain: bool) -> Self {
        Self { recorded, explain }
    }
}

#[pymethods]
impl RepeatedCall {
    #[getter]
    fn digest<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.recorded.to_bytes())
    }
}
