//! What a call that was accepted is answered.

pub mod explain;
pub mod outcome;

use crate::answer::explain::{Explanation, RuleId};
use crate::answer::outcome::{ChangedProfile, Demotion, IdentifierResults, Outcome, Replaced};
use crate::ids::{EntryId, Micros, PolicyRevision, ProfileId, Seq};

/// The answer to a call that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The profile; `None` when unresolved or a dry run would create it.
    pub profile: Option<ProfileId>,
    /// How the call ended.
    pub outcome: Outcome,
    /// The profile holds a login identifier.
    pub known: bool,
    /// The profile that a linked profile came from.
    pub source: Option<ProfileId>,
    /// Profiles joined by this call, oldest first.
    pub merged: Vec<ProfileId>,
    /// One result an identifier, in the call's order, duplicates left out.
    pub identifiers: IdentifierResults,
    /// Demotions in the order made.
    pub demoted: Vec<Demotion>,
    /// Profiles that a Modify changed.
    pub changes: Vec<ChangedProfile>,
    /// What few answers tell: apart, so that the others are not moved about with it.
    pub uncommon: Option<Box<Uncommon>>,
    /// Plain sentences without personal data.
    pub warnings: Vec<String>,
    /// Why, where asked.
    pub explanation: Option<Box<Explanation>>,
    /// The rule that decided.
    pub decided_by: RuleId,
    /// The policy that decided.
    pub policy_revision: PolicyRevision,
    /// The state that contains this call.
    pub revision: (Seq, EntryId),
}

/// What few answers tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uncommon {
    /// Values that left the profile for the call's (rule I5), in the call's order.
    pub replaced: Vec<Replaced>,
    /// The time that was taken instead of an event time too far ahead (rule C11).
    pub event_time_adjusted: Option<Micros>,
}

impl Resolution {
    /// Values that left the profile for the call's (rule I5), in the call's order.
    #[must_use]
    pub fn replaced(&self) -> &[Replaced] {
        self.uncommon.as_ref().map_or(&[], |uncommon| &uncommon.replaced)
    }

    /// The time that was taken instead of an event time too far ahead (rule C11).
    #[must_use]
    pub fn event_time_adjusted(&self) -> Option<Micros> {
        self.uncommon.as_ref().and_then(|uncommon| uncommon.event_time_adjusted)
    }
}
