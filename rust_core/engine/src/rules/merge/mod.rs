//! The merge family: which rule answers which call. Source: the seed "Identity Graph Rules".

pub(crate) mod final_profile;
pub(crate) mod m11_modify;
pub(crate) mod m11_search;
pub(crate) mod m1_one_owner;
pub(crate) mod m2_match;
pub(crate) mod m3_1_merges;
pub(crate) mod m3_2_exclusive;
pub(crate) mod m3_3_values;
pub(crate) mod m3_4_identifiers;
pub(crate) mod m3_check;
pub(crate) mod m4_lowest_ranked;
pub(crate) mod m5_growth;
pub(crate) mod m6_outcome;
pub(crate) mod m7_demoted;
pub(crate) mod m9_redirects;
pub(crate) mod values;

use crate::answer::explain::RuleId;
use crate::answer::outcome::Outcome;
use crate::call::CallKind;
use crate::decider::asked::Asked;
use crate::decider::{Context, Decider, Decision};
use crate::fault::{Fault, Reason};
use crate::plan::Serials;
use crate::rules::common::{c5_nothing_usable, dispositions, events, m8_traits};

/// Decides a call (M1 to M11).
pub(crate) fn resolve(decider: &mut Decider<'_>, context: &mut Context<'_>) -> Result<Decision, Fault> {
    match context.call.kind {
        // M11: Login and Logout act as Identify.
        CallKind::Identify | CallKind::Login | CallKind::Logout | CallKind::Track => identify(decider, context),
        CallKind::Modify => m11_modify::modify(decider, context),
        CallKind::Search => m11_search::search(decider, context),
        CallKind::Import => Err(Fault::new(Reason::InternalFault, "an import is not a call")),
    }
}

/// The seed's three cases, guarded by its three checks.
fn identify(decider: &mut Decider<'_>, context: &mut Context<'_>) -> Result<Decision, Fault> {
    let asked = context.asked()?;
    if !c5_nothing_usable::any_usable(asked) {
        return Ok(unresolved(decider, context, asked));
    }
    let checked = m3_check::check(decider.state, context, asked);
    let done = m6_outcome::carry_out(decider, context, asked, &checked);
    m8_traits::write(decider, context, done.serial, &done.merged)?;
    events::store(decider, context, asked, (Some(done.serial), &checked.demoted));
    let identifiers = dispositions::of_asked(asked, |index| {
        m7_demoted::disposition(&checked.demoted, index).unwrap_or_else(|| done.disposition(index))
    });
    Ok(Decision {
        serial: Some(done.serial),
        outcome: done.outcome,
        merged: done.merged,
        identifiers,
        demoted: checked.demoted,
        changes: Vec::new(),
        decided_by: RuleId::M6,
        also_touched: Serials::new(),
    })
}

/// C5: nothing usable is left, so no profile is told; a Track's event is kept, an Identify keeps nothing.
fn unresolved(decider: &mut Decider<'_>, context: &Context<'_>, asked: &[Asked<'_>]) -> Decision {
    events::store(decider, context, asked, (None, &[]));
    Decision {
        serial: None,
        outcome: Outcome::Unresolved,
        merged: Serials::new(),
        identifiers: dispositions::of_asked(asked, |_| dispositions::unreachable_usable()),
        demoted: Vec::new(),
        changes: Vec::new(),
        decided_by: RuleId::C5,
        also_touched: Serials::new(),
    }
}
