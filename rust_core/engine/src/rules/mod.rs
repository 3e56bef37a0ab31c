//! The rules: one file a rule, named by its id.
//!
//! [`common`] holds for both families; [`isolation`] and [`merge`] call their family's rules in order and do not know
//! each other.

pub mod common;
pub(crate) mod isolation;
pub(crate) mod merge;
