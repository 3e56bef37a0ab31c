//! The extension module `utterson._core`: registration only.

#![allow(clippy::needless_pass_by_value, reason = "PyO3 hands over lists by value")]

mod arguments;
mod audit;
mod calls;
mod errors;
mod front;
mod judge;
mod loader;
mod panics;
mod plan;
mod policy;
mod responses;
mod state;
mod view;

/// A batch makes and drops thousands of small things at once: more than the C library keeps at hand.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The Rust core: decides calls, keeps the hot index, applies effects.
#[pyo3::pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;
    use pyo3::types::PyTuple;
    use utterson_engine::state::Finding;
    use utterson_engine::state::audit::Disagreement;

    #[pymodule_export]
    use crate::audit::TableAudit;
    #[pymodule_export]
    use crate::calls::{
        CallGroup, CallMessage, check_request, imported_count, imported_workspace, parse_batch, parse_call,
        parse_stream_message,
    };
    #[pymodule_export]
    use crate::errors::{Fault, FormatUnknownError, RepeatedCall, StateDivergedError};
    #[pymodule_export]
    use crate::front::PyFront;
    #[pymodule_export]
    use crate::judge::{ProfileJudge, read_import_lines};
    #[pymodule_export]
    use crate::loader::StateLoader;
    #[pymodule_export]
    use crate::plan::{LogEntry, Plan};
    #[pymodule_export]
    use crate::policy::{CheckedPolicy, check_policy, preset_names, preset_policy, taken_types};
    #[pymodule_export]
    use crate::responses::{encode_batch, encode_stream_message, encode_unary, repeated_answer};
    #[pymodule_export]
    use crate::state::PyState;
    #[pymodule_export]
    use crate::view::ProfileView;

    #[pymodule_export]
    const UNICODE_VERSION: &str = utterson_engine::normalize::UNICODE_VERSION;
    #[pymodule_export]
    const REQUEST_RETENTION_US: i64 = utterson_engine::state::marks::Requests::RETENTION_US;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::panics::silence_panics();
        let findings = Finding::ALL.map(Finding::name);
        module.add("SCRUB_FINDINGS", PyTuple::new(module.py(), findings)?)?;
        let disagreements = Disagreement::ALL.map(Disagreement::name);
        module.add("AUDIT_DISAGREEMENTS", PyTuple::new(module.py(), disagreements)?)?;
        module.add("COMMIT_COLUMNS", PyTuple::new(module.py(), utterson_codec::columns::COLUMNS)?)
    }
}
