//! What became of each identifier of a call, the first that applies: blocked, ignored and invalid ones are set aside
//! before any rule runs; of the others the family's rules tell.

use crate::answer::outcome::{DemotionReason, Disposition, IdentifierResult, IdentifierResults};
use crate::decider::asked::{Asked, Fate};

/// What a family's rules say of a usable identifier.
pub(crate) type Told = (Disposition, Option<DemotionReason>);

/// One result an identifier, in the call's order; `told` answers for the usable ones by their place in the call.
pub(crate) fn of_asked(asked: &[Asked<'_>], told: impl Fn(usize) -> Told) -> IdentifierResults {
    let mut results = IdentifierResults::with_capacity(asked.len());
    for one in asked {
        let set_aside = |disposition, invalid| ((disposition, None), invalid);
        let ((disposition, reason), invalid) = match &one.fate {
            Fate::Blocked => set_aside(Disposition::Blocked, None),
            Fate::IgnoredType => set_aside(Disposition::IgnoredType, None),
            Fate::Invalid(why) => set_aside(Disposition::Invalid, Some(*why)),
            Fate::Usable(_) => (told(one.position), None),
        };
        results.push(IdentifierResult { index: one.position, disposition, reason, invalid });
    }
    results
}

/// For calls of which no identifier was usable: nobody asks.
pub(crate) fn unreachable_usable() -> Told {
    debug_assert!(false, "an unresolved call has no usable identifier");
    (Disposition::IgnoredType, None)
}
