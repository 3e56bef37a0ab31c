//! From a policy as written to a policy that can be asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fault::Violation;
use crate::normalize::{Normalization, Region};
use crate::policy::block::{BlockList, Part};
use crate::policy::expressions::Budget;
use crate::policy::settings::{Limit, Strategy, TypeSettings};
use crate::policy::spec::{
    ExpandedSpec, InvalidIdentifiers, LimitScope, LimitSpec, LoginMatch, OnExceeded, PolicySpec, StrategySpec,
    TypeSpec, UnlistedTypes, Window,
};
use crate::policy::{ListedType, Policy, check, lists, warnings};
use crate::rules_version::RulesVersion;

/// The merges in one profile's history where a policy names no number.
pub(super) const DEFAULT_MAX_MERGES: u32 = 100;
/// The identifiers of one profile where a policy names no number.
pub(super) const DEFAULT_MAX_IDENTIFIERS: u32 = 1000;

/// How far ahead an event time may be where a policy does not say: an hour, in microseconds (rule C11).
pub(super) const DEFAULT_FUTURE_TOLERANCE_US: i64 = 3600 * 1_000_000;

/// Where a policy stands within the requests that carry one.
const ROOT: &str = "policy";

pub(super) fn compile(spec: &PolicySpec, mut budget: Budget) -> Result<(Policy, Vec<String>), Vec<Violation>> {
    let mut violations = spec.unreadable.clone();
    check::check(spec, ROOT, &mut violations);
    if spec.identifier_types.len() > check::MAX_TYPES || check::pattern_count(spec) > check::MAX_PATTERNS {
        // Compiling what is refused anyway could take long.
        return Err(violations);
    }
    let expanded_lists = lists::expanded(spec);
    let blocked = block_list(spec, &expanded_lists, &mut budget, &mut violations);
    let mut listed = Vec::with_capacity(spec.identifier_types.len());
    for (position, written) in spec.identifier_types.iter().enumerate() {
        let path = format!("{ROOT}.identifier_types[{position}]");
        let settings = settings(written, &path, &mut budget, &mut violations);
        listed.push(ListedType { name: Arc::from(&*written.name), settings });
    }
    let default_type = match &spec.default_type {
        Some(written) => settings(written, &format!("{ROOT}.default_type"), &mut budget, &mut violations),
        None => TypeSettings::plain(),
    };
    // A strategy is missing only where `check` said so.
    let strategy = spec.strategy.and_then(strategy).filter(|_| violations.is_empty()).ok_or(violations)?;
    let positions: BTreeMap<Arc<str>, usize> =
        listed.iter().enumerate().map(|(position, listed)| (Arc::clone(&listed.name), position)).collect();
    let mut policy = Policy {
        spec: spec.clone(),
        listed,
        positions,
        unlisted: spec.unlisted_types.unwrap_or(family_default(strategy)),
        default_type,
        blocked,
        expanded_lists,
        invalid_identifiers: invalid_identifiers(spec, strategy),
        strategy,
        future_tolerance_us: spec.future_tolerance_us.unwrap_or(DEFAULT_FUTURE_TOLERANCE_US),
        value_cost: 1,
    };
    policy.value_cost = policy.dearest_value();
    let warnings = warnings::warnings(&policy);
    Ok((policy, warnings))
}

/// What is blocked for every type: the policy's own patterns, those of expansions of its own, and the lists of this build,
/// which are compiled once for all policies.
fn block_list(
    spec: &PolicySpec,
    expanded_lists: &[ExpandedSpec],
    budget: &mut Budget,
    violations: &mut Vec<Violation>,
) -> BlockList {
    let (shared, own) = lists::shared(expanded_lists);
    let mut parts = vec![Part { path: format!("{ROOT}.blocked"), blocked: &spec.blocked }];
    parts.extend(own.into_iter().map(|position| Part {
        path: format!("{ROOT}.expanded_lists[{position}].blocked"),
        blocked: &expanded_lists[position].blocked,
    }));
    // One set of expressions: each value is looked through once.
    let mut list = BlockList::compile(&parts, budget, violations);
    list.add(shared);
    list
}

fn settings(written: &TypeSpec, path: &str, budget: &mut Budget, violations: &mut Vec<Violation>) -> TypeSettings {
    TypeSettings {
        unique: written.unique,
        login: written.login,
        immutable: written.immutable,
        normalization: written.normalization.unwrap_or(Normalization::None),
        region: Region::parse(&written.region),
        limit: written.limit.and_then(limit),
        blocked: BlockList::compile(
            &[Part { path: format!("{path}.blocked"), blocked: &written.blocked }],
            budget,
            violations,
        ),
    }
}

