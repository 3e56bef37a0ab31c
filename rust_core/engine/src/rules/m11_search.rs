//! M11 Search (merge family): the owner of the highest-ranked identifier that has one; never writes; `NOT_FOUND`
//! without a hit, also where nothing usable is left of the identifiers.

use crate::decide::{Context, Decider, Decision};
use crate::explain::RuleId;
use crate::fault::{Fault, Reason};
use crate::plan::{Disposition, Outcome};
use crate::rules::{dispositions, m2_match, prepare};

/// Finds the owner of the most trusted identifier that has one.
pub(crate) fn search(decider: &mut Decider<'_>, context: &mut Context<'_>) -> Result<Decision, Fault> {
    let state = &*decider.state;
    let asked = prepare::prepare(&state.policy, &context.call.identifiers, &state.digester)?.asked;
    let candidates = m2_match::candidates(state, prepare::usable(&asked));
    context.trace(|| m2_match::trace(state, &candidates));
    let held = candidates.iter().filter(|candidate| candidate.owner.is_some());
    let best = held.min_by(|a, b| (&a.usable.rank, a.index).cmp(&(&b.usable.rank, b.index)));
    let Some(serial) = best.and_then(|candidate| candidate.owner) else { return Err(no_match()) };
    let owned = |index| candidates.iter().any(|one| one.index == index && one.owner == Some(serial));
    let elsewhere = |index| candidates.iter().any(|one| one.index == index && one.owner.is_some());
    Ok(Decision {
        serial: Some(serial),
        outcome: Outcome::Matched,
        merged: Vec::new(),
        identifiers: dispositions::of_asked(&asked, |index| {
            // A Search attaches nothing: what Identify would attach is told as ATTACHED only by a dry run.
            let disposition = if owned(index) {
                Disposition::Matched
            } else if elsewhere(index) {
                Disposition::HeldByOther
            } else {
                Disposition::Attached
            };
            (disposition, None)
        }),
        demoted: Vec::new(),
        changes: Vec::new(),
        decided_by: RuleId::M11,
        also_touched: Vec::new(),
    })
}

/// The refusal of a Search that finds nobody.
pub(crate) fn no_match() -> Fault {
    Fault::new(Reason::NoMatch, "no profile holds any of these identifiers: an Identify would create one")
}
