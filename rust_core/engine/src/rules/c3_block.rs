//! C3 Block. A value that matches one of its type's, or of the policy's, blocked patterns is set aside: the call goes
//! on without it and reports it. `exact` compares with, and `regex` searches in, the normalised value. Judged before
//! C4: a blocked value of an unlisted type is blocked, neither ignored nor a reason to refuse the call.
//!
//! Source: "How to block identifier values" of the merge family's later documents; offered to both families.

use crate::policy::{Policy, TypeSettings};

/// Whether a normalised value never identifies anybody.
pub(crate) fn is_blocked(policy: &Policy, settings: Option<&TypeSettings>, normalized: &str) -> bool {
    policy.blocks(normalized) || settings.is_some_and(|settings| settings.blocked.blocks(normalized))
}