fn limit(written: LimitSpec) -> Option<Limit> {
    (written.max_values > 0).then(|| Limit {
        max_values: written.max_values,
        window_us: written.window.and_then(Window::length_us),
        scope: written.scope.unwrap_or(LimitScope::Always),
        on_exceeded: written.on_exceeded.unwrap_or(OnExceeded::DemoteLowest),
    })
}

fn strategy(written: StrategySpec) -> Option<Strategy> {
    match written {
        StrategySpec::Merge { max_merges, max_identifiers } => Some(Strategy::Merge {
            max_merges: max_merges.unwrap_or(DEFAULT_MAX_MERGES),
            max_identifiers: max_identifiers.unwrap_or(DEFAULT_MAX_IDENTIFIERS),
        }),
        StrategySpec::Isolation { on_new_known_user, on_logout, login_match } => Some(Strategy::Isolation {
            on_new_known_user: on_new_known_user?,
            on_logout: on_logout?,
            login_match: login_match.unwrap_or(LoginMatch::Any),
        }),
    }
}

/// What happens to invalid values: what the policy says, else what its family does; in 0.1 they were refused (rule C12).
fn invalid_identifiers(spec: &PolicySpec, strategy: Strategy) -> InvalidIdentifiers {
    let family_default = match (spec.rules_version, strategy) {
        (RulesVersion::Zero, _) => return InvalidIdentifiers::Refuse,
        (RulesVersion::One, Strategy::Merge { .. }) => InvalidIdentifiers::SetAside,
        (RulesVersion::One, Strategy::Isolation { .. }) => InvalidIdentifiers::Refuse,
    };
    spec.invalid_identifiers.unwrap_or(family_default)
}

/// What happens to unlisted types where the policy does not say (rule C4).
fn family_default(strategy: Strategy) -> UnlistedTypes {
    match strategy {
        Strategy::Merge { .. } => UnlistedTypes::Accept,
        Strategy::Isolation { .. } => UnlistedTypes::Ignore,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::TypeStatus;
    use crate::policy::presets::preset;

    fn compiled(spec: &PolicySpec) -> Policy {
        Policy::compile(spec).expect("a good policy").0
    }

    #[test]
    fn defaults_are_filled_in() {
        let spec = PolicySpec {
            identifier_types: vec![TypeSpec {
                name: "a".into(),
                limit: Some(LimitSpec { max_values: 1, ..LimitSpec::default() }),
                ..TypeSpec::default()
            }],
            strategy: Some(StrategySpec::Merge { max_merges: None, max_identifiers: None }),
            ..PolicySpec::default()
        };
        let policy = compiled(&spec);
        assert_eq!(policy.strategy(), Strategy::Merge { max_merges: 100, max_identifiers: 1000 });
        let TypeStatus::Listed { settings, .. } = policy.settings_of("a") else { panic!("not listed") };
        assert!(settings.limit.is_some_and(|limit| limit.is_exclusive()));
        let TypeStatus::Accepted { settings } = policy.settings_of("b") else { panic!("not accepted") };
        assert_eq!((settings.limit, settings.login), (None, false));
    }

    #[test]
    fn zero_values_mean_no_limit() {
        assert_eq!(limit(LimitSpec::default()), None);
    }

    #[test]
    fn unlisted_types_follow_the_family_unless_told() {
        let mut spec = preset("default").expect("a preset");
        assert!(matches!(compiled(&spec).settings_of("other"), TypeStatus::Ignored));
        spec.unlisted_types = Some(UnlistedTypes::Reject);
        assert!(matches!(compiled(&spec).settings_of("other"), TypeStatus::Rejected));
        assert!(matches!(compiled(&spec).settings_of("email"), TypeStatus::Listed { .. }));
    }

    #[test]
    fn a_default_types_login_counts_only_where_it_is_used() {
        let mut spec = preset("best_match").expect("a preset");
        spec.default_type = Some(TypeSpec { login: true, ..TypeSpec::default() });
        assert!(!compiled(&spec).has_login_types());
        spec.unlisted_types = Some(UnlistedTypes::Accept);
        assert!(compiled(&spec).has_login_types());
        assert!(compiled(&preset("default").expect("a preset")).has_login_types());
    }
}
