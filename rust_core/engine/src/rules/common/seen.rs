//! Last seen (docs/rules.md, «Words»): per identifier, kept to the day, so that seeing a held value again seldom writes.

use crate::decider::{Context, Decider};
use crate::ids::Serial;
use crate::keyed::digest::Digest;
use crate::plan::Effect;

/// Notes that the only holder's identifier was seen (merge family).
pub(crate) fn note(decider: &mut Decider<'_>, context: &Context<'_>, digest: Digest) {
    if let Some(serial) = decider.state.index.first(digest).map(|entry| entry.serial) {
        note_on(decider, context, digest, serial);
    }
}

/// Notes that a profile's identifier was seen; days only rise.
pub(crate) fn note_on(decider: &mut Decider<'_>, context: &Context<'_>, digest: Digest, serial: Serial) {
    let day = context.time.day();
    let Some(place) = decider.state.index.find(digest, serial) else { return };
    let entry = decider.state.index.entry(place);
    if entry.seen_day < day {
        let exclusive = entry.exclusive;
        decider.emit(Effect::Seen { digest, serial, day, exclusive });
    }
}
