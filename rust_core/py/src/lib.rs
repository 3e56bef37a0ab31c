//! The extension module `utterson._core`: registration only.

#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands over lists by value")]

mod calls;
mod errors;
mod guard;
mod loader;
mod plan;
mod policy;
mod responses;
mod view;
mod workspace;

/// A batch makes and drops thousands of small things at once: more than the C library keeps at hand.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The Rust core: decides calls, keeps the hot index, applies effects.
#[pyo3::pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::calls::{CallBatch, CallGroup, imported_count, parse_batch, parse_call, parse_stream_message};
    #[pymodule_export]
    use crate::errors::{Fault, FormatUnknownError, IndexDivergedError, Replay};
    #[pymodule_export]
    use crate::loader::Loader;
    #[pymodule_export]
    use crate::plan::{LogEntry, Plan};
    #[pymodule_export]
    use crate::policy::{CheckedPolicy, check_policy, preset_names, preset_policy};
    #[pymodule_export]
    use crate::responses::{encode_batch, encode_stream_message, encode_unary, replay_answer};
    #[pymodule_export]
    use crate::view::ProfileView;
    #[pymodule_export]
    use crate::workspace::Workspace;

    #[pymodule_export]
    const UNICODE_VERSION: &str = utterson_engine::normalize::UNICODE_VERSION;

    #[pymodule_init]
    #[expect(clippy::unnecessary_wraps, reason = "the form that PyO3 asks for")]
    fn init(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::guard::silence_panics();
        Ok(())
    }
}
