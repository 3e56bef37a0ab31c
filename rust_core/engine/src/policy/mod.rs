//! A workspace's policy: checked once, compiled once, asked for every identifier of every call.

pub mod block;
pub mod change;
mod check;
pub mod choice;
mod classes;
mod compile;
mod expand;
mod expressions;
pub mod lists;
pub mod presets;
mod settings;
pub mod spec;
mod warnings;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use check::{MAX_TYPES, is_type_name};
pub use choice::{
    BlockedList, InvalidIdentifiers, LimitScope, LoginMatch, OnExceeded, OnLogout, OnNewKnownUser, UnlistedTypes,
    Window,
};
pub use settings::{Limit, Rank, Strategy, TypeSettings};

use crate::fault::Violation;
use crate::normalize::Normalization;
use crate::rules_version::RulesVersion;
use block::BlockList;
use expressions::Budget;
use spec::{ExpandedSpec, PolicySpec};

/// So many listed types are looked through one by one, which is cheaper than any search.
const FEW: usize = 12;
/// What names of a listed type and its place among them take.
const LISTED_BYTES: usize = 256;

/// What reading a phone number costs beside comparing a value.
const PHONE_COST: usize = 40;

/// A compiled policy.
#[derive(Clone, Debug)]
pub struct Policy {
    spec: PolicySpec,
    listed: Vec<ListedType>,
    positions: BTreeMap<Arc<str>, usize>,
    unlisted: UnlistedTypes,
    default_type: TypeSettings,
    blocked: BlockList,
    expanded_lists: Vec<ExpandedSpec>,
    invalid_identifiers: InvalidIdentifiers,
    strategy: Strategy,
    future_tolerance_us: i64,
    value_cost: usize,
}

/// A type that the policy lists; its place in the list is its rank.
#[derive(Clone, Debug)]
struct ListedType {
    name: Arc<str>,
    settings: TypeSettings,
}

/// How a policy sees an identifier type (rule C4).
#[derive(Clone, Copy, Debug)]
pub enum TypeStatus<'a> {
    /// The policy lists it.
    Listed {
        /// Its place in the order of trust.
        rank: Rank<'a>,
        /// Its settings.
        settings: &'a TypeSettings,
    },
    /// Not listed, and taken with the default settings; its rank is [`Rank::unlisted`].
    Accepted {
        /// The default type's settings.
        settings: &'a TypeSettings,
    },
    /// Not listed: set aside and reported.
    Ignored,
    /// Not listed: the call is refused.
    Rejected,
}

impl<'a> TypeStatus<'a> {
    /// The settings that values of the type are judged by, where the policy takes them at all.
    #[must_use]
    pub fn settings(self) -> Option<&'a TypeSettings> {
        match self {
            Self::Listed { settings, .. } | Self::Accepted { settings } => Some(settings),
            Self::Ignored | Self::Rejected => None,
        }
    }
}

impl Policy {
    /// Checks and compiles a policy. The answer holds the warnings too, plain sentences.
    ///
    /// # Errors
    ///
    /// Every fault of the policy at once, each with its path from the request's `policy` field on.
    pub fn compile(spec: &PolicySpec) -> Result<(Self, Vec<String>), Vec<Violation>> {
        compile::compile(spec, Budget::of_new())
    }

    /// As [`Policy::compile`], of a policy that is kept: it was accepted by its time, and what was allowed then and is
    /// over today's budget of expressions stays as it was.
    ///
    /// # Errors
    ///
    /// As [`Policy::compile`].
    pub fn compile_kept(spec: &PolicySpec) -> Result<(Self, Vec<String>), Vec<Violation>> {
        compile::compile(spec, Budget::of_kept())
    }

    /// About how many bytes it takes. What expressions take that are no automata cannot be asked.
    #[must_use]
    pub(crate) fn bytes(&self) -> usize {
        let types: usize = self.listed.iter().map(|listed| listed.settings.blocked.bytes()).sum();
        let lists = types + self.default_type.blocked.bytes() + self.blocked.bytes();
        self.listed.len() * (size_of::<ListedType>() + size_of::<spec::TypeSpec>() + LISTED_BYTES) + lists
    }

