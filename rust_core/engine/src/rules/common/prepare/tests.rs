//! C1 to C6 and C12 together, in their order.

use proptest::prelude::*;

use super::*;
use crate::normalize::Normalization;
use crate::policy::Rank;
use crate::policy::UnlistedTypes;
use crate::policy::spec::{BlockedSpec, PolicySpec, StrategySpec, TypeSpec};

const KEY: [u8; 16] = [7; 16];

fn policy(unlisted_types: UnlistedTypes) -> Policy {
    Policy::compile(&spec(unlisted_types)).expect("a good policy").0
}

fn spec(unlisted_types: UnlistedTypes) -> PolicySpec {
    let exact = |value: &str| BlockedSpec::Exact(value.into());
    PolicySpec {
        identifier_types: vec![
            TypeSpec {
                name: "email".into(),
                normalization: Some(Normalization::Email),
                blocked: vec![exact("nobody@x")],
                ..TypeSpec::default()
            },
            TypeSpec { name: "phone".into(), normalization: Some(Normalization::Phone), ..TypeSpec::default() },
        ],
        default_type: Some(TypeSpec { blocked: vec![exact("default")], ..TypeSpec::default() }),
        unlisted_types: Some(unlisted_types),
        blocked: vec![BlockedSpec::Regex("^[0-]*$".into())],
        strategy: Some(StrategySpec::Merge { max_merges: None, max_identifiers: None }),
        ..PolicySpec::default()
    }
}

fn identifiers<'c>(pairs: &[(&'c str, &'c str)]) -> Vec<RawIdentifier<'c>> {
    pairs.iter().map(|&(type_name, value)| RawIdentifier { type_name: type_name.into(), value: value.into() }).collect()
}

/// What becomes of identifiers, told for good: place and form.
fn prepared(unlisted_types: UnlistedTypes, pairs: &[(&str, &str)]) -> Result<Vec<(usize, String)>, Fault> {
    let (policy, identifiers) = (policy(unlisted_types), identifiers(pairs));
    prepare_call(&policy, &identifiers).map(|prepared| told(&prepared))
}

fn prepare_call<'c>(policy: &'c Policy, identifiers: &'c [RawIdentifier<'c>]) -> Result<Prepared<'c>, Fault> {
    let mut asked = Vec::new();
    prepare_into(policy, identifiers, &Digester::new(&KEY), &mut asked)?;
    Ok(Prepared { asked })
}

fn told(prepared: &Prepared<'_>) -> Vec<(usize, String)> {
    let told = |asked: &Asked<'_>| match &asked.fate {
        Fate::Blocked => "blocked".into(),
        Fate::IgnoredType => "ignored".into(),
        Fate::Invalid(why) => format!("{why:?}"),
        Fate::Usable(usable) => format!("{}={}", usable.type_name, usable.normalized),
    };
    prepared.asked.iter().map(|asked| (asked.position, told(asked))).collect()
}

fn pairs(told: &[(usize, &str)]) -> Vec<(usize, String)> {
    told.iter().map(|&(position, what)| (position, what.into())).collect()
}

#[test]
fn each_identifier_is_told_once_in_the_calls_order() {
    let call = [
        ("email", "NOBODY@X"),
        ("email", "Ed@X"),
        ("other", "000"),
        ("other", "a"),
        ("email", " ed@x "),
        ("other", "000"),
        ("other", "a"),
        ("other", "A"),
    ];
    let accepted = prepared(UnlistedTypes::Accept, &call).expect("prepared");
    let expected = [(0, "blocked"), (1, "email=ed@x"), (2, "blocked"), (3, "other=a"), (7, "other=A")];
    assert_eq!(accepted, pairs(&expected));
    let ignored = prepared(UnlistedTypes::Ignore, &call).expect("prepared");
    let expected = [(0, "blocked"), (1, "email=ed@x"), (2, "blocked"), (3, "ignored"), (7, "ignored")];
    assert_eq!(ignored, pairs(&expected));
}

#[test]
fn a_default_types_own_patterns_hold_only_where_it_is_used() {
    let call = [("email", "a@x"), ("other", "default")];
    let fates = |unlisted| prepared(unlisted, &call).expect("prepared");
    assert_eq!(fates(UnlistedTypes::Accept), pairs(&[(0, "email=a@x"), (1, "blocked")]));
    assert_eq!(fates(UnlistedTypes::Ignore), pairs(&[(0, "email=a@x"), (1, "ignored")]));
}

#[test]
fn a_blocked_value_is_no_reason_to_reject_its_type() {
    let prepared_call = prepared(UnlistedTypes::Reject, &[("other", "0"), ("email", "a@x")]).expect("prepared");
    assert_eq!(prepared_call, pairs(&[(0, "blocked"), (1, "email=a@x")]));
}

