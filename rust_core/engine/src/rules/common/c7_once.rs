//! C7 Once: a call whose `request_id` (or event `message_id`) was accepted before answers what was recorded and
//! changes nothing; the same id with another content is refused. Content is the kind of the call and the normalised
//! request without `request_id`, consistency, explain and `validate_only`; an absent event time stays absent. The two
//! kinds of id do not mix. Refused calls and dry runs use up no id.
//!
//! Source: rules.md C7 (request ids, AIP-155; message ids, both seeds' event sources).

use crate::call::{Call, CallKind};
use crate::decider::Decider;
use crate::fault::{Fault, Reason};
use crate::ids::Position;
use crate::keyed::digest::{Digest, Domain, Parts};
use crate::plan::{Decided, Effect, Verdict};
use crate::policy::Policy;
use crate::rules::common::{c1_normalise, c2_refuse};
use crate::rules_version::RulesVersion;
use crate::state::State;

/// The ids of a call that carries any, and its content.
#[derive(Clone, Debug)]
pub(crate) struct Fingerprint {
    request: Option<Digest>,
    message: Option<Digest>,
    content: Digest,
}

/// Whether a call is new.
pub(crate) enum Once {
    /// Not seen before; `None` if it carries no id.
    New(Option<Fingerprint>),
    /// Accepted before.
    Repeated(Box<Verdict>),
}

/// The digest under which a request id is kept.
pub fn request_digest(state: &State, request_id: &str) -> Digest {
    state.digester.start(Domain::RequestId).text(request_id).finish()
}

fn message_digest(state: &State, message_id: &str) -> Digest {
    state.digester.start(Domain::MessageId).text(message_id).finish()
}

/// Looks up a call's ids, the request id first.
pub(crate) fn check(decider: &Decider<'_>, call: &Call, earlier: &[Decided]) -> Result<Once, Fault> {
    let state = &*decider.state;
    let request = (!call.request_id.is_empty()).then(|| request_digest(state, &call.request_id));
    let message = &call.event.message_id;
    let message = (!message.is_empty()).then(|| message_digest(state, message));
    if call.kind == CallKind::Search || (request.is_none() && message.is_none()) {
        return Ok(Once::New(None));
    }
    let content = content(state, call);
    for digest in [request, message].into_iter().flatten() {
        let Some(mark) = state.requests.get(digest, decider.at.commit_time) else { continue };
        if mark.fingerprint != content {
            if state.policy.rules_version() == RulesVersion::Zero {
                // In 0.1 field rules came before everything else, also where a value alone makes the content another.
                c2_refuse::check_values(&state.policy, call)?;
            }
            return Err(reused());
        }
        if mark.seq != decider.at.seq {
            return Ok(Once::Repeated(Box::new(Verdict::Repeat(digest))));
        }
        let first = earlier.get(mark.position.0 as usize).map(|decided| decided.verdict.clone());
        let mut verdict = first.unwrap_or_else(|| Verdict::Fault(reused()));
        if let Verdict::Resolution(resolution) = &mut verdict
            && !call.explain
        {
            resolution.explanation = None;
        }
        return Ok(Once::Repeated(Box::new(verdict)));
    }
    Ok(Once::New(Some(Fingerprint { request, message, content })))
}

/// Uses up the ids of a call that was accepted.
pub(crate) fn remember(decider: &mut Decider<'_>, fingerprint: &Fingerprint, position: Position) {
    for digest in [fingerprint.request, fingerprint.message].into_iter().flatten() {
        decider.emit(Effect::UseRequest { digest, fingerprint: fingerprint.content, position });
    }
}

pub(crate) fn reused() -> Fault {
    Fault::new(
        Reason::RequestIdReused,
        "this request_id or message_id was used for a call with another content: send the same call again, \
         or use a new id",
    )
}

fn content(state: &State, call: &Call) -> Digest {
    let mut parts = state.digester.start(Domain::Content).number(call.kind as u64);
    parts = parts.number(call.identifiers.len() as u64);
    for identifier in &call.identifiers {
        parts = value(parts, &state.policy, &identifier.type_name, &identifier.value);
    }
    parts = parts.signed(call.previous_profile.map_or(0, |id| id.0));
    parts = match call.event_time {
        None => parts.number(0),
        Some(time) => parts.number(1).signed(time.0),
    };
    parts = traits(parts, call);
    let event = &call.event;
    parts = parts.text(&event.name).bytes(&event.properties).text(&event.message_id);
    parts = parts.signed(call.profile.0).number(call.changes.len() as u64);
    for change in &call.changes {
        parts = value(parts, &state.policy, &change.type_name, &change.old_value);
        parts = value(parts, &state.policy, &change.type_name, &change.new_value);
    }
    parts.finish()
}

fn traits(mut parts: Parts, call: &Call) -> Parts {
    parts = parts.number(call.traits.len() as u64);
    for one in &call.traits {
        parts = parts.text(&one.name).number(u64::from(one.value.is_some()));
        parts = parts.bytes(one.value.as_deref().unwrap_or_default());
    }
    parts
}

/// A value that C1 cannot normalise stands for itself.
fn value(parts: Parts, policy: &Policy, type_name: &str, raw: &str) -> Parts {
    let settings = policy.settings_of(type_name).settings().filter(|_| !raw.is_empty());
    let normalized =
        settings.and_then(|settings| c1_normalise::normalise(policy.rules_version(), Some(settings), raw).ok());
    parts.text(type_name).text(normalized.as_deref().unwrap_or(raw))
}

#[cfg(test)]
mod tests;
