//! Policies: checked, compiled, asked. What is accepted is kept in a form that is accepted again as the same; blocked
//! values are those that the library of expressions finds, one at a time; a refusal names fields, and no value.

use std::time::Duration;

use prost::Message;
use regex::{Regex, RegexBuilder};
use utterson_codec::policy::{self, Checked};
use utterson_codec::proto::v1;
use utterson_codec::proto::v1::blocked_value::Pattern;
use utterson_engine::rules_version::RulesVersion;

use crate::drawing::Draw;
use crate::watching::within;

/// What checking a drawn policy may take; it runs in a thread beside the loop.
const CHECK: Duration = Duration::from_secs(2);
/// What asking about one value may take: a byte of it is one step, or a step a state where words are looked for.
const ASK: Duration = Duration::from_millis(20);
/// What somebody's values begin with, so that they are known wherever they come out.
const PRIVATE: &str = "somebody-";

const NAMES: [&str; 7] = ["email", "user_id", "phone", "a.b_c", "", "Email", "email"];
const REGIONS: [&str; 5] = ["", "GB", "US", "gb", "ZZ"];
/// Pieces that make dear, nested, broken and ordinary expressions.
const PIECES: [&str; 34] = [
    "a",
    "é",
    "ß",
    "0",
    "-",
    ".",
    "[0-9]",
    "[^a]",
    r"\w",
    r"\d",
    r"\s",
    r"\pL",
    r"\b",
    r"\B",
    "^",
    "$",
    "(",
    ")",
    "(?:",
    "(?i)",
    "(?s-u:",
    "|",
    "*",
    "+",
    "?",
    "{2,5}",
    "{900}",
    "[a-é]",
    "[[^b]&&\\w]",
    r"\u{10ffff}",
    "(?P<n>",
    "\\",
    r"\z",
    "test",
];
const VALUES: [&str; 12] =
    ["", "a", "aé", "test", "0-0", "ß", "SS", "a b", "ñandú 7", "00000000-0000", "aaaaaaaaaaaaaaaa0", "é é-é"];

/// Checks a drawn policy, or any bytes as one, and asks it about some values.
///
/// # Panics
///
/// The policy is not kept as it was accepted, or blocks other values.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let encoded = match draw.below(4) {
        0 => draw.clone().rest().to_vec(),
        _ => policy(&mut draw).encode_to_vec(),
    };
    match within(CHECK, "a policy", || policy::check(&encoded, RulesVersion::One)) {
        Ok(checked) => {
            is_kept(&checked);
            let written = v1::Policy::decode(&encoded[..]).expect("it was read");
            let own = draw.text(40);
            let values: Vec<&str> = VALUES.into_iter().chain([&*own]).collect();
            is_asked(&checked, &written, &values);
        }
        Err(violations) => {
            assert!(!violations.is_empty());
            for violation in violations {
                assert!(violation.field.starts_with("policy") && !violation.description.is_empty());
                assert!(!violation.description.contains(PRIVATE), "{}", violation.description);
            }
        }
    }
}

fn is_kept(checked: &Checked) {
    let again = policy::check(&checked.encoded, RulesVersion::One).expect("what was accepted");
    assert_eq!(again.encoded, checked.encoded);
    assert_eq!(again.warnings, checked.warnings);
    assert_eq!(policy::stored(&checked.encoded).expect("what is kept").encoded, checked.encoded);
    let kept = policy::kept(&checked.encoded).expect("what is kept");
    for name in NAMES.into_iter().chain(["other"]) {
        let [one, other] = [&kept, &*checked.policy]
            .map(|policy| policy.settings_of(name).settings().map(|of| (of.normalization, of.region, of.limit)));
        assert_eq!(one, other, "{name}");
    }
}

/// A value is blocked by the lists that an expression or a text of which fits it, and by no other.
fn is_asked(checked: &Checked, written: &v1::Policy, values: &[&str]) {
    let lists = written.identifier_types.iter().map(|of| (Some(of), &of.blocked));
    let kept = v1::Policy::decode(&checked.encoded[..]).expect("what is kept");
    let named = kept.expanded_lists.iter().flat_map(|list| &list.blocked);
    let for_all: Vec<v1::BlockedValue> = written.blocked.iter().chain(named).cloned().collect();
    for (of, list) in lists.chain([(None, &for_all)]) {
        let slow: Vec<Slow<'_>> = list.iter().filter_map(|one| one.pattern.as_ref()).map(Slow::of).collect();
        for value in values {
            let blocked = within(ASK, "a value", || match of {
                None => checked.policy.blocks(value),
                Some(of) => checked.policy.settings_of(&of.name).settings().is_some_and(|of| of.blocked.blocks(value)),
            });
            assert_eq!(blocked, slow.iter().any(|one| one.fits(value)), "{value:?} by {list:?}");
        }
    }
}

