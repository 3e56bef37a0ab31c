//! Planning a change of a workspace's policy.

use std::sync::Arc;

use crate::fault::{Fault, Reason};
use crate::ids::{EntryId, Micros, PolicyRevision, Seq};
use crate::plan::{Effect, Entry, Plan};
use crate::policy::{Policy, change};
use crate::state::State;

/// Plans a change of the policy: it judges later calls only, nothing is decided anew (rule C8).
///
/// Refused while profiles exist: another strategy, another normalisation or region of a type.
pub fn decide_policy(
    state: &mut State,
    policy: Arc<Policy>,
    encoded: Vec<u8>,
    (now, id): (Micros, EntryId),
) -> Result<Plan, Fault> {
    let violations = change::forbidden(&state.policy, &policy);
    if !state.profiles.is_empty() && !violations.is_empty() {
        let mut fault = Fault::new(
            Reason::PolicyChangeForbidden,
            "stored profiles forbid this change of the policy: keep the fields named, or use a new workspace",
        );
        fault.violations = violations;
        return Err(fault);
    }
    // Nothing but the policy changes, so nothing is tried: the entry is put together by hand.
    let revision = PolicyRevision(state.policy_revision.0 + 1);
    let entry = Entry {
        seq: Seq(state.head.seq.0 + 1),
        id,
        prev: state.head.id,
        policy_revision: revision,
        commit_time: Micros(now.0.max(state.head.commit_time.0 + 1)),
        state_hash: state.hash,
    };
    let effects = vec![Effect::ChangePolicy { revision, policy, encoded }];
    Ok(Plan { entry, effects, decided: Vec::new() })
}
