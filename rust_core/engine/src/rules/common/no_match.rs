//! The refusal of a Search that finds nobody, as I8 and M11 tell it.

use crate::fault::{Fault, Reason};

/// The refusal of a Search that finds nobody.
pub(crate) fn fault() -> Fault {
    Fault::new(Reason::NoMatch, "no profile holds any of these identifiers: an Identify would create one")
}
