//! The ways of normalising, a closed set: a new one does not compile until every place here has judged it.

use crate::numbered::numbered;

numbered! {
    /// How values of a type are normalised (rule C1).
    Normalization {
        /// The value as sent.
        None = 1,
        /// White space at both ends removed.
        Trim = 2,
        /// Lower case.
        Lower = 3,
        /// NFKC, case folded, NFKC, trimmed.
        Email = 4,
        /// E.164.
        Phone = 5,
    }
}

impl Normalization {
    /// Whether a plain value (printable ASCII, nothing to trim, no upper case) is its own normal form, so that it need
    /// not be normalised at all.
    #[must_use]
    pub const fn keeps_plain(self) -> bool {
        match self {
            Self::None | Self::Trim | Self::Lower | Self::Email => true,
            Self::Phone => false,
        }
    }
}
