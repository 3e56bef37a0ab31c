//! How calls end: the words of an answer.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::ids::ProfileId;

/// How a call ended. The numbers are those of `utterson.v1.Outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Outcome {
    /// A new profile was made.
    Created = 1,
    /// One profile was found.
    Matched = 2,
    /// Several profiles were joined.
    Merged = 3,
    /// No identifier was usable (rule C5).
    Unresolved = 4,
}

/// What happened to an identifier. The numbers are those of `utterson.v1.Disposition`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Disposition {
    /// C3.
    Blocked = 1,
    /// C4.
    IgnoredType = 2,
    /// I6.
    Dropped = 3,
    /// M3.
    Demoted = 4,
    /// Held before.
    Matched = 5,
    /// Added by this call.
    Attached = 6,
    /// I5.
    KeptImmutable = 7,
    /// I5.
    HeldByOther = 8,
}

/// Which limit demoted an identifier. The numbers are those of `utterson.v1.DemotionReason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum DemotionReason {
    /// M3.1.
    MergeLimit = 1,
    /// M3.2 and M3.3.
    ValueLimit = 2,
    /// M3.4.
    IdentifierLimit = 3,
}

/// What became of one identifier of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentifierResult {
    /// Which of the call's identifiers; of a Modify, which of its changes.
    pub index: usize,
    /// What happened to it.
    pub disposition: Disposition,
    /// Why it was demoted.
    pub reason: Option<DemotionReason>,
}

/// The results of a call: seldom more than a few.
pub type IdentifierResults = SmallVec<[IdentifierResult; 4]>;

/// One demotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demotion {
    /// Which of the call's identifiers.
    pub index: usize,
    /// The limit that was exceeded.
    pub reason: DemotionReason,
    /// The round of matching that it ended, from 1.
    pub round: u32,
}

/// A profile whose values of a type a Modify changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedProfile {
    /// The identifier type.
    pub type_name: Arc<str>,
    /// The profile.
    pub profile: ProfileId,
    /// Whether it holds nothing after the call.
    pub now_orphaned: bool,
}
