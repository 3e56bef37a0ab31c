//! C4 Unlisted types follow the policy: `IGNORE` sets the identifier aside and reports it, `ACCEPT` takes it with the
//! default type's settings, ranked after all listed types in alphabetical order, `REJECT` refuses the call.
//!
//! Source: the isolation family knows listed types only; the merge family takes any external id.

use crate::policy::{Rank, TypeSettings, TypeStatus};

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

/// What a refused type must be.
pub(crate) const REJECTED: &str = "must be a type that the workspace's policy lists";

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
    use crate::policy::spec::PolicySpec;
    use crate::policy::{Policy, UnlistedTypes};
    use crate::testing::{cases, policies};

    const LISTED: [&str; 3] = ["user", "email", "a"];

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
