//! Each warning, and the line that it says to write.

use super::*;
use crate::policy::presets::{NAMES, preset};
use crate::policy::spec::{BlockedList, LimitSpec, OnLogout, StrategySpec};

fn told(spec: &PolicySpec) -> Vec<String> {
    Policy::compile(spec).expect("a good policy").1
}

/// The only warning, which says these things.
fn tells(spec: &PolicySpec, words: &[&str]) {
    let warnings = told(spec);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(words.iter().all(|word| warnings[0].contains(word)), "{warnings:?}");
}

fn limited(name: &str, max_values: u32) -> TypeSpec {
    TypeSpec { name: name.into(), limit: Some(LimitSpec { max_values, ..LimitSpec::default() }), ..TypeSpec::default() }
}

/// A policy of which nothing is told.
fn merge() -> PolicySpec {
    PolicySpec {
        identifier_types: vec![limited("user_id", 1)],
        default_type: Some(limited("", 5)),
        blocked_lists: vec![BlockedList::Placeholders],
        strategy: Some(StrategySpec::Merge { max_merges: None, max_identifiers: None }),
        ..PolicySpec::default()
    }
}

fn isolation(identifier_types: Vec<TypeSpec>) -> PolicySpec {
    PolicySpec {
        identifier_types,
        blocked_lists: vec![BlockedList::Placeholders],
        strategy: Some(StrategySpec::Isolation {
            on_new_known_user: Some(OnNewKnownUser::ConvertAnonymous),
            on_logout: Some(OnLogout::Identify),
            login_match: None,
        }),
        ..PolicySpec::default()
    }
}

#[test]
fn of_presets_it_is_told_only_that_one_login_identifier_is_enough() {
    for name in NAMES {
        let spec = preset(name).expect("a preset");
        let logins = spec.identifier_types.iter().filter(|one| one.login).count();
        let warnings = told(&spec);
        assert_eq!(warnings.len(), usize::from(logins > 1), "{name}: {warnings:?}");
        assert!(warnings.iter().all(|warning| warning.contains("HIGHEST")));
    }
}

#[test]
fn types_that_are_named_like_addresses_or_numbers_are_spelt_in_many_ways() {
    for name in ["email", "e_mail", "mail", "work.email", "email_id", "billing_email_address"] {
        let mut spec = merge();
        spec.identifier_types.push(limited(name, 5));
        tells(&spec, &["identifier_types[1]", "\"normalization\": \"NORMALIZATION_EMAIL\""]);
        spec.identifier_types[1].normalization = Some(Normalization::Email);
        assert_eq!(told(&spec), Vec::<String>::new());
    }
    for name in ["phone", "phone_number", "mobile", "msisdn", "tel", "home.phone"] {
        let mut spec = merge();
        spec.identifier_types.push(limited(name, 5));
        tells(&spec, &["identifier_types[1]", "\"normalization\": \"NORMALIZATION_PHONE\"", "\"region\""]);
    }
    for name in ["email_sha256", "phone_hash", "mobile_advertising_id", "mobile_id", "cookie", "telegram", "mailing"] {
        let mut spec = merge();
        spec.identifier_types.push(limited(name, 5));
        assert_eq!(told(&spec), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_policy_that_blocks_nothing_joins_everybody_by_null() {
    let mut spec = merge();
    spec.blocked_lists.clear();
    tells(&spec, &["\"blocked_lists\": [\"BLOCKED_LIST_PLACEHOLDERS\", \"BLOCKED_LIST_ZEROS\"]"]);
    spec.identifier_types[0].blocked = vec![BlockedSpec::Exact("null".into())];
    assert_eq!(told(&spec), Vec::<String>::new());
}

#[test]
fn limits_that_the_presets_have_are_missed() {
    let mut spec = merge();
    spec.identifier_types[0].limit = None;
    tells(&spec, &["user_id", "\"limit\": {\"max_values\": 1}"]);
    spec.identifier_types.remove(0);
    assert_eq!(told(&spec), Vec::<String>::new(), "the default type's limit holds for it");
    spec.default_type = None;
    assert_eq!(told(&spec).len(), 2);
    let mut spec = merge();
    spec.identifier_types.push(TypeSpec { name: "cookie".into(), ..TypeSpec::default() });
    spec.default_type = Some(TypeSpec::default());
    tells(&spec, &["identifier_types[1], default_type", "\"max_values\": 5"]);
    spec.unlisted_types = Some(UnlistedTypes::Reject);
    assert!(told(&spec).iter().any(|warning| warning.contains("no limit at identifier_types[1]:")));
}

#[test]
fn one_of_several_login_identifiers_is_enough_unless_the_highest_must_match() {
    let login = |name: &str| TypeSpec { name: name.into(), unique: true, login: true, ..TypeSpec::default() };
    let mut spec = isolation(vec![login("a"), login("b")]);
    tells(&spec, &["\"login_match\": \"LOGIN_MATCH_HIGHEST\""]);
    if let Some(StrategySpec::Isolation { login_match, .. }) = &mut spec.strategy {
        *login_match = Some(LoginMatch::Highest);
    }
    assert_eq!(told(&spec), Vec::<String>::new());
    assert_eq!(told(&isolation(vec![login("a")])), Vec::<String>::new());
}

#[test]
fn what_never_applies_is_told() {
    let mut spec = isolation(vec![TypeSpec {
        name: "a".into(),
        region: "GB".into(),
        normalization: Some(Normalization::Lower),
        blocked: ["NULL ", "NULL", "null"].map(|exact| BlockedSpec::Exact(exact.into())).into(),
        ..TypeSpec::default()
    }]);
    spec.default_type = Some(TypeSpec::default());
    if let Some(StrategySpec::Isolation { on_new_known_user, .. }) = &mut spec.strategy {
        *on_new_known_user = Some(OnNewKnownUser::CreateProfile);
    }
    let warnings = told(&spec);
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    assert!(warnings.iter().any(|warning| warning.contains("blocked[0]")));
    assert!(warnings.iter().all(|warning| !warning.contains("NULL")));
    spec.rules_version = RulesVersion::Zero;
    spec.invalid_identifiers = Some(InvalidIdentifiers::SetAside);
    spec.future_tolerance_us = Some(1);
    let warnings = told(&spec);
    assert_eq!(warnings.len(), 7, "{warnings:?}");
    assert!(warnings.iter().any(|warning| warning.contains("blocked[1]")), "0.1 looks at forms only");
}
