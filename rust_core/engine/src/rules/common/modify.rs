//! What I7 and M11 share: the changes of a Modify after C1 to C4, C12 and C6, and the list of profiles that really changed.

use std::sync::Arc;

use crate::answer::explain::RuleId;
use crate::answer::outcome::{
    ChangedProfile, Disposition, IdentifierResult, IdentifierResults, InvalidReason, Outcome,
};
use crate::call::{Call, RawChange};
use crate::decider::asked::{Fate, Usable};
use crate::decider::{Context, Decider, Decision};
use crate::fault::{Fault, Reason, Resource};
use crate::ids::Serial;
use crate::keyed::digest::Digest;
use crate::plan::{Effect, Serials};
use crate::policy::Policy;
use crate::rules::common::c6_duplicates::Seen;
use crate::rules::common::prepare::Held;
use crate::rules::common::{c2_refuse, prepare};
use crate::rules_version::RulesVersion;
use crate::state::State;

/// One change with its values after C1.
pub(crate) struct PreparedChange<'c> {
    /// Its place among the call's changes.
    pub index: usize,
    /// The value to replace or remove.
    pub old: Option<Usable<'c>>,
    /// An old value was sent that nobody can hold.
    pub old_is_invalid: bool,
    /// The value to set, with its raw form.
    pub new: Option<(Usable<'c>, &'c str)>,
}

/// The live profile that a Modify names; an unknown one is refused before any change is judged. In 0.1 values were judged
/// before it.
pub(crate) fn profile(state: &State, call: &Call) -> Result<Serial, Fault> {
    if state.policy.rules_version() == RulesVersion::Zero {
        c2_refuse::check_values(&state.policy, call)?;
    }
    let Some(serial) = state.serial_of(call.profile) else {
        let fault = Fault::new(Reason::ProfileNotFound, "no profile has this id in the workspace: check the id");
        return Err(fault.about(Resource::Profile(call.profile.0)));
    };
    Ok(state.profiles.root(serial))
}

/// The changes that C1 to C4 and C12 leave, in order, and those set aside.
pub(crate) struct Prepared<'c> {
    /// The changes to make.
    pub changes: Vec<PreparedChange<'c>>,
    /// Changes set aside whole: their new value is blocked or invalid, or their type is ignored; each value once.
    pub set_aside: IdentifierResults,
}

/// Applies C1 to C4 and C12 to the changes; none left is refused.
pub(crate) fn prepare<'c>(state: &State, policy: &'c Policy, call: &'c Call<'c>) -> Result<Prepared<'c>, Fault> {
    for (index, change) in call.changes.iter().enumerate() {
        if change.old_value.is_empty() && change.new_value.is_empty() {
            let description = "a change needs an old value, a new value or both";
            let mut fault = Fault::field(format!("changes[{index}]"), description);
            fault.reason = Reason::EmptyChange;
            return Err(fault);
        }
    }
    let mut told = Seen::with_capacity(call.changes.len());
    let mut prepared =
        Prepared { changes: Vec::with_capacity(call.changes.len()), set_aside: IdentifierResults::new() };
    for (index, change) in call.changes.iter().enumerate() {
        match prepare_one(state, policy, change, index)? {
            Ok(one) => prepared.changes.push(one),
            Err(SetAside { digest, disposition, invalid }) => {
                if told.is_first(digest) {
                    prepared.set_aside.push(IdentifierResult { index, disposition, reason: None, invalid });
                }
            }
        }
    }
    if prepared.changes.is_empty() {
        return Err(crate::rules::common::c5_nothing_usable::fault_of("changes"));
    }
    Ok(prepared)
}

/// Why a change is set aside, and what stands for its value among its duplicates (C6): its new one, or else its old one.
struct SetAside {
    digest: Digest,
    disposition: Disposition,
    invalid: Option<InvalidReason>,
}

fn prepare_one<'c>(
    state: &State,
    policy: &'c Policy,
    change: &'c RawChange,
    index: usize,
) -> Result<Result<PreparedChange<'c>, SetAside>, Fault> {
    let path = format!("changes[{index}]");
    let digester = &state.digester;
    let mut new = None;
    // C3 is judged before C4, so the new value comes first: blocked, it sets aside even a change of an unlisted type.
    if !change.new_value.is_empty() {
        let value = (&*change.type_name, &*change.new_value);
        let (digest, fate) = prepare::prepare_value(policy, digester, value, (&path, "new_value"))?;
        let aside = |disposition, invalid| Ok(Err(SetAside { digest, disposition, invalid }));
        match fate {
            Fate::Usable(usable) => new = Some((usable, &*change.new_value)),
            Fate::Blocked => return aside(Disposition::Blocked, None),
            Fate::IgnoredType => return aside(Disposition::IgnoredType, None),
            Fate::Invalid(why) => return aside(Disposition::Invalid, Some(why)),
        }
    }
    if change.old_value.is_empty() {
        return Ok(Ok(PreparedChange { index, old: None, old_is_invalid: false, new }));
    }
    // A held value stays removable though it is blocked by now, so `old` is not held against C3.
    let value = (&*change.type_name, &*change.old_value);
    let old = prepare::prepare_held(policy, digester, value, (&path, "old_value"))?;
    Ok(match old {
        Held::Usable(old) => Ok(PreparedChange { index, old: Some(old), old_is_invalid: false, new }),
        Held::Invalid => Ok(PreparedChange { index, old: None, old_is_invalid: true, new }),
        Held::IgnoredType(digest) => Err(SetAside { digest, disposition: Disposition::IgnoredType, invalid: None }),
    })
}

impl PreparedChange<'_> {
    /// Whether an old value was sent that the profile does not hold; `held` is the one that it does.
    pub fn misses_old(&self, held: Option<&Usable<'_>>) -> bool {
        self.old_is_invalid || (self.old.is_some() && held.is_none())
    }
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
    pub fn note(&mut self, type_name: &str, serial: Serial) {
        if !self.pairs.iter().any(|(name, one)| **name == *type_name && *one == serial) {
            self.pairs.push((Arc::from(type_name), serial));
        }
    }

    /// Every profile that changed.
    pub fn serials(&self) -> Serials {
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

/// The answer of a Modify.
pub(crate) fn decision(
    state: &State,
    (serial, decided_by): (Serial, RuleId),
    changed: &Changed,
    prepared: Prepared<'_>,
) -> Decision {
    Decision {
        serial: Some(serial),
        outcome: Outcome::Matched,
        merged: Serials::new(),
        identifiers: prepared.set_aside,
        demoted: Vec::new(),
        changes: changed.told(state),
        decided_by,
        also_touched: changed.serials(),
    }
}

/// Takes an identifier off the profile that has it.
pub(crate) fn detach(decider: &mut Decider<'_>, digest: Digest, serial: Serial) {
    let Some(place) = decider.state.index.find(digest, serial) else { return };
    let exclusive = decider.state.index.entry(place).exclusive;
    decider.emit(Effect::Detach { digest, serial, exclusive });
}
