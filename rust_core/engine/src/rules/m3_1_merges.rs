//! M3.1 Merges: |M| > 1 and the merges of all profiles in M, plus |M| − 1, exceed `max_merges` → demote the
//! lowest-ranked identifier of the event.
//!
//! Source: the seed, "the profiles matching the identifiers won't have more than 100 merges in total".

use crate::explain::{Check, RuleId};
use crate::plan::DemotionReason;
use crate::policy::Strategy;
use crate::rules::m3_check::{Failed, Final, note};
use crate::rules::m4_lowest_ranked;

/// Checks the merges in total.
pub(crate) fn check(profile: &Final<'_, '_>, checks: &mut Vec<Check>) -> Option<Failed> {
    let Strategy::Merge { max_merges, .. } = profile.state.policy.strategy() else { return None };
    if profile.matched.len() < 2 {
        return None;
    }
    let before = profile.matched.iter().map(|&serial| u64::from(profile.state.profiles.row(serial).merges));
    let total = before.sum::<u64>() + profile.matched.len() as u64 - 1;
    let limit = u64::from(max_merges);
    if note(checks, RuleId::M3Merges, (total, limit), total <= limit) {
        return None;
    }
    let candidate = m4_lowest_ranked::of_all(profile.candidates)?;
    Some(Failed { candidate, reason: DemotionReason::MergeLimit })
}
