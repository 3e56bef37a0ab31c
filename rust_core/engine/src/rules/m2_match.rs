//! M2 Match: M = the live profiles that own any identifier of the event; F = the final profile, the union of M's
//! identifiers and the event's.

use crate::explain::Round;
use crate::ids::Serial;
use crate::rules::m1_one_owner;
use crate::rules::prepare::Usable;
use crate::state::State;

/// One identifier of the event with its owner, looked up once a call.
pub(crate) struct Candidate<'a> {
    /// Its place among the call's identifiers.
    pub index: usize,
    /// What it is.
    pub usable: &'a Usable,
    /// Who owns it.
    pub owner: Option<Serial>,
}

/// The event's usable identifiers with their owners.
pub(crate) fn candidates<'a>(state: &State, usable: impl Iterator<Item = (usize, &'a Usable)>) -> Vec<Candidate<'a>> {
    let with_owner = |(index, usable): (usize, &'a Usable)| Candidate {
        index,
        usable,
        owner: m1_one_owner::owner(state, usable.digest),
    };
    usable.map(with_owner).collect()
}

/// M: the owners, oldest first, each once.
pub(crate) fn matched(candidates: &[Candidate<'_>]) -> Vec<Serial> {
    let mut matched: Vec<Serial> = candidates.iter().filter_map(|candidate| candidate.owner).collect();
    matched.sort_unstable();
    matched.dedup();
    matched
}

/// The trace of a round of matching: most trusted identifiers first.
pub(crate) fn trace(state: &State, candidates: &[Candidate<'_>]) -> Round {
    let mut by_trust: Vec<&Candidate<'_>> = candidates.iter().collect();
    by_trust.sort_by(|a, b| (&a.usable.rank, a.index).cmp(&(&b.usable.rank, b.index)));
    let mut round = Round::default();
    for candidate in by_trust {
        round.looked_for.push(candidate.index);
        if let Some(owner) = candidate.owner {
            round.note_found(state.id_of(owner), candidate.index);
        }
    }
    round
}
