//! `LOWER` of 0.1: lower case, nothing composed and nothing trimmed.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_locale_core::LanguageIdentifier;

use crate::normalize::text::ascii_lower;

/// Unicode's default lower case: full mappings, no language's own rules, a final sigma where a word ends in one.
pub fn lower(raw: &str) -> Cow<'_, str> {
    if raw.is_ascii() {
        return ascii_lower(raw);
    }
    CaseMapper::new().lowercase_to_string(raw, &LanguageIdentifier::UNKNOWN)
}
