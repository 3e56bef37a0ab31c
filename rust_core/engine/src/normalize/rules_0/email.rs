//! `EMAIL` of 0.1: NFKC, case folded, NFKC, trimmed, the domain too. Dots and plus signs stay: whether they matter is known only
//! to the mail server behind the address, and a wrong guess joins two people.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;

use crate::normalize::{MAX_RAW_BYTES, ValueFault, text};

/// The form of an e-mail address that is compared.
pub fn normalize(raw: &str) -> Result<Cow<'_, str>, ValueFault> {
    // White space at the ends takes no part in any composition: trimming first changes nothing but the cost.
    let raw = text::trim(raw);
    if raw.len() > MAX_RAW_BYTES {
        return Err(ValueFault::TooLong);
    }
    if raw.is_ascii() {
        return Ok(text::ascii_lower(raw));
    }
    Ok(Cow::Owned(text::trim(&fold(raw)).to_owned()))
}

fn fold(raw: &str) -> String {
    let nfkc = ComposingNormalizer::new_nfkc();
    let composed = nfkc.normalize(raw);
    let folded = CaseMapper::new().fold_string(&composed);
    nfkc.normalize(&folded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_that_mean_the_same_become_equal() {
        for raw in ["Ed.Hyde+x@Example.COM", "  ed.hyde+x@example.com\u{2003}", "ｅｄ．ｈｙｄｅ+x＠example.com"]
        {
            assert_eq!(normalize(raw).as_deref(), Ok("ed.hyde+x@example.com"));
        }
        assert_eq!(normalize("STRASSE@x"), normalize("Straße@x"));
        assert_ne!(normalize("a.b@x"), normalize("ab@x"));
        assert_ne!(normalize("a+b@x"), normalize("a@x"));
    }

    #[test]
    fn an_endless_value_is_refused_before_it_grows() {
        assert_eq!(normalize(&"\u{fdfa}".repeat(1 << 20)), Err(ValueFault::TooLong));
        assert_eq!(normalize(&format!("{}a", " ".repeat(1 << 20))).as_deref(), Ok("a"));
    }

    #[test]
    fn no_character_shrinks_below_a_quarter_or_when_folded_a_third() {
        let nfkc = ComposingNormalizer::new_nfkc();
        let mapper = CaseMapper::new();
        for character in char::MIN..=char::MAX {
            let text = character.to_string();
            assert!(nfkc.normalize(&text).len() * 4 >= text.len(), "{character:?}");
            assert!(mapper.fold_string(&text).len() * 3 >= text.len(), "{character:?}");
        }
    }

    proptest! {
        #[test]
        fn the_short_cuts_say_what_the_letter_of_the_rule_says(raw in crate::normalize::tests::nasty_text()) {
            let folded = fold(&raw);
            prop_assert_eq!(normalize(&raw), Ok(Cow::Borrowed(text::trim(&folded))));
        }
    }
}
