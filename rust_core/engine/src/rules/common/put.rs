//! Putting an identifier onto a profile, as I5, I7, M6 and M11 do: with its raw form, the call's event time as time
//! added, and the day last seen.

use std::sync::Arc;

use crate::decider::asked::Usable;
use crate::decider::{Context, Decider};
use crate::ids::Serial;
use crate::plan::{Attachment, Effect};
use crate::policy::Strategy;
use crate::rules::common::c1_normalise;

/// Puts an identifier that the profile does not hold onto it. In the merge family nobody else may hold it at the same
/// time (M1), in the isolation family if its type is unique.
pub(crate) fn put(
    decider: &mut Decider<'_>,
    context: &Context<'_>,
    serial: Serial,
    (usable, raw): (&Usable<'_>, &str),
) {
    let raw = c1_normalise::raw_form(raw);
    let merging = matches!(decider.state.policy.strategy(), Strategy::Merge { .. });
    decider.emit(Effect::Attach(Attachment {
        digest: usable.digest,
        serial,
        type_name: type_name(decider, usable.type_name),
        add_time: context.time,
        seen_day: context.time.day(),
        changed: (*usable.normalized != *raw).then(|| usable.normalized.as_ref().into()),
        raw: raw.into(),
        exclusive: merging || usable.settings.unique,
    }));
}

/// The name of a type, shared with the state where it knows the type.
fn type_name(decider: &Decider<'_>, name: &str) -> Arc<str> {
    let types = &decider.state.types;
    types.get(name).map_or_else(|| Arc::from(name), |type_id| Arc::clone(types.name(type_id)))
}
