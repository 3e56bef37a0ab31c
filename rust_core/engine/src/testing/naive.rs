//! The isolation family's look-up as the rules' page words it, over sets: slow, and written without a look at the
//! engine's own.

use std::collections::BTreeSet;

use crate::decider::asked::Usable;
use crate::ids::Serial;
use crate::policy::{LoginMatch, OnNewKnownUser, Policy, Strategy};
use crate::rules::isolation::i2_waterfall::Filter;
use crate::testing::view::{Identifier, View};

pub(crate) fn name(usable: &Usable) -> Identifier {
    (usable.type_name.to_string(), usable.normalized.to_string())
}

/// Whether a type has a flag under a policy.
fn flagged(policy: &Policy, type_name: &str, immutable: bool) -> bool {
    let settings = policy.settings_of(type_name).settings();
    settings.is_some_and(|settings| if immutable { settings.immutable } else { settings.login })
}

/// Known: holds a login identifier.
pub(crate) fn known(view: &View, policy: &Policy, serial: Serial) -> bool {
    view.people[&serial].identifiers.keys().any(|(type_name, _)| flagged(policy, type_name, false))
}

/// I1, word for word.
pub(crate) fn eligible(view: &View, policy: &Policy, serial: Serial, carried: &[Identifier]) -> bool {
    let held = &view.people[&serial].identifiers;
    let passes = |immutable| {
        let mut guarding = held.keys().filter(|(type_name, _)| flagged(policy, type_name, immutable)).peekable();
        guarding.peek().is_none() || guarding.any(|identifier| carried.contains(identifier))
    };
    let agrees = || {
        if !matches!(policy.strategy(), Strategy::Isolation { login_match: LoginMatch::Highest, .. }) {
            return true;
        }
        let of_type = |identifiers: &[Identifier], name: &str| -> BTreeSet<Identifier> {
            identifiers.iter().filter(|(type_name, _)| type_name == name).cloned().collect()
        };
        let held: Vec<Identifier> = held.keys().cloned().collect();
        let logins = policy.listed_names().filter(|name| flagged(policy, name, false));
        let mut both = logins.map(|name| (of_type(&held, name), of_type(carried, name)));
        both.find(|(held, carried)| !held.is_empty() && !carried.is_empty())
            .is_none_or(|(held, carried)| !held.is_disjoint(&carried))
    };
    passes(false) && passes(true) && agrees()
}

/// I2, word for word.
pub(crate) fn waterfall(
    (view, policy): (&View, &Policy),
    usable: &[(usize, Usable)],
    filter: Filter,
    previous: Option<Serial>,
) -> Option<Serial> {
    let carried: Vec<Identifier> = usable.iter().map(|(_, one)| name(one)).collect();
    let wanted = |serial: Serial| match filter {
        Filter::All => true,
        Filter::Known => known(view, policy, serial),
        Filter::Anonymous => !known(view, policy, serial),
    };
    let mut priority: Vec<&Usable> = usable.iter().map(|(_, one)| one).collect();
    priority.sort_by(|a, b| a.rank.cmp(&b.rank));
    priority.dedup_by(|a, b| a.type_name == b.type_name);
    let mut candidates: Option<BTreeSet<Serial>> = None;
    for one in priority {
        let holds = |serial: Serial| {
            carried.iter().any(|identifier| *identifier.0 == *one.type_name && view.holds(serial, identifier))
        };
        let of_type: BTreeSet<Serial> = view
            .live()
            .map(|(serial, _)| serial)
            .filter(|&serial| holds(serial) && wanted(serial) && eligible(view, policy, serial, &carried))
            .collect();
        if of_type.is_empty() {
            continue;
        }
        candidates = Some(match candidates {
            None => of_type,
            Some(before) => {
                let both: BTreeSet<Serial> = before.intersection(&of_type).copied().collect();
                if both.is_empty() { before } else { both }
            }
        });
    }
    let candidates = candidates?;
    previous.filter(|serial| candidates.contains(serial)).or_else(|| candidates.last().copied())
}

pub(crate) fn on_new_known_user(policy: &Policy) -> OnNewKnownUser {
    match policy.strategy() {
        Strategy::Isolation { on_new_known_user, .. } => on_new_known_user,
        Strategy::Merge { .. } => panic!("a merge policy"),
    }
}

pub(crate) fn carries_login(usable: &[(usize, Usable)]) -> bool {
    usable.iter().any(|(_, one)| one.settings.login)
}

/// I3's look-up: the profile that an Identify returns, unless it makes one.
pub(crate) fn identify(
    (view, policy): (&View, &Policy),
    usable: &[(usize, Usable)],
    previous: Option<Serial>,
) -> Option<Serial> {
    let converts = on_new_known_user(policy) == OnNewKnownUser::ConvertAnonymous;
    let filter = if carries_login(usable) && !converts { Filter::Known } else { Filter::All };
    waterfall((view, policy), usable, filter, previous)
}
