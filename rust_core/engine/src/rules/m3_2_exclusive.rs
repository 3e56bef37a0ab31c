//! M3.2 Exclusive types (limit 1, EVER, ALWAYS, `DEMOTE_LOWEST`; the seed's `user_id)`: F would hold more than one value,
//! even if the event carries none → demote the lowest-ranked identifier of the event.
//!
//! Source: the seed, "`user_id` is unique on these merged profiles. When there exists more than one `user_id`, we demote
//! the lowest priority identifier from the event, and look again".

use crate::explain::{Check, RuleId};
use crate::plan::DemotionReason;
use crate::rules::m3_check::{Failed, Final, note};
use crate::rules::{m4_lowest_ranked, m5_growth};

/// Checks the types of which a profile holds one value at most.
pub(crate) fn check(profile: &Final<'_, '_>, checks: &mut Vec<Check>) -> Option<Failed> {
    for values in profile.types.iter().filter(|values| values.limit.is_exclusive()) {
        let passed = values.total() <= 1 || !m5_growth::grows(values);
        if !note(checks, RuleId::M3Exclusive, (values.total(), 1), passed) {
            let candidate = m4_lowest_ranked::of_all(profile.candidates)?;
            return Some(Failed { candidate, reason: DemotionReason::ValueLimit });
        }
    }
    None
}
