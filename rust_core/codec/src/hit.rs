//! Pure hits: calls that change nothing, answered at once on the committed state.

use utterson_engine::call::Consistency;
use utterson_engine::decide::{Submission, decide};
use utterson_engine::ids::{EntryId, Micros};
use utterson_engine::plan::Verdict;
use utterson_engine::state::State;

use crate::encode::{EventEncoder, decided, unary};

/// The response of a unary call that changes nothing and is content with this replica's memory; `None` for any other,
/// a refused and a repeated one too. The state is left as it was.
pub fn answer(state: &mut State, submission: &Submission<'_>, now: Micros, default_strong: bool) -> Option<Vec<u8>> {
    let call = submission.as_ref().ok()?;
    let content = match call.consistency {
        Consistency::Local => true,
        Consistency::Default => !default_strong,
        Consistency::Strong => false,
    };
    if !content {
        return None;
    }
    // Nobody sees the entry of a plan that writes nothing, so its id is never drawn.
    let plan = decide(state, [submission], (now, EntryId([0; 16])), &EventEncoder);
    let [decision] = &plan.decided[..] else { return None };
    if decision.writes || !matches!(decision.verdict, Verdict::Resolution(_)) {
        return None;
    }
    Some(unary(&decided(&plan, &[submission], &state.digester).accepted))
}

#[cfg(test)]
mod tests;
