//! C9 Dry run: `validate_only` answers exactly what the call would have done, and changes nothing.
//!
//! The call runs through the same rules and is taken back by the journal; the only difference in the answer is
//! that a profile which would be made has no id yet.

use crate::decide::Context;
use crate::plan::{Outcome, Resolution};

/// Whether the call is to change nothing.
pub(crate) fn is_dry(context: &Context<'_>) -> bool {
    context.call.validate_only
}

/// A profile that was only tried has no id.
pub(crate) fn forget_created(resolution: &mut Resolution) {
    if resolution.outcome == Outcome::Created {
        resolution.profile = None;
    }
}
