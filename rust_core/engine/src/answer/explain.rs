//! The trace of a decision (rule C10): written by the rules as they run, never by a second code path.

use crate::answer::outcome::Demotion;
use crate::ids::ProfileId;

/// A rule by its id in the rules' document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleId {
    /// Nothing usable left.
    C5,
    /// The guard.
    I1,
    /// The waterfall.
    I2,
    /// Identify, Login and Track.
    I3,
    /// What a new value replaces.
    I5,
    /// Logout.
    I6,
    /// Modify.
    I7,
    /// Search.
    I8,
    /// Merges in total.
    M3Merges,
    /// Exclusive types.
    M3Exclusive,
    /// Values per identifier type.
    M3Values,
    /// Identifiers in all.
    M3Identifiers,
    /// Outcome.
    M6,
    /// Other calls.
    M11,
    /// A profile taken over.
    Import,
}

impl RuleId {
    /// The id as the rules' document writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::C5 => "C5",
            Self::I1 => "I1",
            Self::I2 => "I2",
            Self::I3 => "I3",
            Self::I5 => "I5",
            Self::I6 => "I6",
            Self::I7 => "I7",
            Self::I8 => "I8",
            Self::M3Merges => "M3.1",
            Self::M3Exclusive => "M3.2",
            Self::M3Values => "M3.3",
            Self::M3Identifiers => "M3.4",
            Self::M6 => "M6",
            Self::M11 => "M11",
            Self::Import => "import",
        }
    }
}

/// How many found profiles a round tells; the rest is counted.
pub const FOUND_MAX: usize = 100;

/// One check of one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// The rule.
    pub rule: RuleId,
    /// The figure found.
    pub figure: u64,
    /// The limit it was held against; 0 where the rule knows none.
    pub limit: u64,
    /// Whether the call passed.
    pub passed: bool,
}

/// One round of matching.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Which of the call's identifiers were looked for, most trusted first.
    pub looked_for: Vec<usize>,
    /// Which profile was found by which of the call's identifiers; the first 100.
    pub found: Vec<(ProfileId, usize)>,
    /// How many were found in all.
    pub found_count: u64,
    /// The checks, in order.
    pub checks: Vec<Check>,
    /// What the failed check demoted.
    pub demoted: Option<Demotion>,
}

impl Round {
    /// Notes that a profile was found by one of the call's identifiers.
    pub fn note_found(&mut self, profile: ProfileId, index: usize) {
        if self.found.len() < FOUND_MAX {
            self.found.push((profile, index));
        }
        self.found_count += 1;
    }
}

/// Why a call was decided as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The rounds, in order.
    pub rounds: Vec<Round>,
    /// The rule that decided.
    pub decided_by: RuleId,
}
