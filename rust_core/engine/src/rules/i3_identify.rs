//! I3 Identify (and Login, and Track of an event that made no identity call): if the call carries a login identifier
//! and `on_new_known_user` ≠ `CONVERT_ANONYMOUS`, a waterfall over known profiles only; none → a new profile. Else a
//! waterfall over all; none → a new profile. A new linked profile records its source: the previous profile if that is
//! anonymous, else the anonymous waterfall result, else none; set once. Only a profile created because of a login
//! identifier records one. An unknown previous id is ignored.
//!
//! Source: the seed's rows "First App Launch", "User logs in", "User interacts via different channel", "Returning
//! User"; the sibling pages on the link and conversion strategies.

use crate::decide::{Context, Decider, Decision};
use crate::explain::{Round, RuleId};
use crate::fault::Fault;
use crate::ids::Serial;
use crate::plan::{Effect, Outcome};
use crate::policy::{OnNewKnownUser, Strategy};
use crate::rules::i1_guard::Guard;
use crate::rules::i2_waterfall::{Filter, Waterfall};
use crate::rules::prepare::{Asked, Usable};
use crate::rules::{dispositions, events, i5_attach, isolation, m8_traits};
use crate::state::State;

/// Finds or makes the profile and attaches the call's identifiers.
pub(crate) fn identify(
    decider: &mut Decider<'_>,
    context: &mut Context<'_>,
    asked: &[Asked],
) -> Result<Decision, Fault> {
    let usable = isolation::usable(asked);
    let found = find(decider.state, context, &usable);
    let source = if found.is_none() { source(decider.state, context, &usable) } else { None };
    settle(decider, context, asked, &Settlement { usable: &usable, found, source, decided_by: RuleId::I3 })
}

/// The profile that Identify returns, unless it would create one.
pub(crate) fn find(state: &State, context: &mut Context<'_>, usable: &[(usize, &Usable)]) -> Option<Serial> {
    let guard = Guard::new(usable.iter().map(|(_, usable)| *usable));
    let known_only = guard.carries_login() && on_new_known_user(state) != OnNewKnownUser::ConvertAnonymous;
    let filter = if known_only { Filter::Known } else { Filter::All };
    waterfall(state, context, usable, filter)
}

/// Runs a waterfall and notes it in the trace.
pub(crate) fn waterfall(
    state: &State,
    context: &mut Context<'_>,
    usable: &[(usize, &Usable)],
    filter: Filter,
) -> Option<Serial> {
    let guard = Guard::new(usable.iter().map(|(_, usable)| *usable));
    let mut round = context.rounds.is_some().then(Round::default);
    let found = Waterfall::new(state, &guard, filter).run(usable, previous(state, context), round.as_mut());
    if let Some(round) = round {
        context.trace(|| round);
    }
    found
}

fn on_new_known_user(state: &State) -> OnNewKnownUser {
    match state.policy.strategy() {
        Strategy::Isolation { on_new_known_user, .. } => on_new_known_user,
        Strategy::Merge { .. } => OnNewKnownUser::ConvertAnonymous,
    }
}

/// The call's previous profile, if there is such a profile.
fn previous(state: &State, context: &Context<'_>) -> Option<Serial> {
    context.call.previous_profile.and_then(|id| state.serial_of(id))
}

/// Where a profile that is about to be created comes from.
fn source(state: &State, context: &mut Context<'_>, usable: &[(usize, &Usable)]) -> Option<Serial> {
    let by_login = usable.iter().any(|(_, usable)| usable.settings.login);
    if !by_login || on_new_known_user(state) != OnNewKnownUser::CreateLinkedProfile {
        return None;
    }
    let previous = previous(state, context).filter(|&serial| !state.is_known(serial));
    previous.or_else(|| waterfall(state, context, usable, Filter::Anonymous))
}

/// What a call of this family comes to, before anything is attached.
pub(crate) struct Settlement<'a> {
    /// The identifiers to attach.
    pub usable: &'a [(usize, &'a Usable)],
    /// The profile found; `None` creates one.
    pub found: Option<Serial>,
    /// The source of a profile that is created.
    pub source: Option<Serial>,
    /// The rule that decided.
    pub decided_by: RuleId,
}

/// Makes the profile if none was found, attaches the identifiers (I5), writes traits and event.
pub(crate) fn settle(
    decider: &mut Decider<'_>,
    context: &Context<'_>,
    asked: &[Asked],
    settlement: &Settlement<'_>,
) -> Result<Decision, Fault> {
    let created = settlement.found.is_none();
    let serial = settlement.found.unwrap_or_else(|| decider.state.profiles.next_serial());
    if created {
        let source = settlement.source;
        decider.emit(Effect::CreateProfile { serial, create_time: context.time, source, merges: 0 });
    }
    let told = i5_attach::attach(decider, context, serial, settlement.usable);
    if created && !i5_attach::any_attached(&told) {
        return Err(i5_attach::nothing_attachable());
    }
    m8_traits::write(decider, context, serial);
    events::store(decider, context, asked, (Some(serial), &[]));
    Ok(Decision {
        serial: Some(serial),
        outcome: if created { Outcome::Created } else { Outcome::Matched },
        merged: Vec::new(),
        identifiers: dispositions::of_asked(asked, |index| i5_attach::told_of(&told, index)),
        demoted: Vec::new(),
        changes: Vec::new(),
        decided_by: settlement.decided_by,
        also_touched: Vec::new(),
    })
}
