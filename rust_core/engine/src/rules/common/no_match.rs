//! The refusal of a Search that finds nobody, as I8 and M11 tell it.

use crate::fault::{Fault, Reason};

/// The refusal of a Search that finds nobody, where an Identify would make a profile.
pub(crate) fn fault() -> Fault {
    Fault::new(Reason::NoMatch, "nobody is found by these identifiers: an Identify with them would create a profile")
}

/// The refusal of a Search of which nothing usable is left (merge family, rule C5): an Identify would make none either.
pub(crate) fn unresolved() -> Fault {
    Fault::new(
        Reason::NoMatch,
        "every one of these identifiers is set aside, as blocked, ignored or invalid: an Identify would be UNRESOLVED",
    )
}

/// The refusal of a Search where others hold all that was sent and would keep it (rule I5): an Identify would be refused.
pub(crate) fn held_by_others() -> Fault {
    Fault::new(
        Reason::NoMatch,
        "the profiles that hold these identifiers are guarded, and hold all of them: an Identify would be refused",
    )
}
