//! `EMAIL` (rule C1): the local part NFKC, case folded, NFKC; the domain, what follows the last @, as UTS 46 `ToASCII`
//! makes it of the value as sent. Dots and plus signs stay: whether they matter is known only to the mail server behind
//! the address, and a wrong guess joins two people.
//!
//! A domain that does not convert is folded as the local part. Where that makes one that converts it is converted after
//! all: a form must be its own form. For the same reason an @ of full width, or a small one, is an @: it becomes one.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;
use icu_normalizer::uts46::Uts46MapperBorrowed;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::{MAX_RAW_BYTES, MAX_VALUE_BYTES, ValueFault, text};

/// What becomes an @ when it is composed.
const AT: [char; 3] = ['@', '\u{fe6b}', '\u{ff20}'];

/// The form of an e-mail address that is compared.
pub fn normalize(raw: &str) -> Result<Cow<'_, str>, ValueFault> {
    // White space at the ends takes no part in any composition: trimming first changes nothing but the cost.
    let raw = text::trim(raw);
    if raw.len() > MAX_RAW_BYTES {
        return Err(ValueFault::TooLong);
    }
    if raw.is_ascii() {
        // What ToASCII makes of ASCII is its lower case, or nothing, and then it is folded.
        return Ok(text::ascii_lower(raw));
    }
    Ok(Cow::Owned(text::trim(&at_length(raw)).to_owned()))
}

fn at_length(raw: &str) -> String {
    let Some((local, domain)) = raw.rsplit_once(AT) else { return fold(raw) };
    let mut form = fold(local);
    form.push('@');
    form.push_str(&domain_of(domain));
    form
}

fn domain_of(raw: &str) -> Cow<'_, str> {
    if let Some(converted) = to_ascii(raw) {
        return converted;
    }
    let folded = fold(raw);
    let converted = to_ascii(&folded).map(Cow::into_owned);
    Cow::Owned(converted.unwrap_or(folded))
}

/// UTS 46 `ToASCII`, non-transitional, hyphens and lengths unchecked as in addresses of the web.
fn to_ascii(domain: &str) -> Option<Cow<'_, str>> {
    // In ASCII each character takes a byte at least, so the form of a longer domain is too long. Converting takes time by
    // the square of its length.
    if domain.len() > MAX_VALUE_BYTES {
        let mapper = Uts46MapperBorrowed::new();
        if mapper.map_normalize(domain.chars()).nth(MAX_VALUE_BYTES).is_some() {
            return None;
        }
    }
    Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore).ok()
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
    fn a_domain_is_its_ascii_form() {
        for (raw, form) in [
            ("Jürgen@Müller.example", "jürgen@xn--mller-kva.example"),
            ("a@MÜLLER.example", "a@xn--mller-kva.example"),
            ("a@xn--mller-kva.example", "a@xn--mller-kva.example"),
            ("a@mu\u{308}ller.example", "a@xn--mller-kva.example"),
            // Folding first would make strasse.example of it, which is somebody else's.
            ("a@straße.example", "a@xn--strae-oqa.example"),
            ("a@b@straße.example", "a@b@xn--strae-oqa.example"),
            ("a＠straße.example", "a@xn--strae-oqa.example"),
            ("a@例え。テスト", "a@xn--r8jz45g.xn--zckzah"),
            ("straße", "strasse"),
        ] {
            assert_eq!(normalize(raw).as_deref(), Ok(form), "{raw}");
        }
    }

    #[test]
    fn a_domain_that_does_not_convert_is_folded() {
        for (raw, form) in [
            ("a@STRAßE\u{e000}", "a@strasse\u{e000}"),
            ("a@\u{301}É", "a@\u{301}é"),
            ("é@XN--A", "é@xn--a"),
            ("é@", "é@"),
        ] {
            assert_eq!(normalize(raw).as_deref(), Ok(form), "{raw}");
        }
    }

    #[test]
    fn only_three_characters_become_an_at() {
        let nfkc = ComposingNormalizer::new_nfkc();
        for character in char::MIN..=char::MAX {
            assert_eq!(fold(&character.to_string()).contains('@'), AT.contains(&character), "{character:?}");
            let behind = nfkc.normalize(&format!("@{character}")).starts_with('@');
            assert!(behind, "{character:?} is composed with an @");
        }
    }

    #[test]
    fn an_endless_value_is_refused_before_it_grows() {
        assert_eq!(normalize(&"\u{fdfa}".repeat(1 << 20)), Err(ValueFault::TooLong));
        assert_eq!(normalize(&format!("{}a", " ".repeat(1 << 20))).as_deref(), Ok("a"));
    }

    #[test]
    fn a_long_domain_is_too_long_before_it_is_converted() {
        let distinct: String = ('\u{4e00}'..).take(513).collect();
        let form = normalize(&format!("a@{distinct}")).expect("short enough to look at").into_owned();
        assert!(form.len() > MAX_VALUE_BYTES && !form.is_ascii());
        let unseen = format!("a@b{}ü.example", "\u{ad}".repeat(400));
        assert_eq!(normalize(&unseen).as_deref(), Ok("a@xn--b-eha.example"));
        let most: String = ('\u{4e00}'..).take(500).collect();
        assert!(normalize(&format!("a@{most}")).expect("short").is_ascii());
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
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn a_form_is_its_own_form(local in super::super::tests::nasty_text(), domain in super::super::tests::nasty_text()) {
            let raw = format!("{local}@{domain}.example");
            let form = normalize(&raw).expect("short");
            prop_assert_eq!(normalize(&form), Ok(Cow::Borrowed(&*form)));
        }

        #[test]
        fn the_short_cut_says_what_the_letter_of_the_rule_says(raw in "[ -~]{0,12}@?[ -~]{0,12}") {
            let long = at_length(text::trim(&raw));
            prop_assert_eq!(normalize(&raw), Ok(Cow::Borrowed(text::trim(&long))));
        }
    }
}
