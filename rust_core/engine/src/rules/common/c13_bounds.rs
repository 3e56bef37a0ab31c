//! C13 Bounds of a profile: at most 1,000 traits, those removed included, and 1 MiB of them. As M5: a call is refused
//! only if its own winning traits grow a profile of M beyond a bound; a merge by itself, and a call that changes no
//! trait, never. Where M is empty, the profile that is made is judged.
//!
//! Traits take what they would take as one encoded Struct, as in C2; a removed one is null there.
//!
//! Source: rules.md C13 (no profile may become unreadable).

use smallvec::SmallVec;

use crate::call::RawTrait;
use crate::fault::{Fault, Reason};
use crate::ids::{Micros, Serial};
use crate::keyed::digest::Digest;
use crate::state::State;
use crate::state::traits::{TraitFigures, TraitMark, trait_bytes};

/// The most traits of a profile that calls lead to, removed ones included.
pub const MAX_TRAITS: u64 = 1_000;
/// The most bytes of a profile's traits that calls lead to.
pub const MAX_TRAIT_BYTES: u64 = 1 << 20;

/// A trait that a call writes.
pub(crate) struct Writing<'c> {
    /// Stands for its name.
    pub name: Digest,
    /// Name and value.
    pub sent: &'c RawTrait,
}

impl Writing<'_> {
    fn bytes(&self) -> u64 {
        u64::from(trait_bytes(&self.sent.name, self.sent.value.as_deref()))
    }
}

/// A profile as it was before the call: itself and all that had been joined into it.
type Members = SmallVec<[Serial; 1]>;

/// Refuses a call whose traits grow a profile too far.
///
/// `survivor` is the profile that the call resolved to, `joined` are those that the call joined into it, `time` is the
/// call's.
pub(crate) fn check(
    state: &State,
    (survivor, joined): (Serial, &[Serial]),
    (time, traits): (Micros, &[Writing<'_>]),
) -> Result<(), Fault> {
    let all = state.profiles.members(survivor);
    let sent = TraitFigures { count: traits.len() as u64, bytes: traits.iter().map(Writing::bytes).sum() };
    // Nearly always: though every trait were a new one, nobody would have too many.
    if !exceeds(sum(state, &all).plus(sent)) {
        return Ok(());
    }
    let wins = |one: &&Writing<'_>| {
        all.iter().all(|&member| state.traits.get(member, one.name).is_none_or(|mark| mark.time <= time))
    };
    let winning: Vec<&Writing<'_>> = traits.iter().filter(wins).collect();
    for members in matched(state, survivor, joined, &all) {
        if grows_too_far(state, &members, &winning) {
            return Err(exceeded());
        }
    }
    Ok(())
}

fn exceeds(figures: TraitFigures) -> bool {
    figures.count > MAX_TRAITS || figures.bytes > MAX_TRAIT_BYTES
}

/// The figures of some members as if no name were in two of them: never less than they are.
fn sum(state: &State, members: &[Serial]) -> TraitFigures {
    members.iter().fold(TraitFigures::default(), |sum, &member| sum.plus(state.traits.figures(member)))
}

/// The profiles of M, each with its members, from before the call joined them.
fn matched(state: &State, survivor: Serial, joined: &[Serial], all: &[Serial]) -> Vec<Members> {
    let mut matched: Vec<Members> = joined.iter().map(|&loser| state.profiles.members(loser)).collect();
    let came = |member: &Serial| matched.iter().any(|members| members.contains(member));
    let own: Members = all.iter().copied().filter(|member| *member == survivor || !came(member)).collect();
    matched.push(own);
    matched
}

fn grows_too_far(state: &State, members: &[Serial], winning: &[&Writing<'_>]) -> bool {
    let is_new = |name: Digest| members.iter().all(|&member| state.traits.get(member, name).is_none());
    let new = winning.iter().filter(|one| is_new(one.name)).count() as u64;
    let more = TraitFigures { count: new, bytes: winning.iter().map(|one| one.bytes()).sum() };
    let most = sum(state, members).plus(more);
    if (new == 0 || most.count <= MAX_TRAITS) && most.bytes <= MAX_TRAIT_BYTES {
        return false;
    }
    // All together have no fewer names than any one: who has merged many full profiles is not counted for that.
    let least = members.iter().map(|&member| state.traits.figures(member).count).max().unwrap_or(0);
    if new > 0 && least + new > MAX_TRAITS {
        return true;
    }
    let marks = latest(state, members);
    let held = |name: Digest| marks.binary_search_by_key(&name, |mark| mark.name).ok().map(|at| marks[at]);
    let replaced: u64 = winning.iter().filter_map(|one| held(one.name)).map(|mark| u64::from(mark.bytes)).sum();
    let bytes: u64 = marks.iter().map(|mark| u64::from(mark.bytes)).sum();
    let count_after = marks.len() as u64 + new;
    let bytes_after = bytes - replaced + more.bytes;
    (new > 0 && count_after > MAX_TRAITS) || (bytes_after > bytes && bytes_after > MAX_TRAIT_BYTES)
}

/// The mark of each trait that counts, over all members, ordered by name.
fn latest<'s>(state: &'s State, members: &[Serial]) -> Vec<&'s TraitMark> {
    let mut marks: Vec<&TraitMark> = members.iter().flat_map(|&member| state.traits.of(member)).collect();
    marks.sort_unstable_by(|one, other| one.name.cmp(&other.name).then(other.order().cmp(&one.order())));
    marks.dedup_by_key(|mark| mark.name);
    marks
}

fn exceeded() -> Fault {
    let description = "would take the profile beyond 1,000 traits, those removed included, or beyond 1 MiB of them: \
                       send fewer or smaller ones, or set names that it has";
    let mut fault = Fault::field("traits", description);
    fault.reason = Reason::LimitExceeded;
    fault
}

#[cfg(test)]
mod tests;
