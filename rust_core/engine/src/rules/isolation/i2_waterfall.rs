//! I2 Waterfall: walk the priority; skip types not in the call; H = the eligible profiles that pass the filter and hold
//! any of the call's values of the type; skip if empty; the first non-empty H is the candidate set; after that intersect
//! with H where the intersection is not empty, else leave it. A tie at the end goes to the call's previous profile if
//! it is among them, else to the newest.
//!
//! Anonymous candidates are never listed: a device may be held by a million of them. They stay a list of conditions,
//! and the newest that meets all is looked for from the newest holder down.
//!
//! Source: the seed, "Example Identity Priority", and the vendor's page on identity priority.

use crate::answer::explain::{Check, FOUND_MAX, Round, RuleId};
use crate::decider::asked::Usable;
use crate::ids::Serial;
use crate::keyed::digest::Digest;
use crate::rules::isolation::i1_guard::Guard;
use crate::state::State;
use crate::state::index::Holders;

/// Which profiles the waterfall looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// All.
    All,
    /// Those with a login identifier.
    Known,
    /// Those without.
    Anonymous,
}

/// A set of candidates.
#[derive(Clone, Debug)]
struct Candidates {
    /// Anonymous profiles that hold one digest of each condition; `None` for no anonymous profile.
    anonymous: Option<Vec<Vec<Digest>>>,
    known: Vec<Serial>,
}

/// A waterfall over one state.
pub(crate) struct Waterfall<'a> {
    pub state: &'a State,
    pub filter: Filter,
    /// Known profiles that pass the guard and the filter.
    known: Vec<Serial>,
}

impl<'a> Waterfall<'a> {
    pub fn new(state: &'a State, guard: &Guard, filter: Filter) -> Self {
        let known = if filter == Filter::Anonymous { Vec::new() } else { guard.eligible_known(state) };
        Self { state, filter, known }
    }

