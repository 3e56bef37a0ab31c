//! M3.4 Identifiers in all: F would hold more than `max_identifiers` (0 = no limit) → demote the lowest-ranked
//! identifier of the event that no profile of M holds, or where there is none, the lowest-ranked of all.
//!
//! Source: the later documents ("unify"); the seed knows no such limit.

use crate::explain::{Check, RuleId};
use crate::plan::DemotionReason;
use crate::policy::Strategy;
use crate::rules::m3_check::{Failed, Final, note};
use crate::rules::m4_lowest_ranked;

/// Checks the identifiers in all.
pub(crate) fn check(profile: &Final<'_, '_>, checks: &mut Vec<Check>) -> Option<Failed> {
    let Strategy::Merge { max_identifiers, .. } = profile.state.policy.strategy() else { return None };
    if max_identifiers == 0 {
        return None;
    }
    let held = |serial: &_| u64::from(profile.state.profiles.row(*serial).identifiers);
    let most = profile.matched.iter().map(held).max().unwrap_or(0);
    let fresh = profile.candidates.iter().filter(|candidate| candidate.owner.is_none()).count() as u64;
    let total = profile.matched.iter().map(held).sum::<u64>() + fresh;
    let limit = u64::from(max_identifiers);
    // M5: passes if one profile of M holds all of F already.
    if note(checks, RuleId::M3Identifiers, (total, limit), total <= limit || most == total) {
        return None;
    }
    let candidate = m4_lowest_ranked::of(profile.candidates, |candidate| candidate.owner.is_none());
    let candidate = candidate.or_else(|| m4_lowest_ranked::of_all(profile.candidates))?;
    Some(Failed { candidate, reason: DemotionReason::IdentifierLimit })
}
