//! The normal forms that a policy gives its types, by name.

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
