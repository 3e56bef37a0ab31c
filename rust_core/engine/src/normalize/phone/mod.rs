//! `PHONE` (rule C1): E.164, read with the tables of Google's libphonenumber out of digits and the separators that
//! people write.
//!
//! What counts as a phone number, decided here once ([`spelling`] says how it may be written):
//!
//! - It must be *possible* (its length fits its country), not *valid* (its digits lie in a range that is handed out
//!   today): ranges change with every release of the tables, and a number that a profile holds must not become
//!   unreadable. A length that can be dialled only within a town is refused, also where the tables would put the area
//!   code before it: E.164 has no such numbers, and nobody sent that code.
//! - A number with an extension is refused: E.164 cannot say it, and without it a whole office would be one person.
//! - Its E.164 form must read back as itself. The few digit strings that lose one more prefix with every reading have
//!   no one form, and are refused.

mod old_forms;
mod spelling;

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumberFormat};

use super::{Region, ValueFault};

/// The E.164 form of a phone number; without a leading + the number is read as one of `region`.
pub fn normalize(region: Option<Region>, raw: &str) -> Result<String, ValueFault> {
    let form = spelling::written(raw).and_then(|written| e164(region, &written)).ok_or(ValueFault::Phone)?;
    if form != raw && e164(None, &form).as_deref() != Some(&*form) {
        return Err(ValueFault::Phone);
    }
    Ok(form)
}

/// The form of a number that is written with digits alone, behind a + or not.
fn e164(region: Option<Region>, written: &str) -> Option<String> {
    let (form, length) = read(region, written)?;
    match old_forms::renewed(&form) {
        // The length of an old form is another country's business: that of the new one is judged.
        Some(new) => read(None, &new)
            .filter(|(form, length)| *form == new && *length == NumberLengthType::IsPossible)
            .map(|_| new),
        None => (length == NumberLengthType::IsPossible).then_some(form),
    }
}

fn read(region: Option<Region>, written: &str) -> Option<(String, NumberLengthType)> {
    let number = PHONE_NUMBER_UTIL.parse(written, region.map(Region::of_library)).ok()?;
    let form = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned();
    let code = number.country_code.to_string();
    let national = form.strip_prefix('+')?.strip_prefix(&*code)?;
    if !old_forms::says_what_was_sent(national, &code, written) {
        return None;
    }
    // What is too long may be an old form, which is judged when it is renewed.
    let length = PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number);
    Some((form, length.unwrap_or(NumberLengthType::IsPossibleLocalOnly)))
}

#[cfg(test)]
mod tests;
