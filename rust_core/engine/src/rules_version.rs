//! Which rules a workspace compares values by. Digests of normal forms are stored, so new forms must never meet old
//! digests: a workspace keeps the version that it was made with.

/// The version of the rules of a workspace; its number is `Policy.rules_version`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RulesVersion {
    /// Those of 0.1: its forms of C1, values refused before blocks are judged, no C11 and no C12.
    Zero,
    /// Those of docs/rules.md.
    #[default]
    One,
}

impl RulesVersion {
    /// The version of this number; `None` where this build does not know it.
    #[must_use]
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::Zero),
            1 => Some(Self::One),
            _ => None,
        }
    }

    /// The number as it is stored.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Zero => 0,
            Self::One => 1,
        }
    }
}
