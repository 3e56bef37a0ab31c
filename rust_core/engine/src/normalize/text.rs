//! `TRIM` and `LOWER` (rule C1), and the tables that other forms share.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_locale_core::LanguageIdentifier;
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

/// Unicode's default lower case: full mappings, no language's own rules, a final sigma where a word ends in one.
pub fn lower(raw: &str) -> Cow<'_, str> {
    if raw.is_ascii() {
        return ascii_lower(raw);
    }
    CaseMapper::new().lowercase_to_string(raw, &LanguageIdentifier::UNKNOWN)
}

/// The lower case of ASCII, which nearly every value is in already.
pub fn ascii_lower(raw: &str) -> Cow<'_, str> {
    if all_bytes(raw, |byte| !byte.is_ascii_uppercase()) {
        Cow::Borrowed(raw)
    } else {
        Cow::Owned(raw.to_ascii_lowercase())
    }
}
