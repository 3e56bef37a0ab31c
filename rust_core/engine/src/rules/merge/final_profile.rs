//! The final profile F of rule M3, as its four checks see it, and what a check that fails says.

use smallvec::SmallVec;

use crate::answer::explain::{Check, RuleId};
use crate::answer::outcome::DemotionReason;
use crate::ids::Serial;
use crate::rules::merge::m2_match::Candidate;
use crate::rules::merge::values::Types;
use crate::state::State;

/// The checks of one round.
pub(crate) type Checks = SmallVec<[Check; 6]>;

/// A check that failed: what it takes off the event, by its place among the candidates.
pub(crate) struct Failed {
    /// Which candidate.
    pub candidate: usize,
    /// Why.
    pub reason: DemotionReason,
}

/// The final profile that the checks look at.
pub(crate) struct Final<'a, 'c> {
    /// The state.
    pub state: &'a State,
    /// What is left of the event.
    pub candidates: &'a [Candidate<'c>],
    /// M.
    pub matched: &'a [Serial],
    /// F by type.
    pub types: Types<'a>,
}

/// Notes a check and answers whether it passed.
pub(crate) fn note(checks: &mut Checks, rule: RuleId, (figure, limit): (u64, u64), passed: bool) -> bool {
    checks.push(Check { rule, figure, limit, passed });
    passed
}
