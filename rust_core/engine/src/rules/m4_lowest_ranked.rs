//! M4 Lowest-ranked = last by priority; within one rank the one listed last on the event.
//!
//! Source: the seed, "the order of trust priority from highest to lowest is `user_id`, followed by email and then
//! followed by all other identifiers".

use crate::rules::m2_match::Candidate;

/// The place of the lowest-ranked of all candidates.
pub(crate) fn of_all(candidates: &[Candidate<'_>]) -> Option<usize> {
    of(candidates, |_| true)
}

/// The place of the lowest-ranked of the candidates that qualify.
pub(crate) fn of(candidates: &[Candidate<'_>], qualifies: impl Fn(&Candidate<'_>) -> bool) -> Option<usize> {
    let places = (0..candidates.len()).filter(|&place| qualifies(&candidates[place]));
    places.max_by(|&a, &b| {
        let (a, b) = (&candidates[a], &candidates[b]);
        (&a.usable.rank, a.index).cmp(&(&b.usable.rank, b.index))
    })
}
