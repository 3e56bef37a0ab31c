//! The regions that telephone numbers are written in.

use std::str::FromStr;

use rlibphonenumber::PHONE_NUMBER_UTIL;

/// A region of ISO 3166 that has phone numbers, for example `GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region(rlibphonenumber::Region);

impl Region {
    /// The region as the tables of numbers know it.
    pub(super) const fn of_library(self) -> rlibphonenumber::Region {
        self.0
    }

    /// The region of a code of two capital letters; `None` where it is malformed or has no numbers of its own.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let well_formed = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        let region = well_formed.then(|| rlibphonenumber::Region::from_str(code).ok())??;
        PHONE_NUMBER_UTIL.get_country_code_for_region(region).map(|_| Self(region))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_two_capital_letters_with_numbers() {
        assert!(Region::parse("GB").is_some());
        for code in ["", "gb", "GBR", "G", "XX", "001", "44", "ÄÖ"] {
            assert!(Region::parse(code).is_none(), "{code}");
        }
    }
}
