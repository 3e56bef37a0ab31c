//! What a call is answered: how it ended, what became of each identifier, which profiles changed.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::ids::{ProfileId, Serial};
use crate::keyed::digest::Digest;

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
#[repr(u8)]
pub enum Disposition {
    /// Set aside: its value is blocked (rule C3).
    Blocked = 1,
    /// Set aside: the policy ignores its type (rule C4).
    IgnoredType = 2,
    /// Dropped from a Logout: a login identifier (rule I6).
    Dropped = 3,
    /// Taken off the call by a check (rule M3).
    Demoted = 4,
    /// The profile held it before.
    Matched = 5,
    /// The profile holds it by this call; in a Search: would hold it by an Identify.
    Attached = 6,
    /// Not attached: the profile has a value of this immutable type (rule I5).
    KeptImmutable = 7,
    /// Not attached: another profile holds it and keeps it (rule I5).
    HeldByOther = 8,
    /// Set aside: its value cannot be an identifier's (rule C12).
    Invalid = 9,
}

/// Why a value cannot be an identifier's. The numbers are those of `utterson.v1.InvalidReason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum InvalidReason {
    /// Empty, or of white space only.
    Empty = 1,
    /// Has a control character.
    ControlCharacter = 2,
    /// Has a format character.
    FormatCharacter = 3,
    /// Has a character that Unicode has not assigned.
    UnassignedCharacter = 4,
    /// Has too many bytes after C1.
    TooLong = 5,
    /// Is no telephone number.
    NotAPhoneNumber = 6,
}

/// Which limit demoted an identifier. The numbers are those of `utterson.v1.DemotionReason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DemotionReason {
    /// Too many merges (rule M3.1).
    MergeLimit = 1,
    /// Too many values of a type (rules M3.2 and M3.3).
    ValueLimit = 2,
    /// Too many identifiers in all (rule M3.4).
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
    /// Why it is invalid.
    pub invalid: Option<InvalidReason>,
}

/// The results of a call: seldom more than a few.
pub type IdentifierResults = SmallVec<[IdentifierResult; 4]>;

/// A value that left the profile for one of the call's (rule I5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Which of the call's identifiers took its place; it was of the same type.
    pub index: usize,
    /// The identifier that left.
    pub digest: Digest,
    /// The profile that held it.
    pub holder: Serial,
    /// Its value as it was first sent, where that came in the same commit; else the tables have it.
    pub raw: Option<Box<str>>,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_proto() {
        let proto = include_str!("../../../../proto/utterson/v1/identifier.proto");
        for (name, number) in [
            ("DISPOSITION_HELD_BY_OTHER", Disposition::HeldByOther as i32),
            ("DISPOSITION_INVALID", Disposition::Invalid as i32),
            ("INVALID_REASON_EMPTY", InvalidReason::Empty as i32),
            ("INVALID_REASON_CONTROL_CHARACTER", InvalidReason::ControlCharacter as i32),
            ("INVALID_REASON_FORMAT_CHARACTER", InvalidReason::FormatCharacter as i32),
            ("INVALID_REASON_UNASSIGNED_CHARACTER", InvalidReason::UnassignedCharacter as i32),
            ("INVALID_REASON_TOO_LONG", InvalidReason::TooLong as i32),
            ("INVALID_REASON_NOT_A_PHONE_NUMBER", InvalidReason::NotAPhoneNumber as i32),
        ] {
            assert!(proto.contains(&format!("{name} = {number};")), "{name}");
        }
    }
}
