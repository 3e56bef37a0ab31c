//! The isolation family: which rule answers which call. Source: the seed "Profile Isolation Strategy".

pub(crate) mod i1_guard;
pub(crate) mod i2_waterfall;
pub(crate) mod i3_identify;
pub(crate) mod i4_login;
pub(crate) mod i5_attach;
pub(crate) mod i6_logout;
pub(crate) mod i7_modify;
pub(crate) mod i8_search;
pub(crate) mod i9_no_merge;

use crate::call::CallKind;
use crate::decider::asked::{self, Asked, Usable};
use crate::decider::{Context, Decider, Decision};
use crate::fault::{Fault, Reason};
use crate::rules::common::c5_nothing_usable;

/// Decides a call (I1 to I9).
pub(crate) fn resolve(decider: &mut Decider<'_>, context: &mut Context<'_>) -> Result<Decision, Fault> {
    match context.call.kind {
        CallKind::Identify | CallKind::Track => i3_identify::identify(decider, context, asked(context)?),
        CallKind::Login => {
            let asked = asked(context)?;
            i4_login::check(&decider.state.policy, asked)?;
            i3_identify::identify(decider, context, asked)
        }
        CallKind::Logout => i6_logout::logout(decider, context, asked(context)?),
        CallKind::Modify => i7_modify::modify(decider, context),
        CallKind::Search => i8_search::search(decider, context, asked(context)?),
        CallKind::Import => Err(Fault::new(Reason::InternalFault, "an import is not a call")),
    }
}

/// The call's identifiers after C1 to C6.
fn asked<'c>(context: &Context<'c>) -> Result<&'c [Asked<'c>], Fault> {
    let asked = context.asked()?;
    if !c5_nothing_usable::any_usable(asked) {
        return Err(c5_nothing_usable::fault());
    }
    refuse_two_values(asked)?;
    Ok(asked)
}

/// Two different values of one unique or immutable type cannot both be the person's.
pub(crate) fn refuse_two_values(asked: &[Asked<'_>]) -> Result<(), Fault> {
    let usable: Vec<(usize, &Usable<'_>)> = asked::usable(asked).collect();
    for (place, (index, one)) in usable.iter().enumerate() {
        let alone = one.settings.unique || one.settings.immutable;
        if alone && usable[..place].iter().any(|(_, earlier)| earlier.type_name == one.type_name) {
            let mut fault = Fault::field(
                format!("identifiers[{index}]"),
                "a unique type may have one value in a call: send the value that is meant",
            );
            fault.reason = Reason::TwoValuesOfUniqueType;
            return Err(fault);
        }
    }
    Ok(())
}
