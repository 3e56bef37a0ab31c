//! A policy as it is written down: plain structs that mirror `utterson.v1.Policy`, field by field.
//!
//! `None` means unset. An enum number that this version does not know cannot be a member of a closed enum: the
//! decoder reports it through [`read_number`] into [`PolicySpec::unreadable`], so that compiling names it with the rest.

use crate::fault::Violation;
use crate::numbered::Numbered;
use crate::rules_version::RulesVersion;

pub use crate::normalize::Normalization;
pub use crate::policy::choice::{
    BlockedList, InvalidIdentifiers, LimitScope, LoginMatch, OnExceeded, OnLogout, OnNewKnownUser, UnlistedTypes,
    Window,
};

/// The rules of one workspace, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicySpec {
    /// The identifier types, highest priority first.
    pub identifier_types: Vec<TypeSpec>,
    /// Settings of types accepted though unlisted; its name stays empty (rule C4).
    pub default_type: Option<TypeSpec>,
    /// What happens to identifiers of unlisted types (rule C4).
    pub unlisted_types: Option<UnlistedTypes>,
    /// Values blocked for every type (rule C3).
    pub blocked: Vec<BlockedSpec>,
    /// Named lists of values blocked for every type (rule C3).
    pub blocked_lists: Vec<BlockedList>,
    /// What named lists held when the policy was given; of those that `blocked_lists` does not name nothing is kept.
    pub expanded_lists: Vec<ExpandedSpec>,
    /// What happens to values that cannot be an identifier's (rule C12).
    pub invalid_identifiers: Option<InvalidIdentifiers>,
    /// The family of rules.
    pub strategy: Option<StrategySpec>,
    /// How far ahead of the commit time an event time may be, in microseconds (rule C11).
    pub future_tolerance_us: Option<i64>,
    /// The rules that the workspace was made with; never the caller's to choose.
    pub rules_version: RulesVersion,
    /// Faults that the decoder found; compiling refuses them together with its own.
    pub unreadable: Vec<Violation>,
}

/// One identifier type and its settings, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeSpec {
    /// The name of the type.
    pub name: String,
    /// One owner and one value a profile (isolation family).
    pub unique: bool,
    /// Holding a value makes a profile known (isolation family).
    pub login: bool,
    /// A value once set never changes (isolation family).
    pub immutable: bool,
    /// How values are normalised (rule C1).
    pub normalization: Option<Normalization>,
    /// ISO 3166 region of PHONE numbers without a leading +; may be empty.
    pub region: String,
    /// Values of this type that never identify anybody (rule C3).
    pub blocked: Vec<BlockedSpec>,
    /// How many values a profile may hold (merge family).
    pub limit: Option<LimitSpec>,
}

/// A pattern of values that never identify anybody (rule C3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockedSpec {
    /// Neither kind is given; refused.
    Unset,
    /// The whole value.
    Exact(String),
    /// An expression, searched unanchored.
    Regex(String),
}

/// A named list as it was when a policy was given (rule C3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpandedSpec {
    /// The name.
    pub list: BlockedList,
    /// What it blocks.
    pub blocked: Vec<BlockedSpec>,
}

/// How many values of one type a profile may hold (rule M3), as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitSpec {
    /// The largest number of values; 0 means no limit.
    pub max_values: u32,
    /// The time over which added values count.
    pub window: Option<Window>,
    /// When the limit is checked.
    pub scope: Option<LimitScope>,
    /// What is demoted.
    pub on_exceeded: Option<OnExceeded>,
}

/// The family of rules and its settings, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrategySpec {
    /// Profiles merge when a call connects them.
    Merge {
        /// The largest number of merges in one profile's history.
        max_merges: Option<u32>,
        /// The largest number of identifiers of a profile; 0 means no limit.
        max_identifiers: Option<u32>,
    },
    /// Known and anonymous profiles are kept apart.
    Isolation {
        /// What a new login identifier leads to (rule I3).
        on_new_known_user: Option<OnNewKnownUser>,
        /// What a Logout leads to (rule I6).
        on_logout: Option<OnLogout>,
        /// Which login identifiers must be in common (rule I1).
        login_match: Option<LoginMatch>,
    },
}

/// Reads an enum's number: 0 is unset; an unknown number is unset too and leaves a violation of the field at `path`.
pub fn read_number<T: Numbered>(
    number: i32,
    path: impl FnOnce() -> String,
    unreadable: &mut Vec<Violation>,
) -> Option<T> {
    let known = T::from_number(number);
    if known.is_none() && number != 0 {
        unreadable.push(Violation::new(path(), "must be one of the values that the policy's definition names"));
    }
    known
}
