//! What I8 and M11 share: the refusal of a Search that finds nobody.

use crate::fault::{Fault, Reason};

/// The refusal of a Search that finds nobody.
pub(crate) fn nobody_found() -> Fault {
    Fault::new(Reason::NoMatch, "no profile holds any of these identifiers: an Identify would create one")
}