#[test]
fn rejected_types_are_named_by_path_only() {
    let call = [("email", "a@x"), ("other", "secret"), ("another", "secret")];
    let fault = prepared(UnlistedTypes::Reject, &call).expect_err("a refusal");
    assert_eq!(fault.reason, Reason::TypeRejected);
    assert_eq!(fields(&fault), ["identifiers[1].type", "identifiers[2].type"]);
    assert!(!format!("{fault:?}").contains("secret"));
}

/// A call with everything that can be set aside.
const DIRTY: [(&str, &str); 6] = [
    ("other", "x"),
    ("phone", "020 7946 0958"),
    ("other", "0\u{200b}"),
    ("phone", "000"),
    ("email", ""),
    ("email", " 0 "),
];

#[test]
fn blocks_come_before_types_and_types_before_invalid_values() {
    let fates = |unlisted| prepared(unlisted, &DIRTY).expect("prepared");
    let (phone, format, empty) = ((1, "NotAPhoneNumber"), (2, "FormatCharacter"), (4, "Empty"));
    let accepted = [(0, "other=x"), phone, format, (3, "blocked"), empty, (5, "blocked")];
    assert_eq!(fates(UnlistedTypes::Accept), pairs(&accepted));
    let ignored = [(0, "ignored"), phone, (2, "ignored"), (3, "blocked"), empty, (5, "blocked")];
    assert_eq!(fates(UnlistedTypes::Ignore), pairs(&ignored));
    let fault = prepared(UnlistedTypes::Reject, &DIRTY).expect_err("a refusal");
    assert_eq!(
        (fault.reason, fields(&fault)),
        (Reason::TypeRejected, vec!["identifiers[0].type", "identifiers[2].type"])
    );
}

fn fields(fault: &Fault) -> Vec<&str> {
    fault.violations.iter().map(|violation| violation.field.as_str()).collect()
}

#[test]
fn imports_refuse_what_is_invalid_whatever_the_policy_says() {
    let (policy, identifiers) = (policy(UnlistedTypes::Accept), identifiers(&DIRTY));
    let fault = prepare(&policy, &identifiers, &Digester::new(&KEY)).expect_err("a refusal");
    let expected = ["identifiers[1].value", "identifiers[2].value", "identifiers[4].value"];
    assert_eq!((fault.reason, fields(&fault)), (Reason::FieldInvalid, expected.to_vec()));
}

#[test]
fn an_empty_value_is_c2s_alone() {
    // The policy's pattern finds the empty text too.
    for value in ["", " ", "\u{3000}\t"] {
        let told = prepared(UnlistedTypes::Accept, &[("other", value)]).expect("prepared");
        assert_eq!(told, pairs(&[(0, "Empty")]), "{value:?}");
    }
}

#[test]
fn a_block_looks_at_the_value_as_sent_and_at_its_form() {
    let call = [("phone", " Nobody "), ("phone", "+44 20 7946 0958"), ("email", "NOBODY@X")];
    let mut spec = spec(UnlistedTypes::Accept);
    spec.blocked.push(BlockedSpec::Exact("Nobody".into()));
    spec.blocked.push(BlockedSpec::Exact("+442079460958".into()));
    let policy = Policy::compile(&spec).expect("a good policy").0;
    let identifiers = identifiers(&call);
    let blocked = told(&prepare_call(&policy, &identifiers).expect("prepared"));
    assert_eq!(blocked, pairs(&[(0, "blocked"), (1, "blocked"), (2, "blocked")]));
}

#[test]
fn a_value_blocked_as_it_was_sent_takes_no_good_spelling_of_itself_along() {
    let mut spec = spec(UnlistedTypes::Accept);
    spec.blocked.push(BlockedSpec::Exact("NOBODY@Y".into()));
    let policy = Policy::compile(&spec).expect("a good policy").0;
    let identifiers = identifiers(&[("email", "NOBODY@Y"), ("email", "nobody@y"), ("email", " NOBODY@Y")]);
    let fates = told(&prepare_call(&policy, &identifiers).expect("prepared"));
    assert_eq!(fates, pairs(&[(0, "blocked"), (1, "email=nobody@y")]));
}

#[test]
fn a_workspace_of_0_1_judges_values_before_types_whatever_becomes_of_them() {
    for unlisted in [UnlistedTypes::Accept, UnlistedTypes::Ignore, UnlistedTypes::Reject] {
        let spec = PolicySpec { rules_version: RulesVersion::Zero, ..spec(unlisted) };
        let policy = Policy::compile(&spec).expect("a good policy").0;
        let call = [("rejected", "x"), ("phone", "020 7946 0958"), ("other", "0\u{200b}"), ("email", "")];
        let identifiers = identifiers(&call);
        let fault = prepare_call(&policy, &identifiers).expect_err("a refusal");
        assert_eq!(fault.reason, Reason::FieldInvalid);
        assert_eq!(fields(&fault), ["identifiers[1].value", "identifiers[2].value", "identifiers[3].value"]);
    }
}

