//! Pure hits: calls that change nothing, answered at once on the committed state.

use utterson_engine::call::Consistency;
use utterson_engine::decide::{Submission, decide};
use utterson_engine::ids::{EntryId, Micros};
use utterson_engine::plan::Verdict;
use utterson_engine::state::State;

use crate::encode::{EventEncoder, decided, unary, unknown};

/// How fresh an answer from memory is: which calls it may be given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// For calls that ask for no confirmed state; `default_strong` tells whether those that do not say ask for one.
    Local { default_strong: bool },
    /// For all: it is held back until the database has confirmed the head that the state stands at.
    Confirmed,
}

impl Freshness {
    fn suits(self, consistency: Consistency) -> bool {
        match (self, consistency) {
            (Self::Confirmed, _) | (Self::Local { .. }, Consistency::Local) => true,
            (Self::Local { default_strong }, Consistency::Default) => !default_strong,
            (Self::Local { .. }, Consistency::Strong) => false,
        }
    }
}

/// The response of a unary call that changes nothing and may be answered from memory; `None` for any other, a refused
/// and a repeated one too. The state is left as it was.
pub fn answer(state: &mut State, submission: &Submission<'_>, now: Micros, freshness: Freshness) -> Option<Vec<u8>> {
    let call = submission.as_ref().ok()?;
    if !freshness.suits(call.consistency) {
        return None;
    }
    // Nobody sees the entry of a plan that writes nothing, so its id is never drawn.
    let plan = decide(state, [submission], (now, EntryId([0; 16])), &EventEncoder);
    let [decision] = &plan.decided[..] else { return None };
    // What a dry run would replace is read from the tables.
    if !unknown(&plan).is_empty() {
        return None;
    }
    if decision.writes || !matches!(decision.verdict, Verdict::Resolution(_)) {
        return None;
    }
    Some(unary(&decided(&plan, &[submission], &state.digester).accepted))
}

#[cfg(test)]
mod tests;
