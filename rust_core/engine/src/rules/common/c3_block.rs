//! C3 Block. A value that matches one of its type's, or of the policy's, blocked patterns is set aside: the call goes
//! on without it and reports it. `exact` compares with, and `regex` searches in, the normalised value. Judged before
//! C4: a blocked value of an unlisted type is blocked, neither ignored nor a reason to refuse the call.
//!
//! Source: "How to block identifier values" of the merge family's later documents; offered to both families.

use crate::policy::{Policy, TypeSettings};

/// Whether a normalised value never identifies anybody.
pub(crate) fn is_blocked(policy: &Policy, settings: Option<&TypeSettings>, normalized: &str) -> bool {
    policy.blocks(normalized) || settings.is_some_and(|settings| settings.blocked.blocks(normalized))
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
