//! Planning a change of a workspace's policy.

use std::sync::Arc;

use crate::fault::{Fault, Reason, Violation};
use crate::ids::{EntryId, Micros, PolicyRevision, Seq};
use crate::plan::{Effect, Entry, Plan};
use crate::policy::{Policy, change};
use crate::state::State;

/// Plans a change of the policy: it judges later calls only, nothing is decided anew (rule C8).
///
/// Refused while profiles exist: another strategy, another normalisation or region of a type. A type that no policy
/// took for a while returns as it was, if identifiers of it are still held.
///
/// `earlier` are policies before the one in force, newest first: for each of the [`returning_types`] the newest that took
/// it; others may be left out. The state knows the policy in force only, and not in which form the identifiers of a type
/// are that it does not take; policies never change once they are kept, so whoever reads them may bring them.
///
/// # Errors
///
/// `PolicyChangeForbidden`, which names every field that must stay.
pub fn decide_policy(
    state: &State,
    (policy, encoded): (Arc<Policy>, Vec<u8>),
    earlier: &[Policy],
    (now, id): (Micros, EntryId),
) -> Result<Plan, Fault> {
    let violations = forbidden(state, earlier, &policy);
    if !violations.is_empty() {
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

/// The types that `policy` takes, the policy in force does not, and of which identifiers are held: a change to `policy` is
/// decided with the newest earlier policy that took each of them.
#[must_use]
pub fn returning_types(state: &State, policy: &Policy) -> Vec<String> {
    let held = state.held_types(|name| change::returns(name, &state.policy, policy));
    held.into_iter().map(str::to_owned).collect()
}

/// What stored data forbids.
fn forbidden(state: &State, earlier: &[Policy], policy: &Policy) -> Vec<Violation> {
    if state.profiles.is_empty() {
        return Vec::new();
    }
    let held = state.held_types(|name| change::returns(name, &state.policy, policy));
    let mut violations = change::forbidden(&state.policy, policy);
    violations.extend(change::forbidden_again(&held, earlier, &state.policy, policy));
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Serial;
    use crate::normalize::Normalization;
    use crate::policy::spec::{PolicySpec, TypeSpec, UnlistedTypes};
    use crate::testing::calls::{identify, modify};
    use crate::testing::{World, policies};

    /// A policy that takes `user`, and `email` in this form where it takes it.
    fn taking(email: Option<Normalization>) -> PolicySpec {
        let of = |name: &str, normalization| TypeSpec { name: name.into(), normalization, ..TypeSpec::default() };
        let mut types = vec![of("user", None)];
        types.extend(email.map(|form| of("email", Some(form))));
        PolicySpec { identifier_types: types, unlisted_types: Some(UnlistedTypes::Ignore), ..policies::boundless() }
    }

    const EMAIL: Option<Normalization> = Some(Normalization::Email);
    const NONE: Option<Normalization> = Some(Normalization::None);

    fn fields(refused: &Fault) -> Vec<&str> {
        assert_eq!(refused.reason, Reason::PolicyChangeForbidden);
        refused.violations.iter().map(|violation| &*violation.field).collect()
    }

    #[test]
    fn a_type_returns_as_it_was() {
        let mut world = World::new(&taking(EMAIL));
        world.accept(&identify("user=1 email=A@x"));
        world.change_policy(&taking(None));
        world.change_policy(&taking(None));
        let refused = world.try_policy(&taking(NONE)).expect_err("a@x is stored, A@x would be looked for");
        assert_eq!(fields(&refused), ["policy.identifier_types[1].normalization"]);
        world.change_policy(&taking(EMAIL));
        assert_eq!(world.serial(&identify("email=a@X")), 1);
    }

    #[test]
    fn a_type_returns_as_the_default_type_took_it() {
        let default = |unlisted, form| PolicySpec {
            unlisted_types: Some(unlisted),
            default_type: Some(TypeSpec { normalization: form, ..TypeSpec::default() }),
            ..taking(None)
        };
        let mut world = World::new(&default(UnlistedTypes::Accept, EMAIL));
        world.accept(&identify("email=A@x"));
        world.change_policy(&default(UnlistedTypes::Reject, None));
        let refused = world.try_policy(&taking(NONE)).expect_err("listed in another form");
        assert_eq!(fields(&refused), ["policy.identifier_types[1].normalization"]);
        let refused = world.try_policy(&default(UnlistedTypes::Accept, NONE)).expect_err("accepted in another form");
        assert_eq!(fields(&refused), ["policy.default_type.normalization"]);
        world.change_policy(&taking(EMAIL));
    }

    #[test]
    fn a_type_that_nobody_holds_any_more_returns_as_it_likes() {
        let mut world = World::new(&taking(EMAIL));
        world.accept(&identify("user=1 email=A@x"));
        world.accept(&modify(1, &[("email", "a@x", "")]));
        world.change_policy(&taking(None));
        world.change_policy(&taking(NONE));
    }

    #[test]
    fn what_was_in_force_before_the_first_profile_binds_nobody() {
        let mut world = World::new(&taking(NONE));
        world.change_policy(&taking(EMAIL));
        world.accept(&identify("email=A@x"));
        world.change_policy(&taking(None));
        world.change_policy(&taking(EMAIL));
        assert!(world.state.profiles.get(Serial(1)).is_some());
    }

    #[test]
    fn every_state_of_the_same_log_forbids_the_same() {
        let mut world = World::new(&taking(EMAIL));
        world.accept(&identify("user=1 email=A@x"));
        world.change_policy(&taking(None));
        let mut replica = world.fresh();
        for plan in &world.log {
            replica.commit(&plan.entry, &plan.effects).expect("the same log");
        }
        let told = world.try_policy(&taking(NONE)).expect_err("refused");
        world.state = replica;
        assert_eq!(world.try_policy(&taking(NONE)).expect_err("refused"), told);
    }
}
