//! I8 Search tells which profile Identify would return, and never writes; where Identify would create one → `NOT_FOUND`.

use crate::decide::{Context, Decider, Decision};
use crate::explain::RuleId;
use crate::fault::Fault;
use crate::plan::Outcome;
use crate::rules::prepare::Asked;
use crate::rules::{dispositions, i3_identify, i5_attach, isolation, m11_search};

/// Runs Identify's look-up and stops there.
pub(crate) fn search(decider: &mut Decider<'_>, context: &mut Context<'_>, asked: &[Asked]) -> Result<Decision, Fault> {
    let usable = isolation::usable(asked);
    let state = &*decider.state;
    let Some(serial) = i3_identify::find(state, context, &usable) else { return Err(m11_search::no_match()) };
    let told: Vec<_> = usable.iter().map(|(index, one)| (*index, i5_attach::judge(state, serial, one))).collect();
    Ok(Decision {
        serial: Some(serial),
        outcome: Outcome::Matched,
        merged: Vec::new(),
        identifiers: dispositions::of_asked(asked, |index| i5_attach::told_of(&told, index)),
        demoted: Vec::new(),
        changes: Vec::new(),
        decided_by: RuleId::I8,
        also_touched: Vec::new(),
    })
}
