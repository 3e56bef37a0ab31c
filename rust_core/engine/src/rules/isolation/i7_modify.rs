//! I7 Modify(profile id, changes of {type, old, new}): no lookup, never a new profile, all or nothing. old empty = add,
//! new empty = remove, both = change. A unique value held elsewhere is taken from there (that profile may be orphaned)
//! and set here, replacing this profile's value of the type; a value that is not unique may be held by both. Immutable:
//! the first value may be set; a change that alters or removes a set value, of this profile or by taking it from
//! another, is refused; setting the same value again is no change. Changes apply in order, each seeing the one before.
//!
//! Source: the seed's row "User Updates Email": "Since email must be unique, the email is removed from Profile 3,
//! which is now an orphaned".

use crate::answer::explain::RuleId;
use crate::decider::asked::Usable;
use crate::decider::{Context, Decider, Decision};
use crate::fault::{Fault, Reason, Violation};
use crate::ids::Serial;
use crate::keyed::digest::Digest;
use crate::rules::common::modify::{self, Changed, PreparedChange};
use crate::rules::common::put::put;
use crate::rules::isolation::i5_attach;
use crate::state::State;
use crate::state::index::Holders;

/// Changes one profile.
pub(crate) fn modify(decider: &mut Decider<'_>, context: &mut Context<'_>) -> Result<Decision, Fault> {
    let serial = modify::profile(decider.state, context.call)?;
    let prepared = modify::prepare(decider.state, context.policy, context.call)?;
    let mut changed = Changed::default();
    for one in &prepared.changes {
        apply(decider, context, serial, one, &mut changed).map_err(|Immutable| immutable(one.index))?;
    }
    Ok(modify::decision(decider.state, (serial, RuleId::I7), &changed, prepared))
}

/// A change would alter or remove a value that stays.
struct Immutable;

fn apply(
    decider: &mut Decider<'_>,
    context: &mut Context<'_>,
    serial: Serial,
    change: &PreparedChange<'_>,
    changed: &mut Changed,
) -> Result<(), Immutable> {
    let held = change.old.as_ref().filter(|old| decider.state.index.holds(old.digest, serial));
    if change.misses_old(held) {
        modify::warn_not_held(context);
    }
    match (&change.new, held) {
        (None, None) => Ok(()),
        (None, Some(old)) => remove(decider, serial, old, changed),
        (Some((new, raw)), _) if new.settings.unique && !new.settings.immutable => {
            set_unique(decider, context, serial, (new, raw), changed);
            Ok(())
        }
        (Some((new, _)), held) if decider.state.index.holds(new.digest, serial) => {
            // Setting the same value again is no change; an old value beside it still goes.
            held.filter(|old| old.digest != new.digest).map_or(Ok(()), |old| remove(decider, serial, old, changed))
        }
        (Some((new, raw)), _) if new.settings.immutable => set_immutable(decider, context, serial, (new, raw), changed),
        (Some((new, raw)), held) => {
            set(decider, context, serial, (new, raw), held, changed);
            Ok(())
        }
    }
}

fn remove(decider: &mut Decider<'_>, serial: Serial, old: &Usable<'_>, changed: &mut Changed) -> Result<(), Immutable> {
    if old.settings.immutable {
        return Err(Immutable);
    }
    modify::detach(decider, old.digest, serial);
    changed.note(old.type_name, serial);
    Ok(())
}

fn set_immutable(
    decider: &mut Decider<'_>,
    context: &Context<'_>,
    serial: Serial,
    (new, raw): (&Usable<'_>, &str),
    changed: &mut Changed,
) -> Result<(), Immutable> {
    let taken = decider.state.index.first(new.digest).is_some();
    if taken || i5_attach::holds_type(decider.state, serial, new.type_name) {
        return Err(Immutable);
    }
    put(decider, context, serial, (new, raw));
    changed.note(new.type_name, serial);
    Ok(())
}

fn set_unique(
    decider: &mut Decider<'_>,
    context: &Context<'_>,
    serial: Serial,
    (new, raw): (&Usable<'_>, &str),
    changed: &mut Changed,
) {
    // Where the type became unique later, others may hold the value although this profile does.
    for loser in holders(decider.state, new.digest).into_iter().filter(|&holder| holder != serial) {
        modify::detach(decider, new.digest, loser);
        changed.note(new.type_name, loser);
    }
    let replaced = !i5_attach::replace(decider, serial, new.type_name, new.digest).is_empty();
    let missing = !decider.state.index.holds(new.digest, serial);
    if missing {
        put(decider, context, serial, (new, raw));
    }
    if replaced || missing {
        changed.note(new.type_name, serial);
    }
}

/// A value that others may hold too.
fn set(
    decider: &mut Decider<'_>,
    context: &Context<'_>,
    serial: Serial,
    (new, raw): (&Usable<'_>, &str),
    held: Option<&Usable<'_>>,
    changed: &mut Changed,
) {
    if let Some(old) = held {
        modify::detach(decider, old.digest, serial);
    }
    put(decider, context, serial, (new, raw));
    changed.note(new.type_name, serial);
}

/// Every profile that holds an identifier, oldest first; several only where its type became unique later.
fn holders(state: &State, digest: Digest) -> Vec<Serial> {
    let is_known = |serial| state.is_known(serial);
    let mut holders: Vec<Serial> = state.index.newest_first(digest, Holders::Anonymous, is_known).collect();
    holders.extend(state.index.newest_first(digest, Holders::Known, is_known));
    holders.sort_unstable();
    holders
}

fn immutable(index: usize) -> Fault {
    let description = "an immutable identifier keeps its value once it is set: leave it out of the changes";
    Fault::fields(Reason::ImmutableIdentifier, vec![Violation::new(format!("changes[{index}]"), description)])
}

#[cfg(test)]
mod tests;
