//! Policies, checked.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use utterson_codec::policy;
use utterson_engine::policy::presets;
use utterson_engine::rules_version::RulesVersion;

use crate::errors::pairs;
use crate::panics::apart;

/// A policy as it will be kept, or everything that is wrong with it.
#[pyclass(frozen, module = "utterson._core")]
pub struct CheckedPolicy {
    encoded: Vec<u8>,
    #[pyo3(get)]
    warnings: Vec<String>,
    #[pyo3(get)]
    violations: Vec<(String, String)>,
}

impl CheckedPolicy {
    fn accepted(checked: policy::Checked) -> Self {
        Self { encoded: checked.encoded, warnings: checked.warnings, violations: Vec::new() }
    }
}

#[pymethods]
impl CheckedPolicy {
    #[getter]
    fn policy<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.encoded)
    }
}

/// Checks and expands an encoded `utterson.v1.Policy`, of a workspace that has the policy `in_force`, or of a new one.
#[pyfunction]
#[pyo3(signature = (policy, in_force=None))]
pub fn check_policy(py: Python<'_>, policy: &[u8], in_force: Option<&[u8]>) -> PyResult<CheckedPolicy> {
    let rules_version = in_force.map_or_else(RulesVersion::default, policy::rules_version_of);
    Ok(match apart(py, || policy::check(policy, rules_version))? {
        Ok(checked) => CheckedPolicy::accepted(checked),
        Err(violations) => CheckedPolicy { encoded: Vec::new(), warnings: Vec::new(), violations: pairs(&violations) },
    })
}

/// Gives the policy of a preset as it will be kept.
#[pyfunction]
pub fn preset_policy(py: Python<'_>, name: &str) -> PyResult<Option<CheckedPolicy>> {
    Ok(apart(py, || policy::preset(name))?.map(CheckedPolicy::accepted))
}

/// Tells which of some types a policy that is kept takes.
#[pyfunction]
pub fn taken_types(py: Python<'_>, policy: &[u8], names: Vec<String>) -> PyResult<Vec<String>> {
    let policy = apart(py, || policy::kept(policy))?;
    let policy = policy.ok_or_else(|| PyValueError::new_err("the bytes are no policy that this build knows"))?;
    Ok(names.into_iter().filter(|name| policy.settings_of(name).settings().is_some()).collect())
}

/// Names the presets.
#[pyfunction]
pub fn preset_names() -> Vec<&'static str> {
    presets::NAMES.to_vec()
}
