//! Reading what Python hands over.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use utterson_engine::keyed::eras::Eras;

use crate::errors::StateDivergedError;

/// Bytes of a fixed length.
///
/// # Errors
///
/// `ValueError` where they are of another.
pub fn exactly<const N: usize>(bytes: &[u8], name: &str) -> PyResult<[u8; N]> {
    bytes.try_into().map_err(|_| PyValueError::new_err(format!("{name} must be {N} bytes")))
}

/// The eras of profile ids, as the tables keep them.
///
/// # Errors
///
/// `StateDivergedError` where two profiles could have one id by them.
pub fn eras(packed: &[u64]) -> PyResult<Eras> {
    Eras::from_packed(packed)
        .ok_or_else(|| StateDivergedError::new_err("the eras of profile ids contradict one another"))
}
