//! M3.3 Values per identifier: F would hold more values of a type (in scope) than its limit allows within the window.
//! The lowest-ranked offending type decides, by its own `on_exceeded`. `DEMOTE_OFFENDING`: the value of that type on the
//! event that no profile of M holds yet (of several the last listed), or where all are held the last listed of that
//! type, or where the event carries none of it the lowest-ranked identifier. `DEMOTE_LOWEST`: the lowest-ranked
//! identifier of the event. `WHEN_PRESENT` looks at the event as reduced by earlier rounds.
//!
//! Source: the seed, "no more than 5 values per identifier on the event in the final profile … we'll demote that
//! inputted externalId and try to find matching profiles with the remaining identifiers".

use crate::answer::explain::RuleId;
use crate::answer::outcome::DemotionReason;
use crate::policy::{LimitScope, OnExceeded};
use crate::rules::merge::final_profile::{Checks, Failed, Final, note};
use crate::rules::merge::values::TypeValues;
use crate::rules::merge::{m4_lowest_ranked, m5_growth};

/// Checks the values of every limited type that is not exclusive.
pub(crate) fn check(profile: &Final<'_, '_>, checks: &mut Checks) -> Option<Failed> {
    let mut offending = None;
    for values in profile.types.iter().filter(|values| !values.limit.is_exclusive() && in_scope(values)) {
        let limit = u64::from(values.limit.max_values);
        let passed = values.total() <= limit || !m5_growth::grows(values);
        if !note(checks, RuleId::M3Values, (values.total(), limit), passed) {
            // Types come most trusted first, so the last one that offends is the lowest-ranked.
            offending = Some(values);
        }
    }
    let values = offending?;
    let candidate = match values.limit.on_exceeded {
        OnExceeded::DemoteOffending => offending_value(profile, values),
        OnExceeded::DemoteLowest => None,
    };
    let candidate = candidate.or_else(|| m4_lowest_ranked::of_all(profile.candidates))?;
    Some(Failed { candidate, reason: DemotionReason::ValueLimit })
}

pub(crate) fn in_scope(values: &TypeValues<'_>) -> bool {
    match values.limit.scope {
        LimitScope::Always => true,
        LimitScope::WhenPresent => values.carried,
    }
}

fn offending_value(profile: &Final<'_, '_>, values: &TypeValues<'_>) -> Option<usize> {
    let of_type = |place: &usize| *profile.candidates[*place].usable.type_name == *values.type_name;
    let places = 0..profile.candidates.len();
    let fresh = places.clone().filter(of_type).rfind(|&place| profile.candidates[place].owner.is_none());
    fresh.or_else(|| places.clone().rfind(of_type))
}

#[cfg(test)]
pub(crate) mod tests;