    /// The policy with all defaults written out. Compiling it gives the same policy.
    #[must_use]
    pub fn expanded(&self) -> PolicySpec {
        expand::expand(self)
    }

    /// How the policy sees an identifier type.
    #[must_use]
    pub fn settings_of(&self, type_name: &str) -> TypeStatus<'_> {
        if let Some((position, listed)) = self.listed_as(type_name) {
            return TypeStatus::Listed { rank: Rank::listed(position), settings: &listed.settings };
        }
        match self.unlisted {
            UnlistedTypes::Accept => TypeStatus::Accepted { settings: &self.default_type },
            UnlistedTypes::Ignore => TypeStatus::Ignored,
            UnlistedTypes::Reject => TypeStatus::Rejected,
        }
    }

    fn listed_as(&self, type_name: &str) -> Option<(usize, &ListedType)> {
        if self.listed.len() <= FEW {
            return self.listed.iter().enumerate().find(|(_, listed)| *listed.name == *type_name);
        }
        let position = *self.positions.get(type_name)?;
        Some((position, self.listed.get(position)?))
    }

    /// The place of a type in the order of trust.
    #[must_use]
    pub fn rank_of<'a>(&'a self, type_name: &'a str) -> Rank<'a> {
        match self.settings_of(type_name) {
            TypeStatus::Listed { rank, .. } => rank,
            TypeStatus::Accepted { .. } | TypeStatus::Ignored | TypeStatus::Rejected => Rank::unlisted(type_name),
        }
    }

    /// The names of the listed types, highest priority first.
    pub fn listed_names(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.listed.iter().map(|listed| &listed.name)
    }

    /// What happens to identifiers of types that are not listed (rule C4).
    #[must_use]
    pub fn unlisted(&self) -> UnlistedTypes {
        self.unlisted
    }

    /// The family of rules and its settings.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// The rules that the workspace was made with.
    #[must_use]
    pub fn rules_version(&self) -> RulesVersion {
        self.spec.rules_version
    }

    /// How far ahead of the commit time an event time may be, in microseconds; `None` where that has no bound, as in 0.1
    /// (rule C11).
    #[must_use]
    pub fn future_tolerance_us(&self) -> Option<i64> {
        match self.rules_version() {
            RulesVersion::Zero => None,
            RulesVersion::One => Some(self.future_tolerance_us),
        }
    }

    /// What happens to values that cannot be an identifier's (rule C12).
    #[must_use]
    #[inline]
    pub fn invalid_identifiers(&self) -> InvalidIdentifiers {
        self.invalid_identifiers
    }

    /// Whether the policy blocks a text for every type (rule C3).
    #[must_use]
    #[inline]
    pub fn blocks(&self, text: &str) -> bool {
        self.blocked.blocks(text)
    }

    /// About how long the policy takes for one value at the worst, beside what an ordinary one takes.
    #[must_use]
    #[inline]
    pub fn value_cost(&self) -> usize {
        self.value_cost
    }

    fn dearest_value(&self) -> usize {
        let settings = self.listed.iter().map(|listed| &listed.settings).chain([&self.default_type]);
        let dearest = settings.map(|settings| {
            let form = if settings.normalization == Normalization::Phone { PHONE_COST } else { 1 };
            form.max(settings.blocked.value_cost())
        });
        dearest.max().unwrap_or(1).max(self.blocked.value_cost())
    }

    /// Whether an identifier of some type can be a login identifier (rules I3 and I4).
    #[must_use]
    pub fn has_login_types(&self) -> bool {
        let accepts_login = self.unlisted == UnlistedTypes::Accept && self.default_type.login;
        accepts_login || self.listed.iter().any(|listed| listed.settings.login)
    }
}
