//! Profiles of an import, judged by a policy before anything is sent.

use std::convert::Infallible;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use utterson_codec::{decode, import_line, policy};
use utterson_engine::decide::{Judgement, judge_row};
use utterson_engine::fault::Fault;
use utterson_engine::keyed::digest::Digester;

use crate::arguments::exactly;
use crate::errors::pairs;
use crate::panics::apart;

/// Faults, places of blocked and of ignored identifiers, places of those that take part, and their digests.
type Judged = (Vec<(String, String)>, Vec<usize>, Vec<usize>, Vec<usize>, Vec<[u8; 16]>);

/// Tells what an import under a policy that is kept says of profiles, each by itself.
#[pyclass(frozen, module = "utterson._core")]
pub struct ProfileJudge {
    policy: policy::Checked,
    digester: Digester,
}

#[pymethods]
impl ProfileJudge {
    #[new]
    fn new(policy: &[u8], digest_key: &[u8]) -> PyResult<Self> {
        let policy = policy::stored(policy)
            .map_err(|_| PyValueError::new_err("the bytes are no policy that this build knows"))?;
        Ok(Self { policy, digester: Digester::new(&exactly(digest_key, "digest_key")?) })
    }

    fn judge(&self, py: Python<'_>, profiles: Vec<PyBackedBytes>) -> PyResult<Vec<Judged>> {
        apart(py, || profiles.iter().map(|profile| self.judged(profile)).collect())
    }
}

impl ProfileJudge {
    fn judged(&self, profile: &[u8]) -> Judged {
        let judgement = match decode::imported_profile(profile) {
            Ok((row, faults)) if faults.is_empty() => judge_row(&self.policy.policy, &self.digester, &row),
            Ok((_, faults)) => return (pairs(&faults), Vec::new(), Vec::new(), Vec::new(), Vec::new()),
            Err(fault) => Judgement { fault: Some(fault), ..Judgement::default() },
        };
        let faults = judgement.fault.as_ref().map(told).unwrap_or_default();
        let (places, digests) = judgement.usable.into_iter().map(|(place, digest)| (place, digest.to_bytes())).unzip();
        (faults, judgement.blocked, judgement.ignored, places, digests)
    }
}

/// Reads lines of JSON that are profiles beyond doubt: the encoded `ImportedProfile`, and how many identifiers it has.
#[pyfunction]
pub fn read_import_lines(py: Python<'_>, lines: Vec<PyBackedBytes>) -> PyResult<Vec<Option<(Bytes, usize)>>> {
    apart(py, || {
        let read =
            |line: &PyBackedBytes| import_line::imported_profile(line).map(|(bytes, count)| (Bytes(bytes), count));
        lines.iter().map(read).collect()
    })
}

/// Bytes that become Python's.
pub struct Bytes(Vec<u8>);

impl<'py> IntoPyObject<'py> for Bytes {
    type Target = PyBytes;
    type Output = Bound<'py, PyBytes>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        Ok(PyBytes::new(py, &self.0))
    }
}

/// A fault's fields; one that names none is about the profile as a whole.
fn told(fault: &Fault) -> Vec<(String, String)> {
    let fields = pairs(&fault.violations);
    if fields.is_empty() { vec![(String::new(), fault.message.clone())] } else { fields }
}
