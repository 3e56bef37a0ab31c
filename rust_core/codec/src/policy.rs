//! Policies: `utterson.v1.Policy` to and from the engine's form.

use std::sync::Arc;

use prost::Message;
use utterson_engine::fault::Violation;
use utterson_engine::numbered::Numbered;
use utterson_engine::policy::spec::{BlockedSpec, LimitSpec, PolicySpec, StrategySpec, TypeSpec, read_number};
use utterson_engine::policy::{Policy, presets};

use crate::proto::v1;

/// A policy that was checked.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Ready for use.
    pub policy: Arc<Policy>,
    /// As it is kept: encoded, every default written out.
    pub encoded: Vec<u8>,
    /// What is allowed but probably not meant.
    pub warnings: Vec<String>,
}

/// Decodes, checks and expands a policy. The error names every fault.
pub fn check(policy: &[u8]) -> Result<Checked, Vec<Violation>> {
    let decoded = v1::Policy::decode(policy)
        .map_err(|_| vec![Violation::new("policy", "must be an encoded utterson.v1.Policy")])?;
    compile(&read(decoded))
}

/// A policy that is kept, ready for use. The error names every fault.
pub fn stored(policy: &[u8]) -> Result<Checked, Vec<Violation>> {
    let decoded = v1::Policy::decode(policy)
        .map_err(|_| vec![Violation::new("policy", "must be an encoded utterson.v1.Policy")])?;
    Ok(checked(Policy::compile_kept(&read(decoded))?))
}

/// A policy that is kept, for comparing how its types are normalised: without its blocked patterns, which may take long
/// to compile. `None` where the bytes are no policy.
#[must_use]
pub fn kept(policy: &[u8]) -> Option<Policy> {
    let mut spec = read(v1::Policy::decode(policy).ok()?);
    spec.blocked.clear();
    spec.identifier_types.iter_mut().chain(&mut spec.default_type).for_each(|written| written.blocked.clear());
    Policy::compile(&spec).ok().map(|(policy, _)| policy)
}

/// The policy of a preset; `None` where no preset has this name.
#[must_use]
pub fn preset(name: &str) -> Option<Checked> {
    compile(&presets::preset(name)?).ok()
}

fn compile(spec: &PolicySpec) -> Result<Checked, Vec<Violation>> {
    Ok(checked(Policy::compile(spec)?))
}

fn checked((policy, warnings): (Policy, Vec<String>)) -> Checked {
    let encoded = write(policy.expanded()).encode_to_vec();
    Checked { policy: Arc::new(policy), encoded, warnings }
}

fn read(policy: v1::Policy) -> PolicySpec {
    let mut unreadable = Vec::new();
    let found = &mut unreadable;
    let types = policy.identifier_types.into_iter().enumerate();
    let identifier_types = types
        .map(|(position, written)| read_type(written, &format!("policy.identifier_types[{position}]"), found))
        .collect();
    let default_type = policy.default_type.map(|written| read_type(written, "policy.default_type", found));
    let unlisted_types = read_number(policy.unlisted_types, || String::from("policy.unlisted_types"), found);
    let strategy = policy.strategy.map(|strategy| read_strategy(strategy, found));
    let blocked = policy.blocked.into_iter().map(read_blocked).collect();
    PolicySpec { identifier_types, default_type, unlisted_types, blocked, strategy, unreadable }
}

fn read_type(written: v1::IdentifierType, path: &str, unreadable: &mut Vec<Violation>) -> TypeSpec {
    TypeSpec {
        name: written.name,
        unique: written.unique,
        login: written.login,
        immutable: written.immutable,
        normalization: read_number(written.normalization, || format!("{path}.normalization"), unreadable),
        region: written.region,
        blocked: written.blocked.into_iter().map(read_blocked).collect(),
        limit: written.limit.map(|limit| LimitSpec {
            max_values: limit.max_values,
            window: read_number(limit.window, || format!("{path}.limit.window"), unreadable),
            scope: read_number(limit.scope, || format!("{path}.limit.scope"), unreadable),
            on_exceeded: read_number(limit.on_exceeded, || format!("{path}.limit.on_exceeded"), unreadable),
        }),
    }
}

fn read_blocked(blocked: v1::BlockedValue) -> BlockedSpec {
    match blocked.pattern {
        None => BlockedSpec::Unset,
        Some(v1::blocked_value::Pattern::Exact(value)) => BlockedSpec::Exact(value),
        Some(v1::blocked_value::Pattern::Regex(pattern)) => BlockedSpec::Regex(pattern),
    }
}

