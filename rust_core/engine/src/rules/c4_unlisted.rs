//! C4 Unlisted types follow the policy: `IGNORE` sets the identifier aside and reports it, `ACCEPT` takes it with the
//! default type's settings, ranked after all listed types in alphabetical order, `REJECT` refuses the call.
//!
//! Source: the isolation family knows listed types only; the merge family takes any external id.

use std::sync::Arc;

use crate::policy::{Rank, TypeSettings, TypeStatus};

/// A type that the policy takes.
pub(crate) struct Taken<'a> {
    /// Its name, shared with the policy where the policy lists it.
    pub type_name: Arc<str>,
    /// Its place in the order of trust.
    pub rank: Rank,
    /// Its settings.
    pub settings: &'a Arc<TypeSettings>,
}

/// What C4 makes of a type.
pub(crate) enum Verdict<'a> {
    /// It identifies.
    Taken(Taken<'a>),
    /// It is set aside.
    Ignored,
    /// The call is refused.
    Rejected,
}

/// What a refused type must be.
pub(crate) const REJECTED: &str = "must be a type that the workspace's policy lists";

/// Judges a type.
pub(crate) fn judge<'a>(status: TypeStatus<'a>, type_name: &str) -> Verdict<'a> {
    match status {
        TypeStatus::Listed { name, rank, settings } => {
            Verdict::Taken(Taken { type_name: Arc::clone(name), rank: rank.clone(), settings })
        }
        TypeStatus::Accepted { settings } => {
            let type_name: Arc<str> = Arc::from(type_name);
            Verdict::Taken(Taken { rank: Rank::unlisted(Arc::clone(&type_name)), type_name, settings })
        }
        TypeStatus::Ignored => Verdict::Ignored,
        TypeStatus::Rejected => Verdict::Rejected,
    }
}
