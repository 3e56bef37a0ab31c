//! A policy with all its defaults written out, as `GetWorkspace` answers it.

use crate::normalize::Normalization;
use crate::policy::settings::Strategy;
use crate::policy::spec::{LimitScope, LimitSpec, OnExceeded, PolicySpec, StrategySpec, TypeSpec, Window};
use crate::policy::{InvalidIdentifiers, Policy};
use crate::rules_version::RulesVersion;

pub(super) fn expand(policy: &Policy) -> PolicySpec {
    let spec = &policy.spec;
    PolicySpec {
        identifier_types: spec.identifier_types.iter().map(expand_type).collect(),
        default_type: spec.default_type.as_ref().map(expand_type),
        unlisted_types: Some(policy.unlisted),
        blocked: spec.blocked.clone(),
        blocked_lists: spec.blocked_lists.clone(),
        expanded_lists: policy.expanded_lists.clone(),
        invalid_identifiers: Some(match spec.rules_version {
            RulesVersion::Zero => spec.invalid_identifiers.unwrap_or(InvalidIdentifiers::Refuse),
            RulesVersion::One => policy.invalid_identifiers,
        }),
        strategy: Some(expand_strategy(policy.strategy)),
        future_tolerance_us: policy.future_tolerance_us().or(spec.future_tolerance_us),
        rules_version: spec.rules_version,
        unreadable: Vec::new(),
    }
}

fn expand_type(written: &TypeSpec) -> TypeSpec {
    TypeSpec {
        normalization: Some(written.normalization.unwrap_or(Normalization::None)),
        limit: written.limit.map(|limit| LimitSpec {
            max_values: limit.max_values,
            window: Some(limit.window.unwrap_or(Window::Ever)),
            scope: Some(limit.scope.unwrap_or(LimitScope::Always)),
            on_exceeded: Some(limit.on_exceeded.unwrap_or(OnExceeded::DemoteLowest)),
        }),
        ..written.clone()
    }
}

fn expand_strategy(strategy: Strategy) -> StrategySpec {
    match strategy {
        Strategy::Merge { max_merges, max_identifiers } => {
            StrategySpec::Merge { max_merges: Some(max_merges), max_identifiers: Some(max_identifiers) }
        }
        Strategy::Isolation { on_new_known_user, on_logout, login_match } => StrategySpec::Isolation {
            on_new_known_user: Some(on_new_known_user),
            on_logout: Some(on_logout),
            login_match: Some(login_match),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::presets::{NAMES, preset};
    use crate::policy::spec::{LoginMatch, UnlistedTypes};

    #[test]
    fn every_default_is_written_out() {
        let spec = PolicySpec {
            identifier_types: vec![TypeSpec {
                name: "a".into(),
                limit: Some(LimitSpec { max_values: 5, ..LimitSpec::default() }),
                ..TypeSpec::default()
            }],
            strategy: Some(StrategySpec::Merge { max_merges: None, max_identifiers: Some(0) }),
            ..PolicySpec::default()
        };
        let expanded = Policy::compile(&spec).expect("a good policy").0.expanded();
        assert_eq!(expanded.unlisted_types, Some(UnlistedTypes::Accept));
        let strategy = StrategySpec::Merge { max_merges: Some(100), max_identifiers: Some(0) };
        assert_eq!(expanded.strategy, Some(strategy));
        assert_eq!(expanded.identifier_types[0].normalization, Some(Normalization::None));
        let limit = expanded.identifier_types[0].limit.expect("a limit");
        assert_eq!((limit.window, limit.scope), (Some(Window::Ever), Some(LimitScope::Always)));
        assert_eq!(limit.on_exceeded, Some(OnExceeded::DemoteLowest));
    }

    #[test]
    fn how_logins_match_and_how_far_ahead_a_time_may_be_are_written_out() {
        let policy = Policy::compile(&preset("default").expect("a preset")).expect("good").0;
        let Strategy::Isolation { login_match, .. } = policy.strategy() else { panic!("of the other family") };
        assert_eq!(login_match, LoginMatch::Any);
        assert_eq!(policy.future_tolerance_us(), Some(3_600_000_000));
        assert_eq!(policy.expanded().future_tolerance_us, Some(3_600_000_000));
    }

    #[test]
    fn lists_and_what_becomes_of_invalid_values_are_written_out() {
        for (name, invalid) in [("default", InvalidIdentifiers::Refuse), ("unify", InvalidIdentifiers::SetAside)] {
            let expanded = Policy::compile(&preset(name).expect("a preset")).expect("good").0.expanded();
            assert_eq!(expanded.invalid_identifiers, Some(invalid), "{name}");
            assert_eq!(expanded.expanded_lists.len(), 2);
            assert!(expanded.expanded_lists.iter().all(|list| !list.blocked.is_empty()));
        }
        let of_old = PolicySpec { rules_version: RulesVersion::Zero, ..preset("unify").expect("a preset") };
        let policy = Policy::compile(&of_old).expect("good").0;
        assert_eq!(policy.invalid_identifiers(), InvalidIdentifiers::Refuse);
    }

    #[test]
    fn expanding_twice_changes_nothing() {
        for name in NAMES {
            let once = Policy::compile(&preset(name).expect("a preset")).expect("good").0.expanded();
            assert_eq!(Policy::compile(&once).expect("good").0.expanded(), once, "{name}");
        }
    }
}
