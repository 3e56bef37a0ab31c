//! The normal forms that a policy gives its types, by name.

use crate::numbered::numbered;

numbered! {
    /// How values of a type are normalised (rule C1).
    Normalization {
        /// The value as sent.
        None = 1,
        /// NFC, white space at both ends removed.
        Trim = 2,
        /// NFC, case folded, NFC, white space at both ends removed.
        Lower = 3,
        /// The local part NFKC, case folded, NFKC; the domain as ASCII.
        Email = 4,
        /// E.164.
        Phone = 5,
    }
}

// Every question that is asked of a form is answered here, member by member, so that a new one does not compile until it
// is answered. The one other place that must know each of them is `normalize`.
impl Normalization {
    /// Whether a plain value ([`is_plain`](crate::normalize::is_plain)) is its own normal form, so that it may skip the
    /// tables.
    #[must_use]
    #[inline]
    pub const fn keeps_plain(self) -> bool {
        match self {
            Self::None | Self::Trim | Self::Lower | Self::Email => true,
            // A number without its country, or written with brackets, is plain and is normalised all the same.
            Self::Phone => false,
        }
    }

    /// Whether the form of a value depends on the region that its type names.
    #[must_use]
    pub const fn uses_region(self) -> bool {
        match self {
            Self::None | Self::Trim | Self::Lower | Self::Email => false,
            Self::Phone => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbered::Numbered;

    #[test]
    fn the_numbers_are_those_of_the_proto() {
        let proto = include_str!("../../../../proto/utterson/v1/policy.proto");
        for &form in Normalization::ALL {
            let line = format!("NORMALIZATION_{} = {};", format!("{form:?}").to_uppercase(), form.number());
            assert!(proto.contains(&line), "{line}");
            assert_eq!(Normalization::from_number(form.number()), Some(form));
        }
        assert_eq!(
            Normalization::ALL.len(),
            proto.matches(" NORMALIZATION_").count() - 1,
            "all but the unspecified one"
        );
    }
}
