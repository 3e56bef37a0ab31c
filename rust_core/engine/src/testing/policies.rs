//! Small random policies of both families.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::ids::Micros;
use crate::policy::spec::{
    BlockedSpec, LimitScope, LimitSpec, LoginMatch, OnExceeded, OnLogout, OnNewKnownUser, PolicySpec, StrategySpec,
    TypeSpec, UnlistedTypes, Window,
};

/// The types of the merge family's tests, most trusted first; `b` is not listed and accepted.
pub(crate) const MERGE_TYPES: [&str; 4] = ["user", "email", "a", "b"];
/// The types of the isolation family's tests, most trusted first; `other` is not listed and ignored.
pub(crate) const ISOLATION_TYPES: [&str; 5] = ["customer", "email", "device", "cookie", "other"];
/// Blocked everywhere.
pub(crate) const BLOCKED: &str = "0";
pub(crate) const HOUR_US: i64 = Micros::DAY_US / 24;

/// The limit of the seed's `user_id`.
pub(crate) fn exclusive() -> LimitSpec {
    limit(1, Window::Ever, LimitScope::Always, OnExceeded::DemoteLowest)
}

pub(crate) fn limit(max_values: u32, window: Window, scope: LimitScope, on_exceeded: OnExceeded) -> LimitSpec {
    LimitSpec { max_values, window: Some(window), scope: Some(scope), on_exceeded: Some(on_exceeded) }
}

pub(crate) fn limited(name: &str, limit: Option<LimitSpec>) -> TypeSpec {
    TypeSpec { name: name.into(), limit, ..TypeSpec::default() }
}

/// A merge policy of these limits for `user`, `email`, `a` and every other type.
pub(crate) fn merge(limits: [Option<LimitSpec>; 4], max_merges: u32, max_identifiers: u32) -> PolicySpec {
    let [user, email, a, other] = limits;
    PolicySpec {
        identifier_types: vec![limited("user", user), limited("email", email), limited("a", a)],
        default_type: Some(limited("", other)),
        unlisted_types: Some(UnlistedTypes::Accept),
        blocked: vec![BlockedSpec::Exact(BLOCKED.into())],
        strategy: Some(StrategySpec::Merge { max_merges: Some(max_merges), max_identifiers: Some(max_identifiers) }),
        ..PolicySpec::default()
    }
}

/// A merge policy that limits nothing.
pub(crate) fn boundless() -> PolicySpec {
    merge([None; 4], 1_000_000, 0)
}

/// A type of an isolation policy: unique, login, immutable.
pub(crate) fn flagged(name: &str, (unique, login, immutable): (bool, bool, bool)) -> TypeSpec {
    TypeSpec { name: name.into(), unique, login, immutable, ..TypeSpec::default() }
}

/// An isolation policy with `customer` and `email` as the seed has them, or with `customer` immutable.
pub(crate) fn isolation(immutable: bool, on_new: OnNewKnownUser, on_logout: OnLogout) -> PolicySpec {
    isolation_of(
        [(true, true, immutable), (true, true, false), (false, false, false), (false, false, false)],
        on_new,
        on_logout,
    )
}

/// The same policy, but of the login types that a profile and a call have in common the most trusted one decides.
pub(crate) fn matching_highest(mut spec: PolicySpec) -> PolicySpec {
    if let Some(StrategySpec::Isolation { login_match, .. }) = &mut spec.strategy {
        *login_match = Some(LoginMatch::Highest);
    }
    spec
}

fn isolation_of(flags: [(bool, bool, bool); 4], on_new: OnNewKnownUser, on_logout: OnLogout) -> PolicySpec {
    PolicySpec {
        identifier_types: ISOLATION_TYPES.iter().zip(flags).map(|(name, flags)| flagged(name, flags)).collect(),
        unlisted_types: Some(UnlistedTypes::Ignore),
        blocked: vec![BlockedSpec::Exact(BLOCKED.into())],
        strategy: Some(StrategySpec::Isolation {
            on_new_known_user: Some(on_new),
            on_logout: Some(on_logout),
            login_match: None,
        }),
        ..PolicySpec::default()
    }
}

fn any_limit() -> impl Strategy<Value = LimitSpec> {
    let windows = select(vec![Window::Ever, Window::Ever, Window::Day, Window::Week]);
    let scopes = select(vec![LimitScope::Always, LimitScope::WhenPresent]);
    let exceeded = select(vec![OnExceeded::DemoteLowest, OnExceeded::DemoteOffending]);
    prop_oneof![
        1 => Just(exclusive()),
        3 => (1..=3u32, windows, scopes, exceeded).prop_map(|(max, window, scope, on)| limit(max, window, scope, on)),
    ]
}

/// Merge policies with few merges, few values and few identifiers allowed.
pub(crate) fn any_merge() -> impl Strategy<Value = PolicySpec> {
    let user = prop_oneof![3 => Just(Some(exclusive())), 1 => option::of(any_limit())];
    let limits = (user, option::of(any_limit()), option::of(any_limit()), option::of(any_limit()));
    let max_merges = select(vec![0, 1, 2, 3, 100]);
    let max_identifiers = select(vec![0, 0, 3, 5, 8]);
    (limits, max_merges, max_identifiers)
        .prop_map(|((user, email, a, other), merges, identifiers)| merge([user, email, a, other], merges, identifiers))
}

/// Isolation policies of every mode; a login type that is not unique and types without flags occur.
pub(crate) fn any_isolation() -> impl Strategy<Value = PolicySpec> {
    let on_new = select(vec![
        OnNewKnownUser::CreateProfile,
        OnNewKnownUser::CreateLinkedProfile,
        OnNewKnownUser::ConvertAnonymous,
    ]);
    let on_logout = select(vec![OnLogout::ReturnToAnonymous, OnLogout::CreateAnonymous, OnLogout::Identify]);
    let (plain, unique, login) = ((false, false, false), (true, false, false), (false, true, false));
    let (both, immutable) = ((true, true, false), (true, true, true));
    let customer = select(vec![both, both, immutable, immutable, plain]);
    let email = select(vec![both, both, immutable, immutable, unique, login]);
    let device = select(vec![plain, plain, plain, unique]);
    let drawn = (customer, email, device, on_new, on_logout, any::<bool>());
    drawn.prop_map(move |(customer, email, device, on_new, on_logout, highest)| {
        let spec = isolation_of([customer, email, device, plain], on_new, on_logout);
        if highest { matching_highest(spec) } else { spec }
    })
}
