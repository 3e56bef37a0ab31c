//! M11 Modify (merge family): as I7, but a value held elsewhere is always taken from there (M1), and it stands beside
//! the profile's other values of its type; a result that breaks M3.2 to M3.4 (the changes' types count as carried) →
//! `FAILED_PRECONDITION`.
//!
//! Source: neither seed; the merge family knows Track and Identify only. I7, held to M1 and M3.

use crate::answer::explain::{Check, Round, RuleId};
use crate::decider::asked::Usable;
use crate::decider::{Context, Decider, Decision};
use crate::fault::{Fault, Reason, Violation};
use crate::ids::Serial;
use crate::keyed::digest::Digest;
use crate::policy::{LimitScope, Strategy};
use crate::rules::common::modify::{self, Changed, PreparedChange};
use crate::rules::common::put::put;
use crate::rules::merge::{m1_one_owner, values};
use crate::state::State;

/// Changes one profile.
pub(crate) fn modify(decider: &mut Decider<'_>, context: &mut Context<'_>) -> Result<Decision, Fault> {
    let serial = modify::profile(decider.state, context.call)?;
    let prepared = modify::prepare(decider.state, context.policy, context.call)?;
    let mut changed = Changed::default();
    let before = |digest: Digest| m1_one_owner::owner(decider.state, digest) == Some(serial);
    let news = prepared.changes.iter().filter_map(|change| change.new.as_ref());
    let added: Vec<&Usable<'_>> = news.map(|(new, _)| new).filter(|new| !before(new.digest)).collect();
    for change in &prepared.changes {
        apply(decider, context, serial, change, &mut changed);
    }
    check(decider.state, context, serial, &prepared.changes, &added)?;
    Ok(modify::decision(decider.state, (serial, RuleId::M11), &changed, prepared))
}

fn apply(
    decider: &mut Decider<'_>,
    context: &mut Context<'_>,
    serial: Serial,
    change: &PreparedChange<'_>,
    changed: &mut Changed,
) {
    let owns = |decider: &Decider<'_>, digest| m1_one_owner::owner(decider.state, digest) == Some(serial);
    let held = change.old.as_ref().filter(|old| owns(decider, old.digest));
    if change.misses_old(held) {
        modify::warn_not_held(context);
    }
    let same = |old: &&Usable<'_>| change.new.as_ref().is_some_and(|(new, _)| new.digest == old.digest);
    if let Some((new, _)) = &change.new
        && let Some(loser) = m1_one_owner::owner(decider.state, new.digest).filter(|&owner| owner != serial)
    {
        release(decider, new.digest);
        changed.note(new.type_name, loser);
    }
    if let Some(old) = held.filter(|old| !same(old)) {
        release(decider, old.digest);
        changed.note(old.type_name, serial);
    }
    if let Some((new, raw)) = &change.new
        && !owns(decider, new.digest)
    {
        put(decider, context, serial, (new, raw));
        changed.note(new.type_name, serial);
    }
}

/// Takes an identifier off its only holder, which may be a merged-away profile.
fn release(decider: &mut Decider<'_>, digest: Digest) {
    if let Some(holder) = decider.state.index.first(digest).map(|entry| entry.serial) {
        modify::detach(decider, digest, holder);
    }
}

/// M3.2 to M3.4 with M5: only a type that got a value which the profile did not hold before can have grown.
fn check(
    state: &State,
    context: &mut Context<'_>,
    serial: Serial,
    changes: &[PreparedChange<'_>],
    added: &[&Usable<'_>],
) -> Result<(), Fault> {
    let grown: Vec<&&Usable<'_>> =
        added.iter().filter(|new| m1_one_owner::owner(state, new.digest) == Some(serial)).collect();
    let carried = |name: &str| {
        let of = |change: &PreparedChange<'_>| {
            change.old.iter().chain(change.new.iter().map(|(new, _)| new)).any(|one| *one.type_name == *name)
        };
        changes.iter().any(of)
    };
    let mut round = Round::default();
    let mut broken: Option<(usize, String)> = None;
    let index_of = |name: Option<&str>| {
        let of = |change: &&PreparedChange<'_>| {
            change.new.as_ref().is_some_and(|(new, _)| name.is_none_or(|name| *new.type_name == *name))
        };
        changes.iter().find(of).map_or(0, |change| change.index)
    };
    for values in values::by_type(state, &[], &[serial], context.time) {
        if values.limit.scope == LimitScope::WhenPresent && !carried(values.type_name) {
            continue;
        }
        let grew = grown.iter().any(|new| *new.type_name == *values.type_name);
        let (figure, limit) = (values.total(), u64::from(values.limit.max_values));
        let rule = if values.limit.is_exclusive() { RuleId::M3Exclusive } else { RuleId::M3Values };
        let passed = !grew || figure <= limit;
        if !passed && broken.is_none() {
            let held =
                format!("{figure} values of {} in its limit's window, and the policy allows {limit}", values.type_name);
            broken = Some((index_of(Some(values.type_name)), held));
        }
        round.checks.push(Check { rule, figure, limit, passed });
    }
    if let Strategy::Merge { max_identifiers, .. } = state.policy.strategy()
        && max_identifiers > 0
    {
        let (figure, limit) = (u64::from(state.profiles.row(serial).identifiers), u64::from(max_identifiers));
        let passed = grown.is_empty() || figure <= limit;
        if !passed && broken.is_none() {
            broken = Some((index_of(None), format!("{figure} identifiers, and the policy allows {limit}")));
        }
        round.checks.push(Check { rule: RuleId::M3Identifiers, figure, limit, passed });
    }
    context.trace(|| round);
    broken.map_or(Ok(()), |(index, held)| Err(exceeded(index, &held)))
}

fn exceeded(index: usize, held: &str) -> Fault {
    let description = format!("the profile would hold {held}: remove one in the same call, or raise the limit");
    Fault::fields(Reason::LimitExceeded, vec![Violation::new(format!("changes[{index}]"), description)])
}

#[cfg(test)]
mod tests;
