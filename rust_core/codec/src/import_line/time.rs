//! Times in the common form of ISO 8601: `2024-05-01T12:00:00.5+02:00`.

use prost_types::Timestamp;

const SECONDS_A_DAY: i64 = 86_400;
const FIRST_SECOND: i64 = -62_135_596_800;
const LAST_SECOND: i64 = 253_402_300_799;

/// Reads a time; `None` for every other form, and for what is outside of the years 1 to 9999 in UTC.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let (day, rest) = (bytes.get(..10)?, bytes.get(10..)?);
    let (clock, rest) = (rest.get(..9)?, rest.get(9..)?);
    if day[4] != b'-' || day[7] != b'-' || clock[0] != b'T' || clock[3] != b':' || clock[6] != b':' {
        return None;
    }
    let (year, month, date) = (number(&day[..4])?, number(&day[5..7])?, number(&day[8..])?);
    let (hour, minute, second) = (number(&clock[1..3])?, number(&clock[4..6])?, number(&clock[7..])?);
    if year < 1 || !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&date) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (nanos, rest) = fraction(rest)?;
    let days = days_since_1970(year, month, date);
    let seconds = days * SECONDS_A_DAY + hour * 3600 + minute * 60 + second - offset(rest)?;
    (FIRST_SECOND..=LAST_SECOND).contains(&seconds).then_some(Timestamp { seconds, nanos })
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// A fraction of a second, up to microseconds, in nanoseconds; and what stands behind it.
fn fraction(rest: &[u8]) -> Option<(i32, &[u8])> {
    let Some(digits) = rest.strip_prefix(b".") else { return Some((0, rest)) };
    let count = digits.iter().take_while(|digit| digit.is_ascii_digit()).count();
    let scale = 10_i64.pow(u32::try_from(9_usize.checked_sub(count)?).ok()?);
    let nanos = number(&digits[..count])? * scale;
    ((1..=6).contains(&count)).then_some((i32::try_from(nanos).ok()?, &digits[count..]))
}

/// How far a zone is ahead of UTC, in seconds.
fn offset(zone: &[u8]) -> Option<i64> {
    match zone {
        b"Z" => Some(0),
        [sign @ (b'+' | b'-'), hours @ .., b':', tens, ones] if hours.len() == 2 => {
            let (hours, minutes) = (number(hours)?, number(&[*tens, *ones])?);
            let ahead = hours * 3600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if *sign == b'+' { ahead } else { -ahead })
        }
        _ => None,
    }
}

fn days_of(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, date: i64) -> i64 {
    // Years that begin in March end with the leap day.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    before + (month * 153 + 2) / 5 + date - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<i64> {
        read(text).map(|time| time.seconds)
    }

    #[test]
    fn times_are_reckoned() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("0001-01-01T00:00:00Z"), Some(FIRST_SECOND));
        assert_eq!(seconds("9999-12-31T23:59:59Z"), Some(LAST_SECOND));
        assert_eq!(seconds("2024-02-29T23:59:59-01:00"), Some(1_709_254_799));
        assert_eq!(seconds("2000-03-01T00:00:00+00:00"), Some(951_868_800));
        assert_eq!(read("2024-05-01T12:00:00.123456Z").map(|time| time.nanos), Some(123_456_000));
        assert_eq!(read("2024-05-01T12:00:00.5Z").map(|time| time.nanos), Some(500_000_000));
    }

    #[test]
    fn other_forms_are_not_guessed_at() {
        for text in [
            "",
            "2024-05-01",
            "2024-05-01T12:00:00",
            "2024-05-01 12:00:00Z",
            "2024-05-01T12:00:00.Z",
            "2024-05-01T12:00:00.1234567Z",
            "2024-05-01T12:00:00+0200",
            "2024-05-01T12:00:00+24:00",
            "2024-05-01T24:00:00Z",
            "2024-13-01T12:00:00Z",
            "2023-02-29T12:00:00Z",
            "2024-05-01T12:00:60Z",
            "0000-05-01T12:00:00Z",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "2024-05-01T12:00:00Zé",
            "２024-05-01T12:00:00Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
