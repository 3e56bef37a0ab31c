//! M8 Traits (both families): per trait the value with the latest event time wins, at equal times the later call;
//! null removes, and the removal keeps its time.
//!
//! Each profile keeps its own marks; a merge moves nothing, because a reader takes the latest mark over the
//! survivor and all profiles joined into it.

use crate::decide::{Context, Decider};
use crate::ids::Serial;
use crate::plan::Effect;

/// Writes the call's traits to the profile that it resolved to.
pub(crate) fn write(decider: &mut Decider<'_>, context: &Context<'_>, serial: Serial) {
    for one in &context.call.traits {
        let key = decider.state.trait_key(serial, &one.name);
        let newer = decider.state.traits.get(&key).is_some_and(|mark| mark.time > context.time);
        if !newer {
            decider.emit(Effect::SetTrait {
                serial,
                name: one.name.clone(),
                value: one.value.clone(),
                time: context.time,
                position: context.position,
            });
        }
    }
}
