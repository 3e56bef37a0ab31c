//! Policies by name: what the two sources, and their later versions, ship with.

use crate::policy::spec::{
    BlockedList, LimitScope, LimitSpec, Normalization, OnExceeded, OnLogout, OnNewKnownUser, PolicySpec, StrategySpec,
    TypeSpec, UnlistedTypes, Window,
};

/// The names of all presets.
pub const NAMES: [&str; 7] = [
    "profile_isolation",
    "profile_link",
    "profile_conversion",
    "default",
    "best_match",
    "identity_graph_rules",
    "unify",
];

/// The priority of the isolation family's presets.
const ISOLATION_TYPES: [&str; 10] = [
    "customer_id",
    "email",
    "idfv",
    "roku_id",
    "android_id",
    "gaid",
    "idfa",
    "fire_aid",
    "amp_id",
    "device_application_stamp",
];

/// What all of them block for every type: a switched-off advertising id would join everybody.
const BLOCKED: [BlockedList; 2] = [BlockedList::Placeholders, BlockedList::Zeros];

/// How a type's values are normalised: three spellings of one mailbox are one person.
fn form_of(name: &str) -> Option<Normalization> {
    (name == "email").then_some(Normalization::Email)
}

/// The policy of a preset; `None` where no preset has this name.
#[must_use]
pub fn preset(name: &str) -> Option<PolicySpec> {
    use OnLogout::{CreateAnonymous, Identify, ReturnToAnonymous};
    use OnNewKnownUser::{ConvertAnonymous, CreateLinkedProfile, CreateProfile};
    Some(match name {
        "profile_isolation" => isolation(&["customer_id", "email"], CreateProfile, ReturnToAnonymous),
        "profile_link" => isolation(&["customer_id", "email"], CreateLinkedProfile, CreateAnonymous),
        "profile_conversion" => isolation(&["customer_id", "email"], ConvertAnonymous, CreateAnonymous),
        "default" => isolation(&["customer_id"], ConvertAnonymous, CreateAnonymous),
        "best_match" => isolation(&[], ConvertAnonymous, Identify),
        "identity_graph_rules" => merge(LimitScope::WhenPresent, OnExceeded::DemoteOffending, 0),
        "unify" => merge(LimitScope::Always, OnExceeded::DemoteLowest, 1000),
        _ => return None,
    })
}

fn isolation(login_types: &[&str], on_new_known_user: OnNewKnownUser, on_logout: OnLogout) -> PolicySpec {
    let identifier_type = |name: &str| {
        let login = login_types.contains(&name);
        TypeSpec { name: name.into(), unique: login, login, normalization: form_of(name), ..TypeSpec::default() }
    };
    PolicySpec {
        identifier_types: ISOLATION_TYPES.map(identifier_type).into(),
        unlisted_types: Some(UnlistedTypes::Ignore),
        blocked_lists: BLOCKED.into(),
        strategy: Some(StrategySpec::Isolation {
            on_new_known_user: Some(on_new_known_user),
            on_logout: Some(on_logout),
            login_match: None,
        }),
        ..PolicySpec::default()
    }
}

/// A user has one `user_id`, and at most five values of any other type.
fn merge(scope: LimitScope, on_exceeded: OnExceeded, max_identifiers: u32) -> PolicySpec {
    let limited = |name: &str, max_values, scope, on_exceeded| TypeSpec {
        name: name.into(),
        normalization: form_of(name),
        limit: Some(LimitSpec {
            max_values,
            window: Some(Window::Ever),
            scope: Some(scope),
            on_exceeded: Some(on_exceeded),
        }),
        ..TypeSpec::default()
    };
    PolicySpec {
        identifier_types: vec![
            limited("user_id", 1, LimitScope::Always, OnExceeded::DemoteLowest),
            limited("email", 5, scope, on_exceeded),
        ],
        default_type: Some(limited("", 5, scope, on_exceeded)),
        unlisted_types: Some(UnlistedTypes::Accept),
        blocked_lists: BLOCKED.into(),
        strategy: Some(StrategySpec::Merge { max_merges: Some(100), max_identifiers: Some(max_identifiers) }),
        ..PolicySpec::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Policy, TypeStatus};

    #[test]
    fn names_and_presets_agree() {
        assert!(NAMES.iter().all(|name| preset(name).is_some()));
        assert_eq!(preset("profile-isolation"), None);
        assert_eq!(preset(""), None);
    }

    #[test]
    fn presets_say_what_the_rules_table_says() {
        for (name, logins) in [("profile_isolation", 2), ("profile_link", 2), ("default", 1), ("best_match", 0)] {
            let spec = preset(name).expect("a preset");
            let of = |test: fn(&&TypeSpec) -> bool| spec.identifier_types.iter().filter(test).count();
            assert_eq!((of(|written| written.login), of(|written| written.unique)), (logins, logins), "{name}");
            assert_eq!(of(|written| written.immutable), 0);
        }
    }

    #[test]
    fn the_seeds_limits_hold_for_unlisted_types_too() {
        let (policy, _) = Policy::compile(&preset("identity_graph_rules").expect("a preset")).expect("good");
        let limit_of = |name| policy.settings_of(name).settings().and_then(|settings| settings.limit);
        assert_eq!(limit_of("email"), limit_of("anonymous_id"));
        let limit = limit_of("ios.idfa").expect("a limit");
        assert_eq!((limit.max_values, limit.scope), (5, LimitScope::WhenPresent));
        assert!(matches!(policy.settings_of("user_id"), TypeStatus::Listed { .. }));
        assert!(limit_of("user_id").is_some_and(|limit| limit.is_exclusive()));
    }
}
