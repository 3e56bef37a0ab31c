//! M3 Check, in this order; the first check that fails demotes one identifier from the event and goes back to M2:
//! merges in total (M3.1), exclusive types (M3.2), values per identifier type (M3.3), identifiers in all (M3.4).
//!
//! Source: the seed, "we first check the three rules we have in place to protect the identity graph"; the fourth is
//! of the later documents. The checks guard every final profile, in all three cases of the seed.
//! M10 Ends: each round takes an identifier off the event, and with one left at most one profile matches.

use crate::decide::Context;
use crate::explain::{Check, RuleId};
use crate::ids::Serial;
use crate::plan::{Demotion, DemotionReason};
use crate::rules::m2_match::{self, Candidate};
use crate::rules::prepare::Asked;
use crate::rules::values::{self, TypeValues};
use crate::rules::{m3_1_merges, m3_2_exclusive, m3_3_values, m3_4_identifiers, prepare};
use crate::state::State;

/// What is left when all checks passed.
pub(crate) struct Checked<'a> {
    /// The identifiers still on the event.
    pub candidates: Vec<Candidate<'a>>,
    /// M, oldest first.
    pub matched: Vec<Serial>,
    /// The demotions, in order.
    pub demoted: Vec<Demotion>,
}

/// A check that failed: what it takes off the event, by its place among the candidates.
pub(crate) struct Failed {
    /// Which candidate.
    pub candidate: usize,
    /// Why.
    pub reason: DemotionReason,
}

/// The final profile that the checks look at.
pub(crate) struct Final<'a, 'c> {
    /// The state.
    pub state: &'a State,
    /// What is left of the event.
    pub candidates: &'a [Candidate<'c>],
    /// M.
    pub matched: &'a [Serial],
    /// F by type.
    pub types: Vec<TypeValues<'a>>,
}

/// Runs rounds of M2 and M3 until all checks pass.
pub(crate) fn check<'a>(state: &State, context: &mut Context<'_>, asked: &'a [Asked]) -> Checked<'a> {
    let mut candidates = m2_match::candidates(state, prepare::usable(asked));
    let mut demoted: Vec<Demotion> = Vec::new();
    loop {
        let matched = m2_match::matched(&candidates);
        let mut checks = Vec::new();
        let failed = run(state, context, &candidates, &matched, &mut checks);
        let round = u32::try_from(demoted.len() + 1).unwrap_or(u32::MAX);
        let demotion = failed.as_ref().map(|failed| Demotion {
            index: candidates[failed.candidate].index,
            reason: failed.reason,
            round,
        });
        context.trace(|| {
            let mut trace = m2_match::trace(state, &candidates);
            (trace.checks, trace.demoted) = (checks, demotion);
            trace
        });
        match (failed, demotion) {
            (Some(failed), Some(demotion)) => {
                candidates.remove(failed.candidate);
                demoted.push(demotion);
            }
            _ => return Checked { candidates, matched, demoted },
        }
    }
}

fn run(
    state: &State,
    context: &Context<'_>,
    candidates: &[Candidate<'_>],
    matched: &[Serial],
    checks: &mut Vec<Check>,
) -> Option<Failed> {
    let types = values::by_type(state, candidates, matched, context.time);
    let profile = Final { state, candidates, matched, types };
    m3_1_merges::check(&profile, checks)
        .or_else(|| m3_2_exclusive::check(&profile, checks))
        .or_else(|| m3_3_values::check(&profile, checks))
        .or_else(|| m3_4_identifiers::check(&profile, checks))
}

/// Notes a check and answers whether it passed.
pub(crate) fn note(checks: &mut Vec<Check>, rule: RuleId, (figure, limit): (u64, u64), passed: bool) -> bool {
    checks.push(Check { rule, figure, limit, passed });
    passed
}
