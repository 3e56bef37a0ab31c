//! How many values of each limited type the final profile F would hold (M3, M5). Counts are kept by profile, so the
//! cost does not depend on how many identifiers a profile holds; only a rolling window looks at the values' times.

use smallvec::SmallVec;

use crate::ids::{Micros, Serial, TypeId};
use crate::policy::{Limit, Policy, Rank, TypeSettings};
use crate::rules::merge::m2_match::Candidate;
use crate::state::State;

/// The values of one limited type in F.
pub(crate) struct TypeValues<'a> {
    /// The type's name.
    pub type_name: &'a str,
    /// Its limit.
    pub limit: &'a Limit,
    /// Its rank.
    pub rank: Rank<'a>,
    /// Counting values held by the profiles of M together.
    pub held: u64,
    /// Counting values held by the profile of M that has the most.
    pub held_most: u64,
    /// Values on the event that nobody holds yet.
    pub fresh: u64,
    /// Whether what is left of the event carries the type.
    pub carried: bool,
}

impl TypeValues<'_> {
    /// The counting values in F.
    pub fn total(&self) -> u64 {
        self.held + self.fresh
    }
}

/// Seldom more than a few types.
pub(crate) type Types<'a> = SmallVec<[TypeValues<'a>; 4]>;

/// The settings of a type that the policy takes as an identifier.
pub(crate) fn settings<'p>(policy: &'p Policy, type_name: &str) -> Option<&'p TypeSettings> {
    policy.settings_of(type_name).settings()
}

/// F's values of every limited type, most trusted type first.
pub(crate) fn by_type<'a>(
    state: &'a State,
    candidates: &[Candidate<'a>],
    matched: &[Serial],
    time: Micros,
) -> Types<'a> {
    let mut types = Types::new();
    for candidate in candidates {
        let usable = candidate.usable;
        let of_type = || usable.settings.limit.as_ref().map(|limit| (limit, usable.rank));
        if let Some(values) = find(&mut types, usable.type_name, of_type) {
            values.carried = true;
            values.fresh += u64::from(candidate.owner.is_none());
        }
    }
    for &serial in matched {
        for &(type_id, count) in &state.profiles.row(serial).counts {
            let name: &str = state.types.name(type_id);
            let of_type = || {
                let limit = settings(&state.policy, name)?.limit.as_ref()?;
                Some((limit, state.policy.rank_of(name)))
            };
            if let Some(values) = find(&mut types, name, of_type) {
                let counting = counting(state, serial, (type_id, count), values.limit, time);
                values.held += counting;
                values.held_most = values.held_most.max(counting);
            }
        }
    }
    types.sort_by(|a, b| a.rank.cmp(&b.rank));
    types
}

/// The values of a type; `of_type` tells limit and rank of one that was not met yet, if it has a limit.
fn find<'t, 'a>(
    types: &'t mut Types<'a>,
    name: &'a str,
    of_type: impl FnOnce() -> Option<(&'a Limit, Rank<'a>)>,
) -> Option<&'t mut TypeValues<'a>> {
    if let Some(place) = types.iter().position(|values| values.type_name == name) {
        return types.get_mut(place);
    }
    let (limit, rank) = of_type()?;
    types.push(TypeValues { type_name: name, limit, rank, held: 0, held_most: 0, fresh: 0, carried: false });
    types.last_mut()
}

/// M5: EVER counts every held value; another window those added within (t − window, t].
fn counting(state: &State, serial: Serial, (type_id, count): (TypeId, u32), limit: &Limit, time: Micros) -> u64 {
    let Some(window_us) = limit.window_us else { return u64::from(count) };
    let counts = |added: Micros| added.0 > time.0 - window_us && added <= time;
    let entries = state.entries(serial).filter(|entry| entry.type_id == type_id && counts(entry.add_time));
    entries.count() as u64
}
