//! Every fault that a policy can have, alone and all at once.

use super::*;
use crate::policy::Policy;
use crate::policy::spec::{BlockedList, BlockedSpec, ExpandedSpec, LimitSpec, OnLogout, OnNewKnownUser};

fn faults(spec: &PolicySpec) -> Vec<String> {
    let violations = Policy::compile(spec).err().unwrap_or_default();
    violations.into_iter().map(|violation| violation.field).collect()
}

fn named(name: &str) -> TypeSpec {
    TypeSpec { name: name.into(), ..TypeSpec::default() }
}

fn merge(identifier_types: Vec<TypeSpec>) -> PolicySpec {
    let strategy = Some(StrategySpec::Merge { max_merges: None, max_identifiers: None });
    PolicySpec { identifier_types, strategy, ..PolicySpec::default() }
}

fn isolation(identifier_types: Vec<TypeSpec>) -> PolicySpec {
    let strategy = Some(StrategySpec::Isolation {
        on_new_known_user: Some(OnNewKnownUser::CreateProfile),
        on_logout: Some(OnLogout::Identify),
        login_match: None,
    });
    PolicySpec { identifier_types, strategy, ..PolicySpec::default() }
}

#[test]
fn a_policy_needs_a_whole_strategy() {
    assert_eq!(faults(&PolicySpec::default()), ["policy"]);
    let strategy = Some(StrategySpec::Isolation { on_new_known_user: None, on_logout: None, login_match: None });
    let spec = PolicySpec { strategy, ..PolicySpec::default() };
    assert_eq!(faults(&spec), ["policy.isolation.on_new_known_user", "policy.isolation.on_logout"]);
}

#[test]
fn what_the_decoder_could_not_read_is_named_once() {
    let mut spec = PolicySpec::default();
    let path = || String::from("policy.isolation.on_logout");
    let on_logout = crate::policy::spec::read_number::<OnLogout>(9, path, &mut spec.unreadable);
    let on_new_known_user = Some(OnNewKnownUser::ConvertAnonymous);
    spec.strategy = Some(StrategySpec::Isolation { on_new_known_user, on_logout, login_match: None });
    assert_eq!(faults(&spec), ["policy.isolation.on_logout"]);
}

#[test]
fn names_are_well_formed_and_different() {
    let long = "a".repeat(63);
    for good in ["a", "user_id", "a.b_1", &long] {
        assert!(is_type_name(good), "{good}");
    }
    for bad in ["", "1a", "_a", ".a", "A", "a-b", "a b", "é", "aé", "a\n", &"a".repeat(64)] {
        assert!(!is_type_name(bad), "{bad}");
    }
    let spec = merge(vec![named("a"), named("b"), named("a"), named("No"), named("a")]);
    let expected = [2, 3, 4].map(|position| format!("policy.identifier_types[{position}].name"));
    assert_eq!(faults(&spec), expected);
}

#[test]
fn a_merge_policy_has_no_flags() {
    let flagged = TypeSpec { unique: true, login: true, immutable: true, ..named("a") };
    let mut spec = merge(vec![flagged.clone()]);
    spec.default_type = Some(TypeSpec { name: String::new(), ..flagged });
    let mut expected = Vec::new();
    for path in ["policy.identifier_types[0]", "policy.default_type"] {
        expected.extend(["unique", "login", "immutable"].map(|flag| format!("{path}.{flag}")));
    }
    assert_eq!(faults(&spec), expected);
}

#[test]
fn an_isolation_policy_has_no_limits() {
    let limited = TypeSpec { limit: Some(LimitSpec::default()), ..named("a") };
    let mut spec = isolation(vec![limited.clone()]);
    spec.default_type = Some(TypeSpec { name: String::new(), ..limited });
    assert_eq!(faults(&spec), ["policy.identifier_types[0].limit", "policy.default_type.limit"]);
}

#[test]
fn immutable_needs_unique_and_login() {
    for (unique, login) in [(false, false), (true, false), (false, true), (true, true)] {
        let spec = isolation(vec![TypeSpec { unique, login, immutable: true, ..named("a") }]);
        assert_eq!(faults(&spec).is_empty(), unique && login);
    }
}

#[test]
fn a_default_type_has_no_name_and_a_region_has_a_form() {
    let mut spec = merge(vec![TypeSpec { region: "gb".into(), ..named("a") }]);
    spec.default_type = Some(named("b"));
    assert_eq!(faults(&spec), ["policy.identifier_types[0].region", "policy.default_type.name"]);
}

#[test]
fn how_far_ahead_a_time_may_be_has_a_bound() {
    for (tolerance, good) in
        [(-1, false), (0, true), (MAX_FUTURE_TOLERANCE_US, true), (MAX_FUTURE_TOLERANCE_US + 1, false)]
    {
        let spec = PolicySpec { future_tolerance_us: Some(tolerance), ..merge(Vec::new()) };
        let expected: &[&str] = if good { &[] } else { &["policy.future_tolerance"] };
        assert_eq!(faults(&spec), expected, "{tolerance}");
    }
}

#[test]
fn every_fault_is_named_at_once() {
    let bad = BlockedSpec::Regex("(".into());
    let mut spec = merge(vec![TypeSpec { login: true, blocked: vec![bad.clone()], ..named("A") }]);
    spec.blocked = vec![bad, BlockedSpec::Unset];
    let expected = [
        "policy.identifier_types[0].name",
        "policy.identifier_types[0].login",
        "policy.blocked[0].regex",
        "policy.blocked[1]",
        "policy.identifier_types[0].blocked[0].regex",
    ];
    assert_eq!(faults(&spec), expected);
}

#[test]
fn a_policy_has_bounds() {
    let types = |count: usize| merge((0..count).map(|number| named(&format!("t{number}"))).collect());
    assert_eq!(faults(&types(MAX_TYPES)), Vec::<String>::new());
    assert_eq!(faults(&types(MAX_TYPES + 1)), ["policy.identifier_types"]);
    let mut spec = types(10);
    for written in &mut spec.identifier_types {
        written.blocked = vec![BlockedSpec::Exact("x".into()); 101];
    }
    assert_eq!(faults(&spec), ["policy"]);
}

#[test]
fn a_list_is_named_once() {
    let mut spec = merge(Vec::new());
    spec.blocked_lists = vec![BlockedList::Zeros, BlockedList::Placeholders, BlockedList::Zeros];
    assert_eq!(faults(&spec), ["policy.blocked_lists[2]"]);
}

#[test]
fn what_is_wrong_with_an_expansion_is_named_where_it_stands() {
    let mut spec = merge(Vec::new());
    spec.blocked = vec![BlockedSpec::Exact("x".into())];
    spec.blocked_lists = vec![BlockedList::Zeros];
    let blocked = vec![BlockedSpec::Exact("0".into()), BlockedSpec::Regex("(".into())];
    spec.expanded_lists = vec![ExpandedSpec { list: BlockedList::Zeros, blocked }];
    assert_eq!(faults(&spec), ["policy.expanded_lists[0].blocked[1].regex"]);
}
