//! From a policy as it is written to the engine's policy.

use std::collections::BTreeMap;
use std::sync::Arc;

use utterson_engine::normalize::Normalization;
use utterson_engine::policy::Policy;
use utterson_engine::policy::presets::preset;
use utterson_engine::policy::spec::{
    BlockedList, BlockedSpec, InvalidIdentifiers, LimitScope, LimitSpec, LoginMatch, OnExceeded, OnLogout,
    OnNewKnownUser, PolicySpec, StrategySpec, TypeSpec, UnlistedTypes, Window,
};

use crate::file::{BlockedText, LimitText, PolicyText, TypeText};

/// The policy of a name in the file, else the preset of the name.
pub fn find(policies: &BTreeMap<String, PolicyText>, name: &str) -> Arc<Policy> {
    let Some(text) = policies.get(name) else {
        let spec = preset(name).unwrap_or_else(|| panic!("no policy and no preset {name}"));
        return Arc::new(Policy::compile(&spec).unwrap_or_else(|faults| panic!("{faults:?}")).0);
    };
    compile(text)
}

fn compile(text: &PolicyText) -> Arc<Policy> {
    let strategy = match (&text.merge, &text.isolation) {
        (Some(merge), None) => {
            StrategySpec::Merge { max_merges: merge.max_merges, max_identifiers: merge.max_identifiers }
        }
        (None, Some(isolation)) => StrategySpec::Isolation {
            on_new_known_user: Some(on_new_known_user(&isolation.on_new_known_user)),
            on_logout: Some(on_logout(&isolation.on_logout)),
            login_match: isolation.login_match.as_deref().map(login_match),
        },
        _ => panic!("a policy has one strategy"),
    };
    let spec = PolicySpec {
        identifier_types: text.identifier_types.iter().map(type_spec).collect(),
        default_type: text.default_type.as_ref().map(type_spec),
        unlisted_types: text.unlisted_types.as_deref().map(unlisted),
        blocked: text.blocked.iter().map(blocked).collect(),
        blocked_lists: text.blocked_lists.iter().map(|name| list(name)).collect(),
        invalid_identifiers: text.invalid_identifiers.as_deref().map(invalid_identifiers),
        future_tolerance_us: text.future_tolerance.as_deref().map(micros),
        strategy: Some(strategy),
        ..PolicySpec::default()
    };
    let (policy, _) = Policy::compile(&spec).unwrap_or_else(|faults| panic!("{faults:?}"));
    Arc::new(policy)
}

fn type_spec(text: &TypeText) -> TypeSpec {
    TypeSpec {
        name: text.name.clone(),
        unique: text.unique,
        login: text.login,
        immutable: text.immutable,
        normalization: text.normalization.as_deref().map(normalization),
        region: text.region.clone(),
        blocked: text.blocked.iter().map(blocked).collect(),
        limit: text.limit.as_ref().map(limit),
    }
}

fn blocked(text: &BlockedText) -> BlockedSpec {
    match (&text.exact, &text.regex) {
        (Some(value), None) => BlockedSpec::Exact(value.clone()),
        (None, Some(pattern)) => BlockedSpec::Regex(pattern.clone()),
        _ => panic!("a blocked value is either exact or a regex"),
    }
}

fn limit(text: &LimitText) -> LimitSpec {
    LimitSpec {
        max_values: text.max_values,
        window: text.window.as_deref().map(window),
        scope: text.scope.as_deref().map(|name| match name {
            "ALWAYS" => LimitScope::Always,
            "WHEN_PRESENT" => LimitScope::WhenPresent,
            other => panic!("no scope {other}"),
        }),
        on_exceeded: text.on_exceeded.as_deref().map(|name| match name {
            "DEMOTE_LOWEST" => OnExceeded::DemoteLowest,
            "DEMOTE_OFFENDING" => OnExceeded::DemoteOffending,
            other => panic!("no on_exceeded {other}"),
        }),
    }
}

fn window(name: &str) -> Window {
    match name {
        "EVER" => Window::Ever,
        "DAY" => Window::Day,
        "WEEK" => Window::Week,
        "MONTH" => Window::Month,
        "YEAR" => Window::Year,
        other => panic!("no window {other}"),
    }
}

fn normalization(name: &str) -> Normalization {
    match name {
        "NONE" => Normalization::None,
        "TRIM" => Normalization::Trim,
        "LOWER" => Normalization::Lower,
        "EMAIL" => Normalization::Email,
        "PHONE" => Normalization::Phone,
        other => panic!("no normalization {other}"),
    }
}

fn unlisted(name: &str) -> UnlistedTypes {
    match name {
        "ACCEPT" => UnlistedTypes::Accept,
        "IGNORE" => UnlistedTypes::Ignore,
        "REJECT" => UnlistedTypes::Reject,
        other => panic!("no unlisted_types {other}"),
    }
}

fn list(name: &str) -> BlockedList {
    match name {
        "PLACEHOLDERS" => BlockedList::Placeholders,
        "ZEROS" => BlockedList::Zeros,
        "REPEATED" => BlockedList::Repeated,
        other => panic!("no list {other}"),
    }
}

fn invalid_identifiers(name: &str) -> InvalidIdentifiers {
    match name {
        "REFUSE" => InvalidIdentifiers::Refuse,
        "SET_ASIDE" => InvalidIdentifiers::SetAside,
        other => panic!("no invalid_identifiers {other}"),
    }
}

fn micros(duration: &str) -> i64 {
    let seconds: i64 = duration.strip_suffix('s').and_then(|seconds| seconds.parse().ok()).expect("whole seconds");
    seconds * 1_000_000
}

fn login_match(name: &str) -> LoginMatch {
    match name {
        "ANY" => LoginMatch::Any,
        "HIGHEST" => LoginMatch::Highest,
        other => panic!("no login_match {other}"),
    }
}

fn on_new_known_user(name: &str) -> OnNewKnownUser {
    match name {
        "CREATE_PROFILE" => OnNewKnownUser::CreateProfile,
        "CREATE_LINKED_PROFILE" => OnNewKnownUser::CreateLinkedProfile,
        "CONVERT_ANONYMOUS" => OnNewKnownUser::ConvertAnonymous,
        other => panic!("no on_new_known_user {other}"),
    }
}

fn on_logout(name: &str) -> OnLogout {
    match name {
        "RETURN_TO_ANONYMOUS" => OnLogout::ReturnToAnonymous,
        "CREATE_ANONYMOUS" => OnLogout::CreateAnonymous,
        "IDENTIFY" => OnLogout::Identify,
        other => panic!("no on_logout {other}"),
    }
}
