//! I5 Attach (after I3): every identifier of the call goes onto the resulting profile, except: a unique value held by
//! another profile stays there (only Modify moves it; `HELD_BY_OTHER`); an immutable type already set keeps its value.
//! A new value of a unique type replaces the old one. Nothing is taken from the profile that the caller came from. In
//! the call's order. If the call would create a profile and none of its identifiers can be attached: `FAILED_PRECONDITION`.
//!
//! Source: the seed, "Any anonymous data collected prior to the user signing up is not carried over", and its row
//! "New Device Login", where the device joins the profile.

use std::sync::Arc;

use crate::decide::{Context, Decider};
use crate::digest::Digest;
use crate::fault::{Fault, Reason};
use crate::ids::Serial;
use crate::plan::{Attachment, Disposition, Effect};
use crate::rules::dispositions::Told;
use crate::rules::prepare::Usable;
use crate::rules::seen;
use crate::state::State;

/// Attaches the identifiers and tells what became of each, by its place in the call.
pub(crate) fn attach(
    decider: &mut Decider<'_>,
    context: &Context<'_>,
    serial: Serial,
    usable: &[(usize, &Usable)],
) -> Vec<(usize, Disposition)> {
    let mut told = Vec::with_capacity(usable.len());
    for &(index, usable) in usable {
        let disposition = judge(decider.state, serial, usable);
        match disposition {
            Disposition::Matched => seen::note_on(decider, context, usable.digest, serial),
            Disposition::Attached => {
                if usable.settings.unique {
                    replace(decider, serial, &usable.type_name, usable.digest);
                }
                let raw = &context.call.identifiers[index].value;
                put(decider, context, serial, (usable, raw));
            }
            Disposition::Blocked
            | Disposition::IgnoredType
            | Disposition::Dropped
            | Disposition::Demoted
            | Disposition::KeptImmutable
            | Disposition::HeldByOther => {}
        }
        told.push((index, disposition));
    }
    told
}

/// What would become of an identifier on this profile.
pub(crate) fn judge(state: &State, serial: Serial, usable: &Usable) -> Disposition {
    if state.index.holds(usable.digest, serial) {
        Disposition::Matched
    } else if usable.settings.immutable && holds_type(state, serial, &usable.type_name) {
        Disposition::KeptImmutable
    } else if usable.settings.unique && state.index.first(usable.digest).is_some() {
        Disposition::HeldByOther
    } else {
        Disposition::Attached
    }
}

/// Whether a profile holds any value of a type.
pub(crate) fn holds_type(state: &State, serial: Serial, type_name: &str) -> bool {
    state.types.get(type_name).is_some_and(|type_id| state.profiles.row(serial).count(type_id) > 0)
}

/// Takes the profile's other values of a type off it and answers whether there were any.
pub(crate) fn replace(decider: &mut Decider<'_>, serial: Serial, type_name: &str, keep: Digest) -> bool {
    let Some(type_id) = decider.state.types.get(type_name) else { return false };
    if decider.state.profiles.row(serial).count(type_id) == 0 {
        return false;
    }
    let entries = decider.state.own_entries(serial);
    let others = entries.filter(|entry| entry.type_id == type_id && entry.digest != keep);
    let others: Vec<(Digest, bool)> = others.map(|entry| (entry.digest, entry.exclusive)).collect();
    for &(digest, exclusive) in &others {
        decider.emit(Effect::Detach { digest, serial, exclusive });
    }
    !others.is_empty()
}

/// Puts an identifier with its raw form onto a profile.
pub(crate) fn put(decider: &mut Decider<'_>, context: &Context<'_>, serial: Serial, (usable, raw): (&Usable, &str)) {
    decider.emit(Effect::Attach(Box::new(Attachment {
        digest: usable.digest,
        serial,
        type_name: Arc::clone(&usable.type_name),
        add_time: context.time,
        seen_day: context.time.day(),
        normalized: usable.normalized.clone(),
        raw: raw.to_owned(),
        exclusive: usable.settings.unique,
    })));
}

pub(crate) fn any_attached(told: &[(usize, Disposition)]) -> bool {
    told.iter().any(|(_, disposition)| *disposition == Disposition::Attached)
}

/// What was told of the identifier at a place; those left out were dropped (I6).
pub(crate) fn told_of(told: &[(usize, Disposition)], index: usize) -> Told {
    let one = told.iter().find(|(place, _)| *place == index);
    (one.map_or(Disposition::Dropped, |(_, disposition)| *disposition), None)
}

pub(crate) fn nothing_attachable() -> Fault {
    Fault::new(
        Reason::IdentifiersHeldByOthers,
        "other profiles hold every identifier of this call, so a new profile would have none: \
         move one with Modify, or send an identifier that is free",
    )
}
