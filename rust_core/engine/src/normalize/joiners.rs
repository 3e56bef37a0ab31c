//! Where the two joiners stand between letters or signs that they join (rule C2): in scripts of which they are a part,
//! as RFC 5892 says («CONTEXTJ»), and in the sequences of emoji of the Unicode data. Elsewhere nobody sees them.

use std::sync::LazyLock;

use hashbrown::HashSet;

use icu_properties::props::{CanonicalCombiningClass, ExtendedPictographic, JoiningType};
use icu_properties::{CodePointMapData, CodePointSetData};

/// ZERO WIDTH NON-JOINER.
pub const NON_JOINER: char = '\u{200c}';
/// ZERO WIDTH JOINER.
pub const JOINER: char = '\u{200d}';
/// VARIATION SELECTOR-16: what is before it is shown as an emoji.
const AS_EMOJI: char = '\u{fe0f}';

/// Whether a joiner between these texts joins something.
pub fn joins(before: &str, joiner: char, after: &str) -> bool {
    match joiner {
        NON_JOINER => ends_in_virama(before) || is_between_joining_letters(before, after),
        JOINER => ends_in_virama(before) || is_in_emoji(before, after),
        _ => false,
    }
}

fn ends_in_virama(before: &str) -> bool {
    let classes = CodePointMapData::<CanonicalCombiningClass>::new();
    before.chars().next_back().is_some_and(|last| classes.get(last) == CanonicalCombiningClass::Virama)
}

/// RFC 5892, A.1: `(Joining_Type:{L,D})(Joining_Type:T)* ZWNJ (Joining_Type:T)*(Joining_Type:{R,D})`.
fn is_between_joining_letters(before: &str, after: &str) -> bool {
    let types = CodePointMapData::<JoiningType>::new();
    let seen = |character: &char| types.get(*character) != JoiningType::Transparent;
    let type_of = |found: Option<char>| found.map(|character| types.get(character));
    let left = type_of(before.chars().rev().find(seen));
    let right = type_of(after.chars().find(seen));
    matches!(left, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(right, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

/// The sequences with joiners, without [`AS_EMOJI`].
static JOINED: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("joined_emoji.txt").lines();
    lines.filter(|line| !line.starts_with("# ")).collect()
});
/// The longest of them, in characters.
const JOINED_MAX: usize = 9;

/// Whether the joiner is one of a sequence's.
fn is_in_emoji(before: &str, after: &str) -> bool {
    let pictures = CodePointSetData::new::<ExtendedPictographic>();
    if !after.chars().next().is_some_and(|one| pictures.contains(one)) {
        return false;
    }
    let is_seen = |one: &char| *one != AS_EMOJI;
    let mut left: Vec<char> = before.chars().rev().filter(is_seen).take(JOINED_MAX).collect();
    left.reverse();
    let right: Vec<char> = after.chars().filter(is_seen).take(JOINED_MAX).collect();
    (0..left.len()).any(|first| {
        let mut sequence: String = left[first..].iter().chain([&JOINER]).collect();
        right.iter().any(|&one| {
            sequence.push(one);
            JOINED.contains(&*sequence)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether all joiners of a text join something.
    fn is_good(text: &str) -> bool {
        text.char_indices()
            .filter(|(_, one)| [NON_JOINER, JOINER].contains(one))
            .all(|(place, one)| joins(&text[..place], one, &text[place + one.len_utf8()..]))
    }

    #[test]
    fn letters_and_emoji_are_joined() {
        for text in [
            "علی\u{200c}رضا",
            "می\u{64e}\u{200c}خواهم",
            "ന്\u{200d}",
            "क्\u{200d}ष",
            "क्\u{200c}ष",
            "👨\u{200d}👩\u{200d}👧",
            "🏳\u{fe0f}\u{200d}🌈",
            "🧑🏽\u{200d}🦰",
            "❤\u{fe0f}\u{200d}🔥",
            "🏃🏻\u{200d}♀\u{fe0f}\u{200d}➡\u{fe0f}",
        ] {
            assert!(is_good(text), "{text:?}");
        }
    }

    #[test]
    fn every_sequence_of_the_data_is_good() {
        assert!(JOINED.len() > 1_000);
        let longest = JOINED.iter().map(|sequence| sequence.chars().count()).max();
        assert_eq!(longest, Some(JOINED_MAX));
        for sequence in JOINED.iter() {
            assert!(is_good(sequence), "{sequence}");
            let shown: String = sequence.chars().flat_map(|one| [one, AS_EMOJI]).collect();
            assert!(is_good(&shown.replace("\u{200d}\u{fe0f}", "\u{200d}")), "{sequence}");
        }
    }

    #[test]
    fn elsewhere_they_join_nothing() {
        for text in [
            "a\u{200d}b",
            "a\u{200c}b",
            "\u{200c}",
            "\u{200d}علی",
            "علی\u{200c}",
            "علی\u{200d}رضا",
            "رضا\u{200c}ع",
            "ا\u{200c}ب",
            "🙂\u{200d}",
            "🙂\u{200d}a",
            "🙂\u{200d}\u{200d}🙂",
            "1\u{fe0f}\u{200d}🙂",
            // Each is an emoji, and no sequence joins the two.
            "🙂\u{200d}🙂",
        ] {
            assert!(!is_good(text), "{text:?}");
        }
    }
}
