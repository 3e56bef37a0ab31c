//! Policies: `utterson.v1.Policy` to and from the engine's form.

use std::sync::Arc;

use prost::Message;
use prost_types::Duration;
use utterson_engine::fault::Violation;
use utterson_engine::numbered::Numbered;
use utterson_engine::policy::spec::{
    BlockedList, BlockedSpec, ExpandedSpec, LimitSpec, PolicySpec, StrategySpec, TypeSpec, read_number,
};
use utterson_engine::policy::{Policy, presets};
use utterson_engine::rules_version::RulesVersion;

use crate::proto::v1;

const US_IN_S: i64 = 1_000_000;
const NO_LIST: &str = "must be one of the lists that the policy's definition names";

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

/// Decodes, checks and expands a policy of a workspace of these rules, whatever version the policy names itself. The
/// error names every fault.
pub fn check(policy: &[u8], rules_version: RulesVersion) -> Result<Checked, Vec<Violation>> {
    let decoded = v1::Policy::decode(policy)
        .map_err(|_| vec![Violation::new("policy", "must be an encoded utterson.v1.Policy")])?;
    compile(&read(v1::Policy { rules_version: rules_version.number(), ..decoded }))
}

/// A policy that is kept, ready for use. The error names every fault.
pub fn stored(policy: &[u8]) -> Result<Checked, Vec<Violation>> {
    let decoded = v1::Policy::decode(policy)
        .map_err(|_| vec![Violation::new("policy", "must be an encoded utterson.v1.Policy")])?;
    Ok(checked(Policy::compile_kept(&read(decoded))?))
}

/// The rules of the workspace whose policy this is; those of now where the bytes are none.
#[must_use]
pub fn rules_version_of(policy: &[u8]) -> RulesVersion {
    let decoded = v1::Policy::decode(policy).ok();
    decoded.and_then(|policy| RulesVersion::from_number(policy.rules_version)).unwrap_or_default()
}

/// A policy that is kept, for comparing how its types are normalised: without its blocked patterns, which may take long
/// to compile. `None` where the bytes are no policy.
#[must_use]
pub fn kept(policy: &[u8]) -> Option<Policy> {
    let mut spec = read(v1::Policy::decode(policy).ok()?);
    spec.blocked.clear();
    spec.blocked_lists.clear();
    spec.expanded_lists.clear();
    spec.identifier_types.iter_mut().chain(&mut spec.default_type).for_each(|written| written.blocked.clear());
    Policy::compile(&spec).ok().map(|(policy, _)| policy)
}

/// The policy of a preset; `None` where no preset has this name. Who names a preset means what it says, so nothing is
/// warned of.
#[must_use]
pub fn preset(name: &str) -> Option<Checked> {
    let checked = compile(&presets::preset(name)?).ok()?;
    Some(Checked { warnings: Vec::new(), ..checked })
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
    let blocked_lists = read_lists(&policy.blocked_lists, found);
    let expanded_lists = read_expanded(policy.expanded_lists, found);
    let invalid = || String::from("policy.invalid_identifiers");
    let invalid_identifiers = read_number(policy.invalid_identifiers, invalid, found);
    let future_tolerance_us = policy.future_tolerance.map(micros_of);
    let rules_version = read_rules_version(policy.rules_version, found);
    PolicySpec {
        identifier_types,
        default_type,
        unlisted_types,
        blocked,
        blocked_lists,
        expanded_lists,
        invalid_identifiers,
        strategy,
        future_tolerance_us,
        rules_version,
        unreadable,
    }
}

/// Named lists; a number that names none is refused, 0 too.
fn read_lists(numbers: &[i32], unreadable: &mut Vec<Violation>) -> Vec<BlockedList> {
    let mut lists = Vec::with_capacity(numbers.len());
    for (position, &number) in numbers.iter().enumerate() {
        match BlockedList::from_number(number) {
            Some(list) => lists.push(list),
            None => unreadable.push(Violation::new(format!("policy.blocked_lists[{position}]"), NO_LIST)),
        }
    }
    lists
}

fn read_expanded(written: Vec<v1::ExpandedList>, unreadable: &mut Vec<Violation>) -> Vec<ExpandedSpec> {
    let mut lists = Vec::with_capacity(written.len());
    for (position, one) in written.into_iter().enumerate() {
        match BlockedList::from_number(one.list) {
            Some(list) => {
                lists.push(ExpandedSpec { list, blocked: one.blocked.into_iter().map(read_blocked).collect() });
            }
            None => unreadable.push(Violation::new(format!("policy.expanded_lists[{position}].list"), NO_LIST)),
        }
    }
    lists
}

/// A time span in microseconds; what no number of them can say is far out of every bound.
fn micros_of(duration: Duration) -> i64 {
    duration.seconds.saturating_mul(US_IN_S).saturating_add(i64::from(duration.nanos) / 1000)
}

fn duration_of(micros: i64) -> Duration {
    let nanos = i32::try_from(micros % US_IN_S).unwrap_or_default() * 1000;
    Duration { seconds: micros / US_IN_S, nanos }
}

