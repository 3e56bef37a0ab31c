//! C4 Unlisted types follow the policy: `IGNORE` sets the identifier aside and reports it, `ACCEPT` takes it with the
//! default type's settings, ranked after all listed types in alphabetical order, `REJECT` refuses the call.
//!
//! Source: the isolation family knows listed types only; the merge family takes any external id.

use crate::policy::{Policy, Rank, TypeSettings, TypeStatus};

/// A type that the policy takes.
pub(crate) struct Taken<'a> {
    /// Its place in the order of trust.
    pub rank: Rank<'a>,
    /// Its settings.
    pub settings: &'a TypeSettings,
}

/// What C4 makes of a type.
pub(crate) enum Verdict<'a> {
    /// It identifies.
    Taken(Taken<'a>),
    /// It is set aside.
    Ignored,
    /// The call is refused.
    Rejected,
}

/// So many listed types are compared with one that is refused, the most trusted first: whoever lists a thousand, and
/// sends a thousand others, shall not wait for the spelling of each.
const COMPARED_MAX: usize = 64;
/// Names of fewer letters are far from each other at two letters already.
const SHORT: usize = 5;

/// What a refused type must be, and which one was probably meant.
pub(crate) fn rejected(policy: &Policy, type_name: &str) -> String {
    let must = "must be a type that the workspace's policy lists";
    nearest(policy, type_name).map_or_else(|| must.to_owned(), |meant| format!("{must}: {meant} perhaps"))
}

/// The listed type that is spelt most like one that is not listed; none where it is another word.
fn nearest<'p>(policy: &'p Policy, type_name: &str) -> Option<&'p str> {
    let distance_max = if type_name.len() < SHORT { 1 } else { 2 };
    let compared = policy.listed_names().take(COMPARED_MAX).map(|name| &**name);
    let near = compared.filter(|name| name.len().abs_diff(type_name.len()) <= distance_max);
    let (distance, meant) = near.map(|name| (strsim::osa_distance(name, type_name), name)).min()?;
    (distance <= distance_max).then_some(meant)
}

/// Judges a type.
pub(crate) fn judge<'a>(status: TypeStatus<'a>, type_name: &'a str) -> Verdict<'a> {
    match status {
        TypeStatus::Listed { rank, settings } => Verdict::Taken(Taken { rank, settings }),
        TypeStatus::Accepted { settings } => Verdict::Taken(Taken { rank: Rank::unlisted(type_name), settings }),
        TypeStatus::Ignored => Verdict::Ignored,
        TypeStatus::Rejected => Verdict::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::policy::UnlistedTypes;
    use crate::policy::spec::PolicySpec;
    use crate::testing::{cases, policies};

    const LISTED: [&str; 3] = ["user", "email", "a"];

    #[test]
    fn the_type_that_was_meant_is_told() {
        let policy = Policy::compile(&policies::boundless()).expect("a good policy").0;
        for (sent, meant) in [
            ("emial", Some("email")),
            ("e_mail", Some("email")),
            ("mail", Some("email")),
            ("users", Some("user")),
            ("usr", Some("user")),
            ("phone", None),
            ("us", None),
            ("customer", None),
        ] {
            assert_eq!(nearest(&policy, sent), meant, "{sent}");
        }
        assert!(rejected(&policy, "emial").ends_with("lists: email perhaps"));
    }

    proptest! {
        #![proptest_config(cases(300))]

        #[test]
        fn listed_types_are_taken_and_others_as_the_policy_says(
            name in select(&["user", "email", "a", "b", "aa", "z"][..]),
            unlisted in select(&[UnlistedTypes::Accept, UnlistedTypes::Ignore, UnlistedTypes::Reject][..]),
        ) {
            let spec = PolicySpec { unlisted_types: Some(unlisted), ..policies::boundless() };
            let policy = Policy::compile(&spec).expect("a good policy").0;
            let expected = if LISTED.contains(&name) { UnlistedTypes::Accept } else { unlisted };
            match judge(policy.settings_of(name), name) {
                Verdict::Taken(taken) => {
                    prop_assert_eq!(expected, UnlistedTypes::Accept);
                    for listed in LISTED {
                        let comes_after = !LISTED.contains(&name) && policy.rank_of(listed) >= taken.rank;
                        prop_assert!(!comes_after, "an unlisted type ranks before a listed one");
                    }
                }
                Verdict::Ignored => prop_assert_eq!(expected, UnlistedTypes::Ignore),
                Verdict::Rejected => prop_assert_eq!(expected, UnlistedTypes::Reject),
            }
        }
    }
}
