//! M and F of an event as the rules' page words them, over sets: what the checks of M3 are held against.

use std::collections::{BTreeMap, BTreeSet};

use crate::answer::outcome::DemotionReason;
use crate::call::Call;
use crate::decider::asked::Usable;
use crate::ids::{Micros, Serial};
use crate::policy::{Limit, Policy};
use crate::rules::merge::final_profile::{Checks, Failed, Final};
use crate::rules::merge::{m2_match, values};
use crate::testing::naive::name;
use crate::testing::view::{Identifier, View};
use crate::testing::{World, borrowed, usable};

/// A demotion: which of the call's identifiers, and why.
pub(crate) type Demoted = (usize, DemotionReason);

/// What an event would lead to.
pub(crate) struct Union<'a> {
    pub policy: &'a Policy,
    pub view: &'a View,
    /// What is left of the event, with places in the call.
    pub event: Vec<(usize, Usable<'a>)>,
    /// M.
    pub matched: BTreeSet<Serial>,
    /// F, and since when each identifier is held.
    pub contents: BTreeMap<Identifier, Micros>,
    pub time: Micros,
}

impl<'a> Union<'a> {
    pub fn new((view, policy): (&'a View, &'a Policy), event: Vec<(usize, Usable<'a>)>, time: Micros) -> Self {
        let matched: BTreeSet<Serial> = event.iter().flat_map(|(_, one)| view.holders(&name(one))).collect();
        let mut contents: BTreeMap<Identifier, Micros> = event.iter().map(|(_, one)| (name(one), time)).collect();
        for serial in &matched {
            contents.extend(view.people[serial].identifiers.clone());
        }
        Self { policy, view, event, matched, contents, time }
    }

    /// The types of F, most trusted first, each with its limit.
    pub fn limited_types(&self) -> Vec<(String, Limit)> {
        let mut types: Vec<String> = self.contents.keys().map(|(type_name, _)| type_name.clone()).collect();
        types.sort_by(|a, b| self.policy.rank_of(a).cmp(&self.policy.rank_of(b)));
        types.dedup();
        let with_limit = |name: String| {
            let limit = self.policy.settings_of(&name).settings()?.limit?;
            Some((name, limit))
        };
        types.into_iter().filter_map(with_limit).collect()
    }

    /// F's values of a type that count (M5).
    pub fn counting(&self, type_name: &str, limit: &Limit) -> BTreeSet<Identifier> {
        let counts = |added: &Micros| {
            limit.window_us.is_none_or(|window| added.0 > self.time.0 - window && added.0 <= self.time.0)
        };
        let of_type = self.contents.iter().filter(|((name, _), added)| name == type_name && counts(added));
        of_type.map(|(identifier, _)| identifier.clone()).collect()
    }

    /// M5: no profile of M holds all of these by itself.
    pub fn grows(&self, identifiers: &BTreeSet<Identifier>) -> bool {
        !self.matched.iter().any(|&serial| identifiers.iter().all(|one| self.view.holds(serial, one)))
    }

    pub fn carries(&self, type_name: &str) -> bool {
        self.event.iter().any(|(_, one)| *one.type_name == *type_name)
    }

    /// Whether a profile of M holds an identifier of the event.
    pub fn is_held(&self, one: &Usable) -> bool {
        self.matched.iter().any(|&serial| self.view.holds(serial, &name(one)))
    }

    /// M4: the last by priority, within one rank the last listed, of those that qualify.
    pub fn lowest(&self, qualifies: impl Fn(&Usable) -> bool) -> Option<usize> {
        let mut lowest: Option<&(usize, Usable<'_>)> = None;
        for one in self.event.iter().filter(|(_, one)| qualifies(one)) {
            if lowest.is_none_or(|(_, before)| one.1.rank >= before.rank) {
                lowest = Some(one);
            }
        }
        lowest.map(|(index, _)| *index)
    }
}

/// The event of a call on a world.
pub(crate) fn union_of<'a>(world: &'a World, call: &'a Call<'a>) -> Union<'a> {
    let event = usable(&world.state.policy, call, &world.state);
    Union::new((&world.view, &world.state.policy), event, call.event_time.unwrap_or(world.next().0))
}

/// What one check of the engine says of a call.
pub(crate) fn judged(
    world: &World,
    call: &Call,
    check: fn(&Final<'_, '_>, &mut Checks) -> Option<Failed>,
) -> Option<Demoted> {
    let event = usable(&world.state.policy, call, &world.state);
    let candidates = m2_match::candidates(&world.state, borrowed(&event).into_iter());
    let matched = m2_match::matched(&candidates);
    let time = call.event_time.unwrap_or(world.next().0);
    let types = values::by_type(&world.state, &candidates, &matched, time);
    let profile = Final { state: &world.state, candidates: &candidates, matched: &matched, types };
    let mut checks = Checks::new();
    let failed = check(&profile, &mut checks);
    assert_eq!(failed.is_some(), checks.iter().any(|check| !check.passed), "a verdict is told with its figures");
    failed.map(|failed| (candidates[failed.candidate].index, failed.reason))
}