#[test]
fn ranks_follow_the_policy_then_the_alphabet() {
    let call = [("b", "1"), ("phone", "+442079460958"), ("a", "1"), ("email", "a@x")];
    let (policy, identifiers) = (policy(UnlistedTypes::Accept), identifiers(&call));
    let asked = prepare_call(&policy, &identifiers).expect("prepared").asked;
    let mut ranked: Vec<(Rank<'_>, usize)> = Vec::new();
    for one in asked {
        let Fate::Usable(usable) = one.fate else { panic!("not usable") };
        assert_eq!(policy.rank_of(usable.type_name), usable.rank);
        ranked.push((usable.rank, one.position));
    }
    ranked.sort();
    assert_eq!(ranked.into_iter().map(|(_, position)| position).collect::<Vec<_>>(), [3, 1, 2, 0]);
}

#[test]
fn a_change_names_its_own_path() {
    let digester = Digester::new(&KEY);
    let policy = policy(UnlistedTypes::Reject);
    let one = |type_name, value| {
        prepare_value(&policy, &digester, (type_name, value), ("changes[2]", "new_value")).map(|(_, fate)| fate)
    };
    let field_of = |fate: Result<Fate<'_>, Fault>| fate.expect_err("a refusal").violations[0].field.clone();
    assert!(matches!(one("email", "Ed@x"), Ok(Fate::Usable(usable)) if usable.normalized == "ed@x"));
    assert!(matches!(one("other", "0"), Ok(Fate::Blocked)));
    assert_eq!(field_of(one("other", "x")), "changes[2].type");
    assert!(matches!(one("phone", "x"), Ok(Fate::Invalid(_))));
    let refusing = PolicySpec { invalid_identifiers: Some(InvalidIdentifiers::Refuse), ..spec(UnlistedTypes::Reject) };
    let refusing = Policy::compile(&refusing).expect("a good policy").0;
    let refused = prepare_value(&refusing, &digester, ("phone", "x"), ("changes[2]", "new_value"));
    assert_eq!(field_of(refused.map(|(_, fate)| fate)), "changes[2].new_value");
}

proptest! {
    #[test]
    fn what_is_prepared_prepares_to_itself(values in prop::collection::vec(("email|a|b", "[aAß0 @\u{fb01}-]{1,4}"), 1..50)) {
        let policy = policy(UnlistedTypes::Accept);
        let raw: Vec<RawIdentifier<'_>> =
            values.into_iter().map(|(type_name, value)| RawIdentifier { type_name: type_name.into(), value: value.into() }).collect();
        if let Ok(first) = prepare_call(&policy, &raw) {
            let again: Vec<RawIdentifier<'_>> = first.asked.iter().map(|one| match &one.fate {
                Fate::Usable(usable) => RawIdentifier {
                    type_name: usable.type_name.into(),
                    value: usable.normalized.clone(),
                },
                Fate::Blocked | Fate::IgnoredType | Fate::Invalid(_) => raw[one.position].clone(),
            }).collect();
            let second = prepare_call(&policy, &again).expect("prepared before");
            let forms = |prepared: &Prepared<'_>| told(prepared).into_iter().map(|(_, what)| what).collect::<Vec<_>>();
            prop_assert_eq!(forms(&second), forms(&first));
            prop_assert_eq!(second.asked.len(), again.len());
        }
    }
}

proptest! {
    #![proptest_config(crate::testing::cases(2_000))]

    #[test]
    fn the_short_cut_says_what_the_rules_say(
        raw in prop_oneof!["[ -~]{0,40}", "[!-~]{0,9}[ \\t\0\nAé]?[a-z0-9]{0,12}", "[!-@]{505,515}", "[+]?[0-9 ]{0,16}"],
        type_name in "email|phone|other",
    ) {
        let (policy, digester) = (policy(UnlistedTypes::Accept), Digester::new(&KEY));
        let status = policy.settings_of(&type_name);
        let judged_by = (&policy, InvalidIdentifiers::SetAside);
        let long = judge_at_length(judged_by, &digester, (status, &type_name), &raw);
        let short = judge(judged_by, &digester, &type_name, &raw);
        let told = |judged: Judged<'_>| judged.map(|(digest, fate)| format!("{digest:?} {fate:?}")).unwrap_or_default();
        prop_assert_eq!(told(short), told(long));
    }
}
