//! Responses around answers that are encoded already.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use utterson_codec::encode::{self, Results};

use crate::panics::apart;

/// Wraps an encoded `Resolution` into the response of its unary call.
#[pyfunction]
pub fn encode_unary<'py>(py: Python<'py>, resolution: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &encode::unary(resolution))
}

/// The response as Python has it, written there at once: each page of megabytes is dear the first time.
pub fn written<'py, B: AsRef<[u8]>>(py: Python<'py>, results: &Results<B>) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, results.encoded_len(), |mut bytes| {
        results.encode(&mut bytes);
        Ok(())
    })
}

/// Makes a `BatchResolveResponse`.
#[pyfunction]
pub fn encode_batch(py: Python<'_>, results: Vec<(bool, PyBackedBytes)>) -> PyResult<Bound<'_, PyBytes>> {
    written(py, &Results::of_batch(results))
}

/// Makes a `StreamResolveResponse`.
#[pyfunction]
pub fn encode_stream_message(
    py: Python<'_>,
    sequence: i64,
    results: Vec<(bool, PyBackedBytes)>,
) -> PyResult<Bound<'_, PyBytes>> {
    written(py, &Results::of_stream_message(sequence, results))
}

/// Makes the answer to a repeated call from the recorded one.
#[pyfunction]
pub fn repeated_answer<'py>(py: Python<'py>, recorded: &[u8], explain: bool) -> PyResult<Bound<'py, PyBytes>> {
    let answer = apart(py, || encode::repeated_answer(recorded, explain))?;
    let answer = answer.map_err(|_| PyValueError::new_err("the recorded answer is no Resolution"))?;
    Ok(PyBytes::new(py, &answer))
}