/// A blocked value, looked for by itself.
enum Slow<'p> {
    Exact(&'p str),
    Regex(Box<Regex>),
}

impl<'p> Slow<'p> {
    fn of(pattern: &'p Pattern) -> Self {
        match pattern {
            Pattern::Exact(exact) => Self::Exact(exact),
            Pattern::Regex(pattern) => {
                let built = RegexBuilder::new(pattern).size_limit(64 << 20).build();
                Self::Regex(Box::new(built.expect("an expression that was accepted")))
            }
        }
    }

    fn fits(&self, value: &str) -> bool {
        match self {
            Self::Exact(exact) => *exact == value,
            Self::Regex(regex) => regex.is_match(value),
        }
    }
}

fn policy(draw: &mut Draw<'_>) -> v1::Policy {
    let strategy = match draw.below(5) {
        0 => None,
        1 | 2 => {
            let number = |draw: &mut Draw<'_>| draw.flag().then(|| u32::from(draw.byte()));
            let (max_merges, max_identifiers) = (number(draw), number(draw));
            Some(v1::policy::Strategy::Merge(v1::MergeStrategy { max_merges, max_identifiers }))
        }
        _ => {
            let (on_new_known_user, on_logout, login_match) = (few(draw), few(draw), few(draw));
            let isolation = v1::IsolationStrategy { on_new_known_user, on_logout, login_match };
            Some(v1::policy::Strategy::Isolation(isolation))
        }
    };
    v1::Policy {
        identifier_types: (0..draw.below(4)).map(|_| identifier_type(draw)).collect(),
        default_type: draw.flag().then(|| v1::IdentifierType { name: String::new(), ..identifier_type(draw) }),
        unlisted_types: few(draw),
        blocked: blocked(draw),
        blocked_lists: (0..draw.below(3)).map(|_| few(draw)).collect(),
        expanded_lists: (0..draw.below(2))
            .map(|_| v1::ExpandedList { list: few(draw), blocked: blocked(draw) })
            .collect(),
        invalid_identifiers: few(draw),
        future_tolerance: draw.flag().then(|| prost_types::Duration { seconds: i64::from(draw.byte()), nanos: 0 }),
        rules_version: few(draw),
        strategy,
    }
}

/// A member of an enum, most likely.
fn few(draw: &mut Draw<'_>) -> i32 {
    [1, 2, 3, 0, 1, 2, 3, 9, -1][draw.below(9)]
}

fn identifier_type(draw: &mut Draw<'_>) -> v1::IdentifierType {
    let flags = draw.byte();
    v1::IdentifierType {
        name: draw.pick(&NAMES).to_owned(),
        unique: flags & 3 == 3,
        login: flags & 7 == 7,
        immutable: flags & 15 == 15,
        normalization: i32::from(draw.byte() % 7),
        region: draw.pick(&REGIONS).to_owned(),
        blocked: blocked(draw),
        limit: (flags & 0x30 == 0x30).then(|| v1::Limit {
            max_values: u32::from(draw.byte() % 4),
            window: few(draw),
            scope: few(draw),
            on_exceeded: few(draw),
        }),
    }
}

fn blocked(draw: &mut Draw<'_>) -> Vec<v1::BlockedValue> {
    let one = |draw: &mut Draw<'_>| {
        let pattern = match draw.below(8) {
            0 => None,
            1 => Some(Pattern::Exact(format!("{PRIVATE}{}", draw.text(20)))),
            2 => Some(Pattern::Exact(draw.pick(&VALUES).to_owned())),
            3 => Some(Pattern::Regex(format!("{PRIVATE}{}", draw.text(40)))),
            4 => Some(Pattern::Regex(draw.text(40).into_owned())),
            _ => Some(Pattern::Regex((0..=draw.below(12)).map(|_| draw.pick(&PIECES)).collect())),
        };
        v1::BlockedValue { pattern }
    };
    (0..draw.below(5)).map(|_| one(draw)).collect()
}