    /// Walks the priority down and breaks ties. `usable` are the call's identifiers with their places.
    pub fn run(
        &self,
        usable: &[(usize, &Usable<'_>)],
        previous: Option<Serial>,
        round: Option<&mut Round>,
    ) -> Option<Serial> {
        let by_type = by_priority(usable);
        let mut checks = Vec::new();
        let mut candidates: Option<Candidates> = None;
        for digests in by_type.iter().map(|values| values.iter().map(|(_, one)| one.digest).collect::<Vec<_>>()) {
            if round.is_some() {
                checks.push(self.trace_check(&digests));
            }
            let Some(holders) = self.holders(&digests) else { continue };
            candidates = Some(match candidates {
                None => holders,
                Some(before) => self.intersect(&before, &digests).unwrap_or(before),
            });
        }
        if let Some(round) = round {
            self.trace(&by_type, round);
            round.checks.extend(checks);
        }
        self.break_tie(&candidates?, previous)
    }

    /// H of one type, if anybody is in it.
    fn holders(&self, digests: &[Digest]) -> Option<Candidates> {
        let known = self.known.iter().copied().filter(|&serial| self.holds_any(serial, digests)).collect();
        let anonymous =
            (self.filter != Filter::Known && self.anonymous_count(digests) > 0).then(|| vec![digests.to_vec()]);
        some_if_any(Candidates { anonymous, known })
    }

    /// The candidates that are in H of another type too, if any.
    fn intersect(&self, before: &Candidates, digests: &[Digest]) -> Option<Candidates> {
        let known = before.known.iter().copied().filter(|&serial| self.holds_any(serial, digests)).collect();
        let anonymous = before.anonymous.as_ref().and_then(|conditions| {
            let mut conditions = conditions.clone();
            conditions.push(digests.to_vec());
            self.newest_anonymous(&conditions).map(|_| conditions)
        });
        some_if_any(Candidates { anonymous, known })
    }

    fn break_tie(&self, candidates: &Candidates, previous: Option<Serial>) -> Option<Serial> {
        let among = |serial: Serial| {
            candidates.known.contains(&serial)
                || candidates.anonymous.as_ref().is_some_and(|conditions| self.meets(serial, conditions))
        };
        if let Some(previous) = previous.filter(|&serial| among(serial)) {
            return Some(previous);
        }
        let anonymous = candidates.anonymous.as_ref().and_then(|conditions| self.newest_anonymous(conditions));
        anonymous.max(candidates.known.iter().copied().max())
    }

    fn newest_anonymous(&self, conditions: &[Vec<Digest>]) -> Option<Serial> {
        // Walk the condition with the fewest holders; ask the others of each.
        let rarest = conditions.iter().min_by_key(|digests| self.anonymous_count(digests))?;
        let newest_of = |&digest: &Digest| {
            let mut holders = self.anonymous_newest_first(digest);
            holders.find(|&serial| conditions.iter().all(|digests| self.holds_any(serial, digests)))
        };
        rarest.iter().filter_map(newest_of).max()
    }

    fn meets(&self, serial: Serial, conditions: &[Vec<Digest>]) -> bool {
        !self.state.is_known(serial) && conditions.iter().all(|digests| self.holds_any(serial, digests))
    }

    fn holds_any(&self, serial: Serial, digests: &[Digest]) -> bool {
        digests.iter().any(|&digest| self.state.index.holds(digest, serial))
    }

    fn anonymous_count(&self, digests: &[Digest]) -> usize {
        let count = |&digest| self.state.index.count(digest, Holders::Anonymous, |serial| self.state.is_known(serial));
        digests.iter().map(count).sum()
    }

    fn anonymous_newest_first(&self, digest: Digest) -> impl Iterator<Item = Serial> {
        self.state.index.newest_first(digest, Holders::Anonymous, |serial| self.state.is_known(serial))
    }

    /// How many hold a value of a type. The waterfall has no limit that a call could fail: a type that nobody holds is
    /// skipped.
    fn trace_check(&self, digests: &[Digest]) -> Check {
        let known = self.known.iter().filter(|&&serial| self.holds_any(serial, digests)).count();
        let anonymous = if self.filter == Filter::Known { 0 } else { self.anonymous_count(digests) };
        Check { rule: RuleId::I2, figure: (known + anonymous) as u64, limit: 0, passed: true }
    }

    fn trace(&self, by_type: &[Vec<(usize, &Usable<'_>)>], round: &mut Round) {
        for &(index, usable) in by_type.iter().flatten() {
            round.looked_for.push(index);
            for &serial in self.known.iter().filter(|&&serial| self.state.index.holds(usable.digest, serial)) {
                round.note_found(self.state.id_of(serial), index);
            }
            if self.filter != Filter::Known {
                let told = self.anonymous_newest_first(usable.digest).take(FOUND_MAX);
                let told: Vec<Serial> = told.collect();
                for &serial in &told {
                    round.note_found(self.state.id_of(serial), index);
                }
                round.found_count += (self.anonymous_count(&[usable.digest]) - told.len()) as u64;
            }
        }
    }
}

fn some_if_any(candidates: Candidates) -> Option<Candidates> {
    (candidates.anonymous.is_some() || !candidates.known.is_empty()).then_some(candidates)
}

/// The call's identifiers by type, most trusted type first, within a type in the call's order.
fn by_priority<'u>(usable: &[(usize, &'u Usable<'u>)]) -> Vec<Vec<(usize, &'u Usable<'u>)>> {
    let mut sorted = usable.to_vec();
    sorted.sort_by(|a, b| a.1.rank.cmp(&b.1.rank));
    let mut by_type: Vec<Vec<(usize, &Usable<'_>)>> = Vec::new();
    for one in sorted {
        match by_type.last_mut() {
            Some(values) if values[0].1.rank == one.1.rank => values.push(one),
            _ => by_type.push(vec![one]),
        }
    }
    by_type
}

#[cfg(test)]
mod tests;
