//! What becomes of numbers: the table of the decision record, and properties of all.

use proptest::prelude::*;

use super::*;

/// A region, a spelling, what becomes of it, and why: the table that decision 0031 shows.
const SPELLINGS: &str = include_str!("spellings.tsv");

const REGIONS: &str = "GB|US|IT|AR|BR|MX|DE|FR|BB|SM|";

fn read(region: &str, raw: &str) -> Result<String, ValueFault> {
    normalize(Region::parse(region), raw)
}

#[test]
fn the_table_holds() {
    let lines: Vec<&str> = SPELLINGS.lines().filter(|line| !line.starts_with("# ")).collect();
    let mut regions = std::collections::BTreeSet::new();
    let mut wrong = Vec::new();
    for line in &lines {
        let [region, spelling, becomes, why] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        regions.insert(region);
        assert!(!why.is_empty(), "{line}");
        let made = read(region, spelling).unwrap_or_else(|_| "invalid".into());
        if made != becomes {
            wrong.push(format!("{region} {spelling}: {made}, not {becomes}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(lines.len() >= 100 && regions.len() >= 20, "{} lines, {} regions", lines.len(), regions.len());
}

#[test]
fn regions_do_not_lend_their_area_codes() {
    // The tables would put 246 before it: nobody sent that.
    assert_eq!(read("BB", "427-1234"), Err(ValueFault::Phone));
    assert_eq!(read("BB", "246-427-1234").as_deref(), Ok("+12464271234"));
    assert_eq!(read("GG", "712345"), Err(ValueFault::Phone));
}

#[test]
fn every_regions_example_is_read_as_people_write_it() {
    for region in PHONE_NUMBER_UTIL.get_supported_regions() {
        let Ok(number) = PHONE_NUMBER_UTIL.get_example_number(region) else { continue };
        let form = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned();
        let code = region.to_string();
        assert_eq!(read(&code, &form).as_ref(), Ok(&form), "{code}");
        for spelling in [PhoneNumberFormat::International, PhoneNumberFormat::National] {
            let written = PHONE_NUMBER_UTIL.format(&number, spelling);
            assert_eq!(read(&code, &written).as_ref(), Ok(&form), "{code}: {written}");
        }
    }
}

/// Numbers of some country, with prefixes of all kinds, and digits at random.
fn digits() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "(0|1|00|011|44|\\+44|\\+1|\\+52|\\+521|\\+54|0[0-9]{2}|15)?[0-9]{5,12}",
        1 => "\\+(1|7|20|27|30|3[0-9]|4[0-9]|5[0-9]|6[0-9]|8[0-9]|9[0-9])[0-9]{6,12}",
        1 => "0?(11|2[0-9]{2}|3[0-9]{3})15[0-9]{6,8}",
    ]
}

/// A spelling of digits: some separators between them.
fn spelt(digits: &str, between: &[u8]) -> String {
    let separators = ["", "", "", " ", "-", " - ", "(", ")", "\u{a0}", "\u{2011}"];
    let mut spelling = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 1 {
            spelling.push_str(separators[usize::from(between[place % between.len()]) % separators.len()]);
        }
        spelling.push(digit);
    }
    spelling
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn a_form_reads_back_as_itself(raw in "[+＋]?[0-9٠-٩ ()./-]{0,20}", region in REGIONS) {
        if let Ok(form) = read(&region, &raw) {
            prop_assert!(form.starts_with('+') && form[1..].bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert_eq!(read(&region, &form), Ok(form.clone()));
            prop_assert_eq!(read("", &form), Ok(form));
        }
    }

    #[test]
    fn separators_change_nothing(digits in digits(), between in prop::collection::vec(any::<u8>(), 1..9), region in REGIONS) {
        prop_assert_eq!(read(&region, &spelt(&digits, &between)), read(&region, &digits));
    }

    #[test]
    fn a_spreadsheets_zeros_change_nothing(digits in "[0-9]{5,12}", zeros in "\\.0{1,3}", region in REGIONS) {
        prop_assert_eq!(read(&region, &format!("{digits}{zeros}")), read(&region, &digits));
    }

    /// So two inputs of one form differ in prefixes only: all digits behind them were sent, in both.
    #[test]
    fn all_of_a_national_number_was_sent(digits in digits(), region in REGIONS) {
        let Ok(form) = read(&region, &digits) else { return Ok(()) };
        let number = PHONE_NUMBER_UTIL.parse(&form, None).expect("a number");
        let national = number.get_national_significant_number();
        if number.country_code == 54 && !digits.ends_with(&national) {
            // 0 11 15 1234 5678 is 9 11 1234 5678.
            let sent = digits.replacen("15", "", 1);
            let any_15 = (0..digits.len().saturating_sub(1)).filter(|&place| digits[place..].starts_with("15"));
            let without = |place: usize| format!("{}{}", &digits[..place], &digits[place + 2..]);
            prop_assert!(any_15.map(without).any(|sent| sent.ends_with(&national[1..])), "{} of {}", form, sent);
        } else {
            prop_assert!(digits.ends_with(&national), "{} of {}", form, digits);
        }
        let prefix = digits.len().saturating_sub(national.len());
        prop_assert!(prefix <= 12, "{} of {}", form, digits);
    }
}
