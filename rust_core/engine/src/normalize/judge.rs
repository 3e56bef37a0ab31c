//! What rule C2 lets pass as a value.

use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;

use super::{ValueFault, joiners};
use crate::rules_version::RulesVersion;

/// The longest value after normalising, in bytes of UTF-8 (rule C2).
pub const MAX_VALUE_BYTES: usize = 512;

/// Judges a value as it was sent. Its raw form is kept for display, so U+0000 must not hide where C1 takes it off.
///
/// # Errors
///
/// [`ValueFault::Nul`], which no policy sets aside.
pub fn judge_raw(raw: &str) -> Result<(), ValueFault> {
    if all_bytes(raw, |byte| byte != 0) { Ok(()) } else { Err(ValueFault::Nul) }
}

/// Judges a value after C1. Private-use characters pass: whoever uses them has agreed on what they mean. Of the format
/// characters the two joiners pass where they join something; not in 0.1.
///
/// # Errors
///
/// The first [`ValueFault`] of the value.
pub fn judge(rules: RulesVersion, normalized: &str) -> Result<(), ValueFault> {
    if normalized.is_empty() {
        return Err(ValueFault::Empty);
    }
    let length = if normalized.len() > MAX_VALUE_BYTES { Err(ValueFault::TooLong) } else { Ok(()) };
    // Of several faults an unfit character is told; in 0.1 the length was.
    if all_bytes(normalized, |byte| matches!(byte, b' '..=b'~')) || (rules == RulesVersion::Zero && length.is_err()) {
        return length;
    }
    let categories = CodePointMapData::<GeneralCategory>::new();
    for (place, character) in normalized.char_indices() {
        if character == '\0' {
            return Err(ValueFault::Nul);
        }
        let category = categories.get(character);
        if category == GeneralCategory::Control {
            return Err(ValueFault::Control);
        }
        if category == GeneralCategory::Format {
            let (before, after) = (&normalized[..place], &normalized[place + character.len_utf8()..]);
            if rules == RulesVersion::Zero || !joiners::joins(before, character, after) {
                return Err(ValueFault::Format);
            }
        }
        if category == GeneralCategory::Unassigned {
            return Err(ValueFault::Unassigned);
        }
    }
    length
}

/// Whether a value is of visible ASCII without capital letters, and neither empty nor too long. Such a value is good,
/// and its own form under every normalisation that
/// [`keeps_plain`](crate::normalize::Normalization::keeps_plain).
#[must_use]
#[inline]
pub fn is_plain(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    let Some(last) = bytes.last_chunk() else {
        return !raw.is_empty() && bytes.iter().all(|&byte| is_plain_byte(byte));
    };
    raw.len() <= MAX_VALUE_BYTES && bytes.as_chunks().0.iter().copied().all(are_plain_bytes) && are_plain_bytes(*last)
}

fn is_plain_byte(byte: u8) -> bool {
    matches!(byte, b'!'..=b'@' | b'['..=b'~')
}

/// As [`is_plain_byte`], of all at once: what is added to a byte below 128 sets its highest bit from a bound on, and
/// never reaches the next byte.
#[inline]
fn are_plain_bytes(bytes: [u8; TOGETHER]) -> bool {
    const EACH: u64 = u64::from_le_bytes([1; TOGETHER]);
    let bytes = u64::from_le_bytes(bytes);
    let low = bytes & (EACH * 0x7f);
    let from = |bound: u8| low + EACH * u64::from(0x80 - bound);
    let strange = bytes | !from(b'!') | from(0x7f) | (from(b'A') & !from(b'['));
    strange & (EACH * 0x80) == 0
}

/// So many bytes are looked at together.
const TOGETHER: usize = 8;

/// Whether all bytes of a text are good; the last ones are looked at twice where they do not come out even.
#[inline]
pub fn all_bytes(text: &str, good: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let Some(last) = bytes.last_chunk::<TOGETHER>() else { return bytes.iter().all(|&byte| good(byte)) };
    let all_good = |together: &[u8; TOGETHER]| together.iter().fold(true, |all, &byte| all & good(byte));
    bytes.as_chunks().0.iter().all(all_good) && all_good(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(normalized: &str) -> Result<(), ValueFault> {
        super::judge(RulesVersion::One, normalized)
    }

    #[test]
    fn ordinary_values_pass() {
        for value in ["a", "ed hyde", "Ürsula", "名前", "e\u{301}", "\u{e000}", "\u{fffd}", "🙂", "~ !"] {
            assert_eq!(judge(value), Ok(()), "{value}");
        }
    }

    #[test]
    fn what_nobody_sees_is_refused() {
        for (value, fault) in [
            ("", ValueFault::Empty),
            ("a\0", ValueFault::Nul),
            ("a\n", ValueFault::Control),
            ("\u{7f}", ValueFault::Control),
            ("\u{85}", ValueFault::Control),
            ("a\u{200b}b", ValueFault::Format),
            ("a\u{202e}b", ValueFault::Format),
            ("\u{feff}a", ValueFault::Format),
            ("a\u{ad}b", ValueFault::Format),
            ("a\u{200d}b", ValueFault::Format),
            ("علی\u{200c}", ValueFault::Format),
            ("\u{e0041}", ValueFault::Format),
            ("\u{378}", ValueFault::Unassigned),
            ("\u{fffe}", ValueFault::Unassigned),
            ("\u{10ffff}", ValueFault::Unassigned),
        ] {
            assert_eq!(judge(value), Err(fault), "{value:?}");
        }
    }

    #[test]
    fn bytes_are_plain_together_as_they_are_alone() {
        for byte in 0..=u8::MAX {
            for place in 0..TOGETHER {
                for others in [b'!', b'@', b'[', b'~'] {
                    let mut bytes = [others; TOGETHER];
                    bytes[place] = byte;
                    assert_eq!(are_plain_bytes(bytes), is_plain_byte(byte), "{byte} at {place}");
                }
            }
        }
    }

    #[test]
    fn joiners_are_letters_of_some_scripts_but_not_in_0_1() {
        for name in ["علی\u{200c}رضا", "👨\u{200d}👩\u{200d}👧"] {
            assert_eq!(judge(name), Ok(()));
            assert_eq!(super::judge(RulesVersion::Zero, name), Err(ValueFault::Format));
        }
    }

    #[test]
    fn length_counts_bytes() {
        assert_eq!(judge(&"a".repeat(MAX_VALUE_BYTES)), Ok(()));
        assert_eq!(judge(&"a".repeat(MAX_VALUE_BYTES + 1)), Err(ValueFault::TooLong));
        assert_eq!(judge(&"é".repeat(MAX_VALUE_BYTES / 2)), Ok(()));
        assert_eq!(judge(&"é".repeat(MAX_VALUE_BYTES / 2 + 1)), Err(ValueFault::TooLong));
    }

    #[test]
    fn the_short_cut_passes_only_what_the_tables_pass() {
        for character in ' '..='~' {
            let category = CodePointMapData::<GeneralCategory>::new().get(character);
            assert!(category != GeneralCategory::Control && category != GeneralCategory::Unassigned);
        }
    }

    #[test]
    fn a_raw_value_hides_no_nul() {
        assert_eq!(judge_raw("\0"), Err(ValueFault::Nul));
        assert_eq!(judge_raw(""), Ok(()));
        assert_eq!(judge_raw(" "), Ok(()));
    }
}
