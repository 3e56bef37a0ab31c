//! Events (docs/rules.md, «Words», C5 and M7): what a Track call carries is stored with the profile that it resolved to, with
//! what was demoted and why; an unresolved one is stored without a profile.

use crate::answer::outcome::Demotion;
use crate::call::CallKind;
use crate::decider::asked::Asked;
use crate::decider::{Context, Decider, StoredEvent};
use crate::ids::Serial;
use crate::plan::Effect;

/// Stores the event of a Track call; other calls carry none.
pub(crate) fn store(
    decider: &mut Decider<'_>,
    context: &Context<'_>,
    asked: &[Asked<'_>],
    (serial, demoted): (Option<Serial>, &[Demotion]),
) {
    if context.call.kind != CallKind::Track {
        return;
    }
    let identifiers = asked.iter().map(|one| one.position).collect();
    let (call, time, time_sent) = (context.call, context.time, context.time_sent);
    let event = StoredEvent { call, time, time_sent, identifiers, demoted };
    let record = decider.encoder.event(&event);
    decider.emit(Effect::StoreEvent { serial, time: context.time, position: context.position, record });
}
