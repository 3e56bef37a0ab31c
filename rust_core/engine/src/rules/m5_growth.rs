//! M5 Only growth fails: a profile that exceeds a limit already (rules were tightened) is not locked. M3.2, M3.3 and
//! M3.4 fail only if no single profile of M already holds all of F's values of the type. In a window, F's values are
//! those that count: a value counts iff it was added within (t − window, t], t being the call's event time.

use crate::rules::values::TypeValues;

/// Whether no single profile of M holds all counting values of F already.
pub(crate) fn grows(values: &TypeValues<'_>) -> bool {
    // Owners are disjoint (M1), so one profile holds all iff it holds as many as all together and nothing is fresh.
    values.held_most < values.total()
}
