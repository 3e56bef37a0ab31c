//! Settings of one identifier type, ready for use.

use crate::normalize::{Normalization, Region};
use crate::policy::block::BlockList;
use crate::policy::choice::{LimitScope, LoginMatch, OnExceeded, OnLogout, OnNewKnownUser};

/// The place of an identifier type in the order of trust: the smaller, the more trusted. Listed types come in the
/// policy's order, accepted unlisted types after them in alphabetical (byte) order (rule C4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank<'a>(Place<'a>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Place<'a> {
    // The order of the variants is the order of trust.
    Listed(usize),
    Unlisted(&'a str),
}

impl<'a> Rank<'a> {
    /// The rank of the type at this position of the policy's list.
    #[must_use]
    pub fn listed(position: usize) -> Self {
        Self(Place::Listed(position))
    }

    /// The rank of an accepted type that is not listed.
    #[must_use]
    pub fn unlisted(type_name: &'a str) -> Self {
        Self(Place::Unlisted(type_name))
    }
}

/// How many values of one type a profile may hold (rule M3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The largest number of values; never 0.
    pub max_values: u32,
    /// How long an added value counts, in microseconds of event time; `None` means for ever.
    pub window_us: Option<i64>,
    /// When the limit is checked.
    pub scope: LimitScope,
    /// What is demoted.
    pub on_exceeded: OnExceeded,
}

impl Limit {
    /// Whether rule M3.2 guards types of this limit: 1, EVER, ALWAYS, `DEMOTE_LOWEST`.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        let Self { max_values, window_us, scope, on_exceeded } = self;
        *max_values == 1
            && window_us.is_none()
            && *scope == LimitScope::Always
            && *on_exceeded == OnExceeded::DemoteLowest
    }
}

/// Settings of one identifier type, with every default filled in.
#[derive(Clone, Debug)]
pub struct TypeSettings {
    /// One owner and one value a profile (isolation family).
    pub unique: bool,
    /// Holding a value makes a profile known (isolation family).
    pub login: bool,
    /// A value once set never changes (isolation family).
    pub immutable: bool,
    /// How values are normalised (rule C1).
    pub normalization: Normalization,
    /// Where PHONE numbers without a leading + belong.
    pub region: Option<Region>,
    /// How many values a profile may hold (merge family).
    pub limit: Option<Limit>,
    /// The type's own blocked values (rule C3); the policy's come on top.
    pub blocked: BlockList,
}

impl TypeSettings {
    /// The settings of a type about which the policy says nothing (rule C4): no limit and no flags.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            unique: false,
            login: false,
            immutable: false,
            normalization: Normalization::None,
            region: None,
            limit: None,
            blocked: BlockList::default(),
        }
    }
}

/// The family of rules that decides a workspace's calls, with every default filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Profiles merge when a call connects them.
    Merge {
        /// The largest number of merges in one profile's history (rule M3.1).
        max_merges: u32,
        /// The largest number of identifiers of a profile; 0 means no limit (rule M3.4).
        max_identifiers: u32,
    },
    /// Known and anonymous profiles are kept apart.
    Isolation {
        /// What a new login identifier leads to (rule I3).
        on_new_known_user: OnNewKnownUser,
        /// What a Logout leads to (rule I6).
        on_logout: OnLogout,
        /// Which login identifiers must be in common (rule I1).
        login_match: LoginMatch,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unlisted_types_rank_last_and_alphabetically() {
        let unlisted = Rank::unlisted;
        let ordered =
            [Rank::listed(0), Rank::listed(10), unlisted("a"), unlisted("a.b"), unlisted("a_b"), unlisted("b")];
        assert!(ordered.is_sorted());
    }

    #[test]
    fn only_the_seeds_user_id_limit_is_exclusive() {
        let limit =
            Limit { max_values: 1, window_us: None, scope: LimitScope::Always, on_exceeded: OnExceeded::DemoteLowest };
        assert!(limit.is_exclusive());
        assert!(!Limit { max_values: 2, ..limit }.is_exclusive());
        assert!(!Limit { window_us: Some(1), ..limit }.is_exclusive());
        assert!(!Limit { scope: LimitScope::WhenPresent, ..limit }.is_exclusive());
        assert!(!Limit { on_exceeded: OnExceeded::DemoteOffending, ..limit }.is_exclusive());
    }
}
