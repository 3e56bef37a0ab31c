//! C3 Block. A value that matches one of its type's, or of the policy's, blocked patterns is set aside: the call goes
//! on without it and reports it. `exact` compares with, and `regex` searches in, the value as sent, trimmed, and its form
//! after C1; one hit is enough. Judged before C2's judgement of the value, so that a block works on words in a PHONE
//! type, and before C4: a blocked value of an unlisted type is blocked, neither ignored nor a reason to refuse the call.
//! An empty value is C2's alone, whatever a pattern matches.
//!
//! Source: "How to block identifier values" of the merge family's later documents; offered to both families.

use crate::policy::{Policy, TypeSettings};

/// Whether a text never identifies anybody.
#[inline]
pub(crate) fn is_blocked(policy: &Policy, settings: Option<&TypeSettings>, text: &str) -> bool {
    policy.blocks(text) || settings.is_some_and(|settings| settings.blocked.blocks(text))
}

/// As [`is_blocked`], of a value as it was sent, trimmed, and of its form where it has one.
pub(crate) fn is_either_blocked(
    policy: &Policy,
    settings: Option<&TypeSettings>,
    (sent, form): (&str, Option<&str>),
) -> bool {
    let other = form.filter(|form| *form != sent);
    is_blocked(policy, settings, sent) || other.is_some_and(|form| is_blocked(policy, settings, form))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::spec::{BlockedSpec, TypeSpec};
    use crate::testing::{cases, policies};

    fn policy() -> Policy {
        let exact = |value: &str| BlockedSpec::Exact(value.into());
        let regex = |pattern: &str| BlockedSpec::Regex(pattern.into());
        let mut spec = policies::boundless();
        spec.blocked = vec![exact("no"), regex("^[0-]*$")];
        let blocked = vec![exact("guest"), regex("x@")];
        spec.identifier_types = vec![TypeSpec { name: "email".into(), blocked, ..TypeSpec::default() }];
        Policy::compile(&spec).expect("a good policy").0
    }

    proptest! {
        #![proptest_config(cases(500))]

        #[test]
        fn whole_values_and_patterns_found_anywhere(
            value in "no|nope|guest|guests|[0-]{0,3}|[a0x]{0,2}x?@?[a0]{0,2}",
            is_email: bool,
        ) {
            let policy = policy();
            let status = policy.settings_of(if is_email { "email" } else { "user" });
            let settings = status.settings();
            let for_every_type = value == "no" || value.chars().all(|sign| "0-".contains(sign));
            let for_emails = is_email && (value == "guest" || value.contains("x@"));
            prop_assert_eq!(is_blocked(&policy, settings, &value), for_every_type || for_emails);
        }
    }
}
