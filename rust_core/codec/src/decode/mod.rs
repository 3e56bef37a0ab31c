//! Requests: from bytes to the engine's calls, each by itself, so that a bad call never refuses the others.
//!
//! Judged here is what needs no policy and no state (rule C2); all faults of a call are told at once.

mod batch;
mod call;
mod fields;
mod import;
#[cfg(test)]
mod like_prost;
mod nesting;
pub(crate) mod reader;
mod structs;
#[cfg(test)]
mod tests;

pub use batch::{Batch, Group, MAX_CALLS, batch, single, stream_message};
pub use import::{
    Import, MAX_PROFILE_IDENTIFIERS, MAX_PROFILES, import, imported_count, imported_profile, imported_workspace,
};
pub use structs::MAX_NESTING;

use utterson_engine::fault::{Fault, Reason};

fn malformed(what: &str, message: &str) -> Fault {
    Fault::new(
        Reason::MalformedRequest,
        format!("{what} is not an encoded {message}: generate the client from the server's protos."),
    )
}
