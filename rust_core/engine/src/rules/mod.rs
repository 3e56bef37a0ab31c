//! The rules: one file a rule, named by its id. Common to both families are C1 to C10 and M8; I1 to I9 are those of the
//! isolation family, the other M rules those of the merge family. Beside them stands what several rules share.

pub mod common;
pub(crate) mod isolation;
pub(crate) mod merge;
