//! Old forms of numbers that are still sent, and what numbering plans made of them. The tables of libphonenumber know
//! those that begin with a trunk prefix or a carrier's code; here are those that they do not.

/// How numbers began once, and how they begin now, in E.164.
const OLD_FORMS: [(&str, &str); 1] = [
    // Mexico, until August 2019: a 1 before mobile numbers that were called from abroad.
    ("+521", "+52"),
];

/// The country code of Argentina, whose mobile numbers have a 15 behind the area code at home and a 9 before it abroad.
const ARGENTINA: &str = "54";

/// The new form of an old one; `None` where it is none.
pub fn renewed(form: &str) -> Option<String> {
    OLD_FORMS.iter().find_map(|(old, new)| form.strip_prefix(old).map(|rest| format!("{new}{rest}")))
}

/// Whether a national number is made of nothing but what was written: prefixes may go, and in Argentina a 15 becomes a
/// 9. The tables put area codes before the short numbers of some islands, which nobody sent.
pub fn says_what_was_sent(national: &str, code: &str, written: &str) -> bool {
    written.ends_with(national) || (code == ARGENTINA && is_argentine_mobile(national, written))
}

fn is_argentine_mobile(national: &str, written: &str) -> bool {
    let Some(number) = national.strip_prefix('9') else { return false };
    // An area code has two to four digits.
    (2..=4).filter_map(|place| number.split_at_checked(place)).any(|(area, local)| {
        written
            .strip_suffix(local)
            .and_then(|before| before.strip_suffix("15"))
            .is_some_and(|before| before.ends_with(area))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_in_the_table_is_renewed() {
        assert_eq!(renewed("+5215512345678").as_deref(), Some("+525512345678"));
        assert_eq!(renewed("+525512345678"), None);
        assert_eq!(renewed("+15212345678"), None);
    }

    #[test]
    fn digits_that_nobody_sent_are_noticed() {
        assert!(says_what_was_sent("2079460958", "44", "02079460958"));
        assert!(says_what_was_sent("91112345678", "54", "0111512345678"));
        assert!(!says_what_was_sent("91112345678", "54", "01112345678"));
        assert!(!says_what_was_sent("2464271234", "1", "4271234"));
    }
}
