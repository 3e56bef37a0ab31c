//! `PHONE` of 0.1: E.164, whatever libphonenumber reads a number out of.
//!
//! What counts as a phone number, decided here once:
//!
//! - It must be *possible* (its length fits its country), not *valid* (its digits lie in a range that is handed out
//!   today): ranges change with every release of the tables, and a number that a profile holds must not become
//!   unreadable. A length that can be dialled only within a town is refused: E.164 has no such numbers.
//! - A number with an extension is refused: E.164 cannot say it, and without it a whole office would be one person.
//! - Its E.164 form must read back as itself. The few digit strings that lose one more prefix with every reading have
//!   no one form, and are refused.

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumberFormat};

use crate::normalize::{Region, ValueFault};

/// The E.164 form of a phone number; without a leading + the number is read as one of `region`.
pub fn normalize(region: Option<Region>, raw: &str) -> Result<String, ValueFault> {
    let form = e164(region, raw).ok_or(ValueFault::Phone)?;
    if form != raw && e164(None, &form).as_deref() != Some(&*form) {
        return Err(ValueFault::Phone);
    }
    Ok(form)
}

fn e164(region: Option<Region>, raw: &str) -> Option<String> {
    let number = PHONE_NUMBER_UTIL.parse(raw, region.map(Region::of_library)).ok()?;
    let length = PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number).ok()?;
    (length == NumberLengthType::IsPossible && number.extension().is_empty())
        .then(|| PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(region: &str, raw: &str) -> Result<String, ValueFault> {
        normalize(Region::parse(region), raw)
    }

    #[test]
    fn one_number_has_one_form() {
        for raw in ["+44 20 7946 0958", "(020) 7946 0958", "0044 20 7946 0958", "+44 (0)20 7946 0958", "＋442079460958"]
        {
            assert_eq!(read("GB", raw).as_deref(), Ok("+442079460958"), "{raw}");
        }
        assert_eq!(read("US", "1 (555) 123-4567").as_deref(), Ok("+15551234567"));
        assert_eq!(read("", "+39 06 1234 5678").as_deref(), Ok("+390612345678"));
        assert_eq!(read("", "+800 1234 5678").as_deref(), Ok("+80012345678"));
    }

    #[test]
    fn what_is_no_number_everywhere_is_refused() {
        for (region, raw) in [
            ("", "020 7946 0958"),
            ("", ""),
            ("GB", "not a number"),
            ("GB", "+999 1234567"),
            ("US", "253-0000"),
            ("US", "+1 555 123 4567 ext. 12"),
            ("US", "+1 555 123 4567 8901"),
        ] {
            assert_eq!(read(region, raw), Err(ValueFault::Phone), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn digits_read_back_as_themselves(raw in "[+＋]?[0-9٠-٩ ().-]{0,20}", region in "GB|US|IT|AR|BR|MX|DE|") {
            if let Ok(form) = read(&region, &raw) {
                prop_assert!(form.starts_with('+') && form[1..].bytes().all(|byte| byte.is_ascii_digit()));
                prop_assert_eq!(read(&region, &form), Ok(form.clone()));
                prop_assert_eq!(read("", &form), Ok(form));
            }
        }
    }
}
