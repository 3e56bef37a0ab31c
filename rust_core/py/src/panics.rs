//! The border to Python: lets other threads run, and keeps panics, whose texts may quote values, inside.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

thread_local! {
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Where the core broke off: a place in the source, never a value.
#[derive(Clone, Debug)]
pub struct Broken(pub String);

/// Keeps the place of a panic and drops its text; the hook is this module's own, not the process's.
pub fn silence_panics() {
    set_hook(Box::new(|information| {
        let place = information.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        LAST_PANIC.with_borrow_mut(|last| *last = place);
    }));
}

/// Runs work that may panic.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Broken> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        let place = LAST_PANIC.with_borrow(Clone::clone);
        Broken(format!("the core broke off at {place}"))
    })
}

/// Runs work that needs no Python and keeps nothing, while other Python threads run.
pub fn apart<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    py.detach(|| caught(work)).map_err(panicked)
}

/// The exception of a panic.
pub fn panicked(broken: Broken) -> PyErr {
    PyRuntimeError::new_err(broken.0)
}
