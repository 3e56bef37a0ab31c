//! M6 Outcome. M empty → create a profile with what is left. |M| = 1 → add the missing identifiers, traits and event
//! to it. |M| > 1 → merge: the profile created first survives, the others point to it; identifiers, traits, events
//! and merge counts go over (survivor.merges = sum + |M| − 1); then as for one.
//!
//! Source: the seed's cases one, two and three.

use std::sync::Arc;

use crate::decide::{Context, Decider};
use crate::ids::Serial;
use crate::plan::{Attachment, Disposition, Effect, Outcome};
use crate::rules::dispositions::Told;
use crate::rules::m3_check::Checked;
use crate::rules::prepare::{Asked, Usable};
use crate::rules::{prepare, seen};

/// How the call ended.
pub(crate) struct Settled {
    /// The profile.
    pub serial: Serial,
    /// Created, matched or merged.
    pub outcome: Outcome,
    /// Who was joined into it, oldest first.
    pub merged: Vec<Serial>,
    attached: Vec<usize>,
}

impl Settled {
    /// What became of an identifier that was not demoted.
    pub fn disposition(&self, index: usize) -> Told {
        let attached = self.attached.contains(&index);
        (if attached { Disposition::Attached } else { Disposition::Matched }, None)
    }
}

/// Creates, adds or merges.
pub(crate) fn settle(
    decider: &mut Decider<'_>,
    context: &Context<'_>,
    asked: &[Asked],
    checked: &Checked<'_>,
) -> Settled {
    let (serial, outcome) = match checked.matched[..] {
        [] => (create(decider, context), Outcome::Created),
        [only] => (only, Outcome::Matched),
        [survivor, ..] => (survivor, Outcome::Merged),
    };
    let merged: Vec<Serial> = checked.matched.iter().copied().skip(1).collect();
    join(decider, serial, &merged);
    let mut attached = Vec::new();
    for (index, usable) in prepare::usable(asked) {
        let Some(candidate) = checked.candidates.iter().find(|candidate| candidate.index == index) else { continue };
        if candidate.owner.is_some() {
            seen::note(decider, context, usable.digest);
        } else {
            put(decider, context, serial, (usable, &context.call.identifiers[index].value));
            attached.push(index);
        }
    }
    Settled { serial, outcome, merged, attached }
}

/// Makes a profile.
pub(crate) fn create(decider: &mut Decider<'_>, context: &Context<'_>) -> Serial {
    let serial = decider.state.profiles.next_serial();
    decider.emit(Effect::CreateProfile { serial, create_time: context.time, source: None, merges: 0 });
    serial
}

fn join(decider: &mut Decider<'_>, survivor: Serial, losers: &[Serial]) {
    for &loser in losers {
        let merges = decider.state.profiles.row(survivor).merges + decider.state.profiles.row(loser).merges + 1;
        decider.emit(Effect::Merge { loser, survivor, merges });
    }
}

/// Adds an identifier that nobody owns (M1).
pub(crate) fn put(decider: &mut Decider<'_>, context: &Context<'_>, serial: Serial, (usable, raw): (&Usable, &str)) {
    decider.emit(Effect::Attach(Box::new(Attachment {
        digest: usable.digest,
        serial,
        type_name: Arc::clone(&usable.type_name),
        add_time: context.time,
        seen_day: context.time.day(),
        normalized: usable.normalized.clone(),
        raw: raw.to_owned(),
        exclusive: true,
    })));
}
