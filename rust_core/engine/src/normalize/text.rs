//! `TRIM` and `LOWER` (rule C1), and what other forms share.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;
use icu_properties::CodePointSetData;
use icu_properties::props::WhiteSpace;

use super::judge::all_bytes;

/// Without characters of the property `White_Space` at both ends.
pub fn trim(raw: &str) -> &str {
    let white_space = CodePointSetData::new::<WhiteSpace>();
    raw.trim_matches(|character| {
        // Nearly every value ends in a letter or a digit: no table is asked then.
        let ascii_graphic = matches!(character, '!'..='~');
        !ascii_graphic && white_space.contains(character)
    })
}

/// `TRIM`: NFC, without white space at both ends.
pub fn trimmed(raw: &str) -> Cow<'_, str> {
    // White space at the ends takes no part in any composition: trimming first changes nothing but the cost.
    let raw = trim(raw);
    if raw.is_ascii() {
        return Cow::Borrowed(raw);
    }
    trim_cow(ComposingNormalizer::new_nfc().normalize(raw))
}

/// `LOWER`: NFC, full case folding, NFC, without white space at both ends. Folding, not lower case: ẞ is ss, and a sigma
/// is one letter wherever it stands.
pub fn lower(raw: &str) -> Cow<'_, str> {
    let raw = trim(raw);
    if raw.is_ascii() {
        return ascii_lower(raw);
    }
    let nfc = ComposingNormalizer::new_nfc();
    let composed = nfc.normalize(raw);
    let folded = CaseMapper::new().fold_string(&composed);
    Cow::Owned(trim(&nfc.normalize(&folded)).to_owned())
}

fn trim_cow(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(trim(text)),
        Cow::Owned(text) => Cow::Owned(trim(&text).to_owned()),
    }
}

/// The lower case of ASCII, which nearly every value is in already.
pub fn ascii_lower(raw: &str) -> Cow<'_, str> {
    if all_bytes(raw, |byte| !byte.is_ascii_uppercase()) {
        Cow::Borrowed(raw)
    } else {
        Cow::Owned(raw.to_ascii_lowercase())
    }
}
