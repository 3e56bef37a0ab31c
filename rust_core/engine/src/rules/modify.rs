//! What I7 and M11 share: the changes of a Modify after C1 to C4, and the list of profiles that really changed.

use std::sync::Arc;

use crate::call::Call;
use crate::decide::Context;
use crate::fault::{Fault, Reason, Resource};
use crate::ids::Serial;
use crate::plan::ChangedProfile;
use crate::rules::prepare::{self, Fate, Usable};
use crate::state::State;

/// One change with its values after C1.
pub(crate) struct PreparedChange {
    /// The value to replace or remove.
    pub old: Option<Usable>,
    /// The value to set, with its raw form.
    pub new: Option<(Usable, String)>,
}

/// The live profile that a Modify names; an unknown one is refused before anything else is judged.
pub(crate) fn profile(state: &State, call: &Call) -> Result<Serial, Fault> {
    let Some(serial) = state.serial_of(call.profile) else {
        let fault = Fault::new(Reason::ProfileNotFound, "no profile has this id in the workspace: check the id");
        return Err(fault.about(Resource::Profile(call.profile.0)));
    };
    Ok(state.profiles.root(serial))
}

/// The changes that C1 to C4 leave, in order. A change whose new value is blocked or whose type is ignored is set
/// aside whole, with a warning; none left is refused.
pub(crate) fn changes(state: &State, context: &mut Context<'_>) -> Result<Vec<PreparedChange>, Fault> {
    let mut prepared = Vec::with_capacity(context.call.changes.len());
    for (place, change) in context.call.changes.iter().enumerate() {
        if change.old_value.is_empty() && change.new_value.is_empty() {
            let mut fault =
                Fault::field(format!("changes[{place}]"), "a change needs an old value, a new value or both");
            fault.reason = Reason::EmptyChange;
            return Err(fault);
        }
        let path = format!("changes[{place}]");
        let fate = |value: &str, field: &str| {
            let fate =
                prepare::prepare_value(&state.policy, &state.digester, (&change.type_name, value), (&path, field));
            fate.map(|fate| (fate, value.to_owned()))
        };
        let new = if change.new_value.is_empty() { None } else { Some(fate(&change.new_value, "new_value")?) };
        let old = if change.old_value.is_empty() {
            None
        } else {
            // A held value stays removable though it is blocked by now, so `old` is not held against C3.
            let old = (&*change.type_name, &*change.old_value);
            Some(prepare::prepare_held(&state.policy, &state.digester, old, (&path, "old_value"))?)
        };
        let aside = matches!(new, Some((Fate::Blocked | Fate::IgnoredType, _))) || matches!(old, Some(None));
        if aside {
            context.warnings.push("a change was set aside: its new value is blocked or its type is ignored".to_owned());
            continue;
        }
        let new = new.and_then(|(fate, raw)| match fate {
            Fate::Usable(usable) => Some((usable, raw)),
            Fate::Blocked | Fate::IgnoredType => None,
        });
        prepared.push(PreparedChange { old: old.flatten(), new });
    }
    if prepared.is_empty() {
        return Err(crate::rules::c5_nothing_usable::fault());
    }
    Ok(prepared)
}

/// Warns of an `old` that the profile does not hold; it is treated as empty.
pub(crate) fn warn_not_held(context: &mut Context<'_>) {
    context.warnings.push("an old value that the profile does not hold was treated as empty".to_owned());
}

/// The (type, profile) pairs whose values really changed, each once, in order.
#[derive(Default)]
pub(crate) struct Changed {
    pairs: Vec<(Arc<str>, Serial)>,
}

impl Changed {
    /// Notes that a profile's values of a type changed.
    pub fn note(&mut self, type_name: &Arc<str>, serial: Serial) {
        if !self.pairs.iter().any(|(name, one)| name == type_name && *one == serial) {
            self.pairs.push((Arc::clone(type_name), serial));
        }
    }

    /// Every profile that changed.
    pub fn serials(&self) -> Vec<Serial> {
        self.pairs.iter().map(|(_, serial)| *serial).collect()
    }

    /// The list as the answer tells it, orphans as of the end of the call.
    pub fn told(&self, state: &State) -> Vec<ChangedProfile> {
        let tell = |(type_name, serial): &(Arc<str>, Serial)| ChangedProfile {
            type_name: Arc::clone(type_name),
            profile: state.id_of(*serial),
            now_orphaned: state.profiles.row(*serial).identifiers == 0,
        };
        self.pairs.iter().map(tell).collect()
    }
}