fn read_rules_version(number: i32, unreadable: &mut Vec<Violation>) -> RulesVersion {
    RulesVersion::from_number(number).unwrap_or_else(|| {
        unreadable.push(Violation::new("policy.rules_version", "must be a version that this build knows"));
        RulesVersion::default()
    })
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
            let login_match = read_number(isolation.login_match, || at("login_match"), unreadable);
            StrategySpec::Isolation { on_new_known_user, on_logout, login_match }
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
        future_tolerance: spec.future_tolerance_us.map(duration_of),
        rules_version: spec.rules_version.number(),
        blocked_lists: spec.blocked_lists.into_iter().map(Numbered::number).collect(),
        expanded_lists: spec.expanded_lists.into_iter().map(write_expanded).collect(),
        invalid_identifiers: number(spec.invalid_identifiers),
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

fn write_expanded(spec: ExpandedSpec) -> v1::ExpandedList {
    v1::ExpandedList { list: spec.list.number(), blocked: spec.blocked.into_iter().map(write_blocked).collect() }
}

fn write_strategy(spec: StrategySpec) -> v1::policy::Strategy {
    match spec {
        StrategySpec::Merge { max_merges, max_identifiers } => {
            v1::policy::Strategy::Merge(v1::MergeStrategy { max_merges, max_identifiers })
        }
        StrategySpec::Isolation { on_new_known_user, on_logout, login_match } => {
            v1::policy::Strategy::Isolation(v1::IsolationStrategy {
                on_new_known_user: number(on_new_known_user),
                on_logout: number(on_logout),
                login_match: number(login_match),
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
            let checked = check(&encoded, RulesVersion::One).expect("a good policy");
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
        let violations = check(&policy.encode_to_vec(), RulesVersion::One).expect_err("faults");
        let fields: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
        for field in ["normalization", "limit.window", "limit.scope", "limit.on_exceeded", "name"] {
            assert!(fields.contains(&format!("policy.identifier_types[0].{field}").as_str()), "{field}");
        }
        assert!(fields.contains(&"policy.unlisted_types") && fields.contains(&"policy"));
    }

    #[test]
    fn a_policy_keeps_how_logins_match_and_how_far_ahead_a_time_may_be() {
        let isolation = v1::IsolationStrategy { on_new_known_user: 1, on_logout: 1, login_match: 2 };
        let policy = v1::Policy {
            strategy: Some(v1::policy::Strategy::Isolation(isolation)),
            future_tolerance: Some(Duration { seconds: 90, nanos: 500_000_000 }),
            rules_version: 7,
            ..v1::Policy::default()
        };
        let checked = check(&policy.encode_to_vec(), RulesVersion::One).expect("good");
        let kept = v1::Policy::decode(&*checked.encoded).expect("a policy");
        assert_eq!(kept.future_tolerance, policy.future_tolerance);
        assert_eq!((&kept.strategy, kept.rules_version), (&policy.strategy, 1));
        assert_eq!(checked.policy.future_tolerance_us(), Some(90_500_000));
        // A workspace of 0.1 has no bound, and a version of the future is none that this build could keep to.
        let of_old = check(&policy.encode_to_vec(), RulesVersion::Zero).expect("good");
        assert_eq!(of_old.policy.future_tolerance_us(), None);
        assert_eq!(stored(&policy.encode_to_vec()).expect_err("unknown")[0].field, "policy.rules_version");
    }

    #[test]
    fn a_policy_given_back_as_it_was_read_changes_nothing() {
        let own = v1::BlockedValue { pattern: Some(v1::blocked_value::Pattern::Exact("of old".into())) };
        let policy = v1::Policy {
            strategy: Some(v1::policy::Strategy::Merge(v1::MergeStrategy::default())),
            blocked_lists: vec![1, 2],
            expanded_lists: vec![v1::ExpandedList { list: 2, blocked: vec![own.clone()] }],
            ..v1::Policy::default()
        };
        let checked = check(&policy.encode_to_vec(), RulesVersion::One).expect("good");
        let kept = v1::Policy::decode(&*checked.encoded).expect("a policy");
        assert_eq!((kept.blocked_lists, kept.invalid_identifiers), (vec![1, 2], 2));
        assert_eq!((kept.expanded_lists[1].list, &kept.expanded_lists[1].blocked), (2, &vec![own]));
        assert!(kept.expanded_lists[0].blocked.len() > 20);
        let again = check(&checked.encoded, RulesVersion::One).expect("good");
        assert_eq!(again.encoded, checked.encoded);
    }

    #[test]
    fn a_list_that_nobody_knows_is_named() {
        let policy = v1::Policy {
            strategy: Some(v1::policy::Strategy::Merge(v1::MergeStrategy::default())),
            blocked_lists: vec![0, 1, 9],
            expanded_lists: vec![v1::ExpandedList { list: 9, blocked: Vec::new() }],
            invalid_identifiers: 9,
            ..v1::Policy::default()
        };
        let violations = check(&policy.encode_to_vec(), RulesVersion::One).expect_err("faults");
        let fields: Vec<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
        let lists = ["policy.blocked_lists[0]", "policy.blocked_lists[2]", "policy.expanded_lists[0].list"];
        assert_eq!(fields, [&lists[..], &["policy.invalid_identifiers"]].concat());
    }

    #[test]
    fn other_bytes_are_one_violation() {
        let violations = check(&[0xff], RulesVersion::One).expect_err("a fault");
        assert_eq!(violations.len(), 1);
    }
}