fn read_strategy(strategy: v1::policy::Strategy, unreadable: &mut Vec<Violation>) -> StrategySpec {
    match strategy {
        v1::policy::Strategy::Merge(merge) => {
            StrategySpec::Merge { max_merges: merge.max_merges, max_identifiers: merge.max_identifiers }
        }
        v1::policy::Strategy::Isolation(isolation) => {
            let at = |field: &str| format!("policy.isolation.{field}");
            let on_new_known_user = read_number(isolation.on_new_known_user, || at("on_new_known_user"), unreadable);
            let on_logout = read_number(isolation.on_logout, || at("on_logout"), unreadable);
            StrategySpec::Isolation { on_new_known_user, on_logout }
        }
    }
}

fn number<T: Numbered>(member: Option<T>) -> i32 {
    member.map_or(0, T::number)
}

fn write(spec: PolicySpec) -> v1::Policy {
    v1::Policy {
        identifier_types: spec.identifier_types.into_iter().map(write_type).collect(),
        default_type: spec.default_type.map(write_type),
        unlisted_types: number(spec.unlisted_types),
        blocked: spec.blocked.into_iter().map(write_blocked).collect(),
        strategy: spec.strategy.map(write_strategy),
        ..v1::Policy::default()
    }
}

fn write_type(spec: TypeSpec) -> v1::IdentifierType {
    v1::IdentifierType {
        name: spec.name,
        unique: spec.unique,
        login: spec.login,
        immutable: spec.immutable,
        normalization: number(spec.normalization),
        region: spec.region,
        blocked: spec.blocked.into_iter().map(write_blocked).collect(),
        limit: spec.limit.map(|limit| v1::Limit {
            max_values: limit.max_values,
            window: number(limit.window),
            scope: number(limit.scope),
            on_exceeded: number(limit.on_exceeded),
        }),
    }
}

fn write_blocked(spec: BlockedSpec) -> v1::BlockedValue {
    let pattern = match spec {
        BlockedSpec::Unset => None,
        BlockedSpec::Exact(value) => Some(v1::blocked_value::Pattern::Exact(value)),
        BlockedSpec::Regex(pattern) => Some(v1::blocked_value::Pattern::Regex(pattern)),
    };
    v1::BlockedValue { pattern }
}

fn write_strategy(spec: StrategySpec) -> v1::policy::Strategy {
    match spec {
        StrategySpec::Merge { max_merges, max_identifiers } => {
            v1::policy::Strategy::Merge(v1::MergeStrategy { max_merges, max_identifiers })
        }
        StrategySpec::Isolation { on_new_known_user, on_logout } => {
            v1::policy::Strategy::Isolation(v1::IsolationStrategy {
                on_new_known_user: number(on_new_known_user),
                on_logout: number(on_logout),
                ..v1::IsolationStrategy::default()
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_survive_their_bytes() {
        for name in presets::NAMES {
            let encoded = preset(name).expect("a preset").encoded;
            let checked = check(&encoded).expect("a good policy");
            assert_eq!(checked.encoded, encoded, "{name}");
            let spec = presets::preset(name).expect("a preset");
            assert_eq!(checked.policy.expanded(), Policy::compile(&spec).expect("good").0.expanded());
        }
        assert!(preset("nobody").is_none());
    }

    #[test]
    fn unknown_numbers_are_named_with_all_other_faults() {
        let policy = v1::Policy {
            identifier_types: vec![v1::IdentifierType {
                name: "A".into(),
                normalization: 99,
                limit: Some(v1::Limit { window: -1, scope: 9, on_exceeded: 9, max_values: 1 }),
                ..v1::IdentifierType::default()
            }],
            unlisted_types: 7,
            ..v1::Policy::default()
        };
        let violations = check(&policy.encode_to_vec()).expect_err("faults");
        let fields: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
        for field in ["normalization", "limit.window", "limit.scope", "limit.on_exceeded", "name"] {
            assert!(fields.contains(&format!("policy.identifier_types[0].{field}").as_str()), "{field}");
        }
        assert!(fields.contains(&"policy.unlisted_types") && fields.contains(&"policy"));
    }

    #[test]
    fn other_bytes_are_one_violation() {
        let violations = check(&[0xff]).expect_err("a fault");
        assert_eq!(violations.len(), 1);
    }
}
