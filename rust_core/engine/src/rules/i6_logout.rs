//! I6 Logout: login identifiers in the call are dropped, with a warning, in all three modes; nothing left is refused.
//! `RETURN_TO_ANONYMOUS`: a waterfall over anonymous profiles; none → new. `CREATE_ANONYMOUS`: always a new profile with
//! the identifiers, even if an anonymous one holds them. IDENTIFY: as I3. I5 holds afterwards.
//!
//! Source: the seed's row "User logs out"; the sibling pages.

use crate::decide::{Context, Decider, Decision};
use crate::explain::RuleId;
use crate::fault::Fault;
use crate::policy::{OnLogout, Strategy};
use crate::rules::i2_waterfall::Filter;
use crate::rules::i3_identify::{self, Settlement};
use crate::rules::prepare::{Asked, Usable};
use crate::rules::{c5_nothing_usable, isolation};

/// Finds or makes the anonymous profile.
pub(crate) fn logout(decider: &mut Decider<'_>, context: &mut Context<'_>, asked: &[Asked]) -> Result<Decision, Fault> {
    let usable = isolation::usable(asked);
    let kept: Vec<(usize, &Usable)> = usable.iter().copied().filter(|(_, one)| !one.settings.login).collect();
    if kept.is_empty() {
        return Err(c5_nothing_usable::fault());
    }
    if kept.len() < usable.len() {
        context.warnings.push("login identifiers on a Logout are dropped".to_owned());
    }
    let Strategy::Isolation { on_logout, .. } = decider.state.policy.strategy() else {
        return Err(c5_nothing_usable::fault());
    };
    let found = match on_logout {
        OnLogout::ReturnToAnonymous => i3_identify::waterfall(decider.state, context, &kept, Filter::Anonymous),
        OnLogout::CreateAnonymous => None,
        OnLogout::Identify => i3_identify::find(decider.state, context, &kept),
    };
    let settlement = Settlement { usable: &kept, found, source: None, decided_by: RuleId::I6 };
    i3_identify::settle(decider, context, asked, &settlement)
}
