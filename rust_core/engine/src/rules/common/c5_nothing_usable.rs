//! C5 Nothing usable left after C3, C4 and C12: in the merge family the outcome is UNRESOLVED, no profile is made, a
//! Track's event is stored unresolved and an Identify stores nothing; in the isolation family the call is refused.
//!
//! Source: common to both families; the merge family's later documents keep such events.

use crate::decider::asked::{self, Asked};
use crate::fault::{Fault, Reason, Violation};

/// Whether any identifier of a call is left.
pub(crate) fn any_usable(asked: &[Asked<'_>]) -> bool {
    asked::usable(asked).next().is_some()
}

/// The isolation family's refusal.
pub(crate) fn fault() -> Fault {
    fault_of("identifiers")
}

/// The refusal of a call whose `field` told the identifiers.
pub(crate) fn fault_of(field: &str) -> Fault {
    let description =
        "every one of them is set aside, as blocked, ignored or invalid: send at least one that can identify somebody";
    Fault::fields(Reason::NoUsableIdentifier, vec![Violation::new(field, description)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::outcome::InvalidReason;
    use crate::decider::asked::Fate;

    #[test]
    fn what_is_set_aside_is_not_usable() {
        let set_aside = [Fate::Blocked, Fate::IgnoredType, Fate::Invalid(InvalidReason::Empty)];
        let asked: Vec<Asked> =
            set_aside.into_iter().enumerate().map(|(position, fate)| Asked { position, fate }).collect();
        assert!(!any_usable(&asked));
        assert!(!any_usable(&[]));
        assert_eq!(fault().reason, Reason::NoUsableIdentifier);
    }
}
