//! The people of a workspace: about three identifiers each, of the types that most have.

use std::sync::Arc;

use utterson_engine::call::{Call, CallKind, RawIdentifier};
use utterson_engine::decider::{Encoder, StoredEvent};
use utterson_engine::ids::{EntryId, Micros, PolicyRevision, Seq, Serial};
use utterson_engine::keyed::digest::Digest;
use utterson_engine::policy::Policy;
use utterson_engine::policy::presets::preset;
use utterson_engine::policy::spec::{LimitSpec, PolicySpec, StrategySpec};
use utterson_engine::state::{Head, LoadedIdentifier, LoadedProfile, State};

/// 2026, in microseconds.
pub const NOW_US: i64 = 1_790_000_000_000_000;
/// How many identifiers a person has on average.
pub const EACH: u32 = 3;

/// A preset's policy, its limits raised so far that none is met.
pub fn raised(name: &str) -> PolicySpec {
    let mut spec = preset(name).unwrap_or_default();
    let raise = |limit: &mut LimitSpec| limit.max_values = 1_000_000;
    spec.identifier_types.iter_mut().chain(&mut spec.default_type).filter_map(|one| one.limit.as_mut()).for_each(raise);
    if let Some(StrategySpec::Merge { max_merges, max_identifiers }) = &mut spec.strategy {
        (*max_merges, *max_identifiers) = (Some(1_000_000), Some(0));
    }
    spec
}

/// An empty workspace under a policy.
pub fn empty(spec: &PolicySpec) -> Option<State> {
    let (policy, _) = Policy::compile(spec).ok()?;
    let head = Head { seq: Seq(0), id: EntryId([0; 16]), commit_time: Micros(NOW_US) };
    Some(State::empty(&[1; 16], &[2; 16], (PolicyRevision(1), Arc::new(policy), Vec::new()), head))
}

/// The identifiers of a person: every fourth lacks the email, every fourth has a second device.
pub fn of_person(person: u32) -> Vec<(&'static str, String)> {
    let mut own = vec![("user_id", format!("user-{person}")), ("device_id", format!("device-{person}"))];
    if !person.is_multiple_of(4) {
        own.push(("email", format!("person{person}@example.org")));
    }
    if person % 4 == 1 {
        own.push(("device_id", format!("tablet-{person}")));
    }
    own
}

/// Three identifiers of a person, as digests; the last is new to the index where the person has two only.
pub fn digests(state: &State, person: u32) -> [Digest; 3] {
    [("user_id", "user-"), ("device_id", "device-"), ("email", "person")].map(|(type_name, start)| {
        let end = if type_name == "email" { "@example.org" } else { "" };
        state.digester.identifier(type_name, &format!("{start}{person}{end}"))
    })
}

/// Rows of a table of identifiers, ready to be loaded.
pub fn rows(state: &State, people: std::ops::Range<u32>) -> Vec<LoadedIdentifier> {
    let names = ["user_id", "device_id", "email"].map(Arc::<str>::from);
    let name =
        |wanted: &str| names.iter().find(|name| ***name == *wanted).map_or_else(|| Arc::from(wanted), Arc::clone);
    let row = |person: u32, (type_name, value): (&str, String)| {
        let add_time = Micros(NOW_US - i64::from(person % 1_000_000) * 30_000_000);
        LoadedIdentifier {
            digest: state.digester.identifier(type_name, &value),
            serial: Serial(person + 1),
            type_name: name(type_name),
            add_time,
            seen_day: add_time.day(),
            exclusive: true,
        }
    };
    people
        .flat_map(|person| of_person(person).into_iter().map(move |one| (person, one)))
        .map(|(person, one)| row(person, one))
        .collect()
}

/// A profile's row.
pub fn profile(serial: u32) -> LoadedProfile {
    LoadedProfile {
        serial: Serial(serial),
        create_time: Micros(NOW_US),
        source: None,
        imported_merges: 0,
        merged_into: None,
    }
}

/// A workspace of so many people.
pub fn settled(spec: &PolicySpec, people: u32) -> Option<State> {
    let mut state = empty(spec)?;
    (1..=people).for_each(|serial| {
        state.load_profile(&profile(serial));
    });
    for from in (0..people).step_by(10_000) {
        for row in rows(&state, from..(from + 10_000).min(people)) {
            state.load_identifier(&row);
        }
    }
    Some(state)
}

/// A call that names some identifiers.
pub fn call(kind: CallKind, identifiers: &[(&str, String)]) -> Call<'static> {
    let mut call = Call::new(kind);
    let raw = |(type_name, value): &(&str, String)| RawIdentifier {
        type_name: (*type_name).to_owned().into(),
        value: value.clone().into(),
    };
    call.identifiers = identifiers.iter().map(raw).collect();
    call.event_time = Some(Micros(NOW_US));
    call
}

/// No figure here stores an event.
pub struct NoEvents;

impl Encoder for NoEvents {
    fn event(&self, _: &StoredEvent<'_>) -> Vec<u8> {
        Vec::new()
    }
}
