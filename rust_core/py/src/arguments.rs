//! Reading what Python hands over.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Bytes of a fixed length.
///
/// # Errors
///
/// `ValueError` where they are of another.
pub fn exactly<const N: usize>(bytes: &[u8], name: &str) -> PyResult<[u8; N]> {
    bytes.try_into().map_err(|_| PyValueError::new_err(format!("{name} must be {N} bytes")))
}
