//! How a phone number may be written: digits, a leading +, and the separators that people put between. What is written
//! otherwise may hold an extension, two numbers or a price, and is no number at all.

use icu_properties::props::{GeneralCategory, WhiteSpace};
use icu_properties::{CodePointMapData, CodePointSetData};
use rlibphonenumber::PHONE_NUMBER_UTIL;

use crate::normalize::text;

/// E.164 has 15 digits; with prefixes and carriers' codes no number has so many.
const MAX_DIGITS: usize = 40;
/// The digits that must follow a slash: fewer are a second ending of the same number.
const MIN_DIGITS_BEHIND_A_SLASH: usize = 5;

/// The digits of a number, behind a + where one leads; `None` where it is not written as a number.
pub fn written(raw: &str) -> Option<String> {
    let signs: Vec<u8> = text::trim(raw).chars().map(sign).collect::<Option<_>>()?;
    let signs = without_decimals(&signs);
    (has_good_slash(signs) && has_good_dots(signs)).then_some(())?;
    let first = signs.iter().position(u8::is_ascii_digit)?;
    let mut number = String::new();
    for (place, &sign) in signs.iter().enumerate() {
        match sign {
            // A + leads, at most behind spaces, hyphens and parentheses, or is a mistake.
            b'+' if place < first && !signs[..place].iter().any(|sign| b"+/.".contains(sign)) => number.push('+'),
            b'+' => return None,
            b'0'..=b'9' => number.push(char::from(sign)),
            _ => {}
        }
    }
    (number.len() <= MAX_DIGITS).then_some(number)
}

/// A character as the one of ASCII that it stands for; `None` for what has no place in a number.
fn sign(character: char) -> Option<u8> {
    match character {
        '0'..='9' | '+' | ' ' | '-' | '(' | ')' | '/' | '.' => u8::try_from(character).ok(),
        '\u{ff0b}' => Some(b'+'),
        // Hyphens, dashes and the minus.
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => Some(b'-'),
        '\u{ff08}' => Some(b'('),
        '\u{ff09}' => Some(b')'),
        '\u{ff0e}' => Some(b'.'),
        '\u{ff0f}' => Some(b'/'),
        _ => of_table(character),
    }
}

fn of_table(character: char) -> Option<u8> {
    let categories = CodePointMapData::<GeneralCategory>::new();
    if CodePointSetData::new::<WhiteSpace>().contains(character) {
        return Some(b' ');
    }
    if categories.get(character) != GeneralCategory::DecimalNumber {
        return None;
    }
    // Decimal digits stand in runs of ten, from 0 on, and some of these runs side by side.
    let before = (1..).map_while(|step| char::from_u32(u32::from(character).checked_sub(step)?));
    let run = before.take_while(|&one| categories.get(one) == GeneralCategory::DecimalNumber).count();
    Some(b'0' + u8::try_from(run % 10).ok()?)
}

/// Without the decimals of a spreadsheet: after digits alone, a dot and zeros.
fn without_decimals(signs: &[u8]) -> &[u8] {
    let Some(dot) = signs.iter().position(|&sign| sign == b'.') else { return signs };
    let (digits, decimals) = (&signs[..dot], &signs[dot + 1..]);
    let is_decimal = !digits.is_empty()
        && digits.iter().all(u8::is_ascii_digit)
        && !decimals.is_empty()
        && decimals.iter().all(|&sign| sign == b'0');
    if is_decimal { digits } else { signs }
}

/// A slash stands between digits: with none before it, it separates nothing.
fn has_good_slash(signs: &[u8]) -> bool {
    let mut parts = signs.split(|&sign| sign == b'/');
    let digits = |part: Option<&[u8]>| part.map(|part| part.iter().filter(|sign| sign.is_ascii_digit()).count());
    let (before, behind) = (digits(parts.next()), digits(parts.next()));
    let is_good = behind.is_none_or(|behind| before > Some(0) && behind >= MIN_DIGITS_BEHIND_A_SLASH);
    is_good && parts.next().is_none()
}

fn has_good_dots(signs: &[u8]) -> bool {
    let dots = signs.iter().enumerate().filter(|&(_, &sign)| sign == b'.');
    dots.map(|(place, _)| (&signs[..place], &signs[place + 1..])).all(|(before, behind)| {
        let last = before.iter().rev().take_while(|sign| sign.is_ascii_digit()).count();
        let next = behind.iter().take_while(|sign| sign.is_ascii_digit()).count();
        (last >= 2 && next >= 2) || (next >= 1 && is_country_code(before))
    })
}

/// Whether this is a + and a country's code, as the protocol of domain registries writes it before its dot.
fn is_country_code(signs: &[u8]) -> bool {
    let code = signs.strip_prefix(b"+").and_then(|code| std::str::from_utf8(code).ok());
    let code = code.filter(|code| code.len() <= 3).and_then(|code| code.parse().ok());
    code.is_some_and(|code| PHONE_NUMBER_UTIL.get_region_for_country_code(code).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_taken_out_of_what_people_write() {
        for (raw, digits) in [
            ("+44 20 7946 0958", "+442079460958"),
            ("(+44) 20 7946-0958", "+442079460958"),
            ("\u{2003}020\u{a0}7946\u{2011}0958 ", "02079460958"),
            ("（０３）１２３４－５６７８", "0312345678"),
            ("۰۹۱۲ ۳۴۵ ۶۷۸۹", "09123456789"),
            ("\u{1d7d9}\u{1d7e3}\u{1d7ff}", "119"),
            ("030/123456", "030123456"),
            ("01.23.45.67.89", "0123456789"),
            ("+1.2025550123", "+12025550123"),
            ("1701234567.0", "1701234567"),
            ("1701234567.00", "1701234567"),
            ("12345678.00", "12345678"),
        ] {
            assert_eq!(written(raw).as_deref(), Some(digits), "{raw}");
        }
    }

    #[test]
    fn other_spellings_are_no_numbers() {
        for raw in [
            "",
            "()-",
            "+",
            "020 7946 0958 x12",
            "tel:+442079460958",
            "020 7946 0958#12",
            "*67 020 7946 0958",
            "1-800-FLOWERS",
            "0301234567/68",
            "030/123/45678",
            "0301234567/0",
            "170.1234567.0",
            "+1701234567.0",
            "1.5551234567",
            ".0",
            "1.",
            "0.17",
            "1.7E+10",
            "020 7946 0958, 020 7946 0959",
            "020+7946",
            "++44 20 7946 0958",
            "/+442079460958",
            "020\u{200b}7946 0958",
            "\u{202a}+442079460958\u{202c}",
            "[020] 7946 0958",
            "020~7946",
        ] {
            assert_eq!(written(raw), None, "{raw}");
        }
        assert_eq!(written(&"1".repeat(1 << 20)), None);
    }
}
