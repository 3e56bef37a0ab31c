//! Small random calls, and short ways to write one down.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::call::{Call, CallKind, RawChange, RawEvent, RawIdentifier, RawTrait};
use crate::ids::Micros;
use crate::testing::policies::{BLOCKED, HOUR_US, ISOLATION_TYPES, MERGE_TYPES};
use crate::testing::{START_US, id_of};

pub(crate) fn identifier(type_name: &str, value: &str) -> RawIdentifier<'static> {
    RawIdentifier { type_name: type_name.to_owned().into(), value: value.to_owned().into() }
}

/// A call of a kind with identifiers, written `"user=1 email=2"`.
pub(crate) fn call(kind: CallKind, identifiers: &str) -> Call<'static> {
    let mut call = Call::new(kind);
    call.identifiers = identifiers
        .split_whitespace()
        .map(|one| one.split_once('=').expect("type=value"))
        .map(|(type_name, value)| identifier(type_name, value))
        .collect();
    call
}

/// A call with values of any characters.
pub(crate) fn sent(kind: CallKind, identifiers: &[(&str, &str)]) -> Call<'static> {
    let mut call = Call::new(kind);
    call.identifiers = identifiers.iter().map(|&(type_name, value)| identifier(type_name, value)).collect();
    call
}

pub(crate) fn identify(identifiers: &str) -> Call<'static> {
    call(CallKind::Identify, identifiers)
}

/// A Modify of a profile, its changes written `"email: 1>2"`, each side may be empty.
pub(crate) fn modify(serial: u32, changes: &[(&str, &str, &str)]) -> Call<'static> {
    let mut call = Call::new(CallKind::Modify);
    call.profile = id_of(serial);
    call.changes = changes.iter().map(|&(name, old, new)| change(name, old, new)).collect();
    call
}

fn change(type_name: &str, old: &str, new: &str) -> RawChange {
    RawChange { type_name: type_name.into(), old_value: old.into(), new_value: new.into() }
}

/// The same call at a time, in hours after the start.
pub(crate) fn at(mut call: Call<'_>, hours: i64) -> Call<'_> {
    call.event_time = Some(Micros(START_US + hours * HOUR_US));
    call
}

/// The calls of one family: its types, and the kinds that may occur.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pool {
    types: &'static [&'static str],
    kinds: &'static [CallKind],
}

const ALL: &[CallKind] = &[
    CallKind::Identify,
    CallKind::Identify,
    CallKind::Identify,
    CallKind::Track,
    CallKind::Track,
    CallKind::Login,
    CallKind::Logout,
    CallKind::Modify,
    CallKind::Modify,
    CallKind::Search,
];

pub(crate) const MERGE: Pool = Pool { types: &MERGE_TYPES, kinds: ALL };
pub(crate) const ISOLATION: Pool = Pool { types: &ISOLATION_TYPES, kinds: ALL };

impl Pool {
    /// The same values, these kinds only.
    pub const fn only(self, kinds: &'static [CallKind]) -> Self {
        Self { kinds, ..self }
    }
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![12 => select(vec!["1", "2", "3", "4"]), 1 => Just(BLOCKED)].prop_map(str::to_owned)
}

fn any_identifiers(types: &'static [&'static str]) -> impl Strategy<Value = Vec<RawIdentifier<'static>>> {
    vec((select(types), value()), 1..=5)
        .prop_map(|pairs| pairs.iter().map(|(name, value)| identifier(name, value)).collect())
}

fn any_changes(types: &'static [&'static str]) -> impl Strategy<Value = Vec<RawChange>> {
    let side = || prop_oneof![2 => value(), 1 => Just(String::new())];
    let one = (select(types), side(), side()).prop_map(|(name, old, new)| change(name, &old, &new));
    vec(one, 1..=3)
}

fn any_traits() -> impl Strategy<Value = Vec<RawTrait>> {
    let one = |name: &'static str| {
        option::of(option::weighted(0.7, 0..9u8)).prop_map(move |value| {
            value.map(|value| RawTrait { name: name.into(), value: value.map(|value| vec![value]) })
        })
    };
    (one("x"), one("y")).prop_map(|(x, y)| x.into_iter().chain(y).collect())
}

fn any_time() -> impl Strategy<Value = Option<Micros>> {
    // The last lies ahead of the clock.
    let hours = select(vec![0, 1, 23, 24, 25, 7 * 24, 7 * 24 + 1, 40 * 24, -24, 50 * 24]);
    option::weighted(0.9, hours.prop_map(|hours| Micros(START_US + hours * HOUR_US)))
}

/// One call of a pool. Profiles are named by the numbers that short histories reach.
pub(crate) fn any_call(pool: Pool) -> impl Strategy<Value = Call<'static>> {
    let parts = (
        select(pool.kinds),
        any_identifiers(pool.types),
        any_changes(pool.types),
        any_traits(),
        any_time(),
        option::weighted(0.3, 1..9u32),
        1..9u32,
        0..100u32,
    );
    parts.prop_map(|(kind, identifiers, changes, traits, event_time, previous, profile, name)| {
        let mut call = Call::new(kind);
        call.event_time = event_time;
        if kind == CallKind::Modify {
            call.changes = changes;
            call.profile = id_of(profile);
            return call;
        }
        call.identifiers = identifiers;
        call.previous_profile = previous.map(id_of);
        if kind == CallKind::Track {
            call.event = RawEvent { name: format!("event{name}"), ..RawEvent::default() };
        } else if matches!(kind, CallKind::Identify | CallKind::Login) {
            call.traits = traits;
        }
        call
    })
}

/// A history of calls of a pool.
pub(crate) fn any_calls(pool: Pool, most: usize) -> impl Strategy<Value = Vec<Call<'static>>> {
    vec(any_call(pool), 1..=most)
}
