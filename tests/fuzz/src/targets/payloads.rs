//! The log's payloads. A replay makes the state that was committed; a spoilt payload is refused, or makes that state too;
//! effects that no server writes, of the hash that they come to, are refused or leave a sound state.

use std::time::Duration;

use utterson_codec::log;
use utterson_engine::ids::{Day, Micros, PolicyRevision, Position, Serial};
use utterson_engine::keyed::digest::Digest;
use utterson_engine::plan::{Attachment, Effect, Entry};
use utterson_engine::policy::Strategy;
use utterson_engine::state::{Diverged, State, invariants};

use crate::drawing::Draw;
use crate::spoiling::spoil;
use crate::telling::assert_same;
use crate::watching::within;
use crate::world::{Committed, World, preset_change};

/// What replaying one small entry may take, a policy to compile included.
const REPLAY: Duration = Duration::from_millis(20);
/// A record of a build that wrote no checksum begins with its version and goes on with an effect.
const UNCHECKED: [u8; 3] = [8, 1, 18];

/// Replays what a drawn workspace committed, spoils one entry, and makes another up.
///
/// # Panics
///
/// A replayed state is not the committed one, or is not sound.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let world = World::drawn(&mut draw, 10);
    let place = draw.below(world.log.len().max(1));
    let mut state = world.fresh();
    for (at, one) in world.log.iter().enumerate() {
        let before = (at == place).then(|| state.clone());
        replay(&mut state, one, &one.payload).expect("an entry as it was written");
        if let Some(before) = before {
            spoilt(&before, one, &state, &mut draw);
        }
    }
    assert_same(&state, &world.state, "replayed and applied");
    made_up(&state, &mut draw);
    any_record(draw.rest());
}

/// Why an entry is not taken.
#[derive(Debug)]
#[expect(dead_code, reason = "told where a test fails")]
enum Refused {
    Unreadable(log::Unreadable),
    Diverged(Diverged),
}

fn replay(state: &mut State, one: &Committed, payload: &[u8]) -> Result<(), Refused> {
    within(REPLAY, "a replay", || {
        let effects = log::decode(payload).map_err(Refused::Unreadable)?;
        state.commit(&one.entry, &effects).map_err(Refused::Diverged)
    })
}

fn spoilt(before: &State, one: &Committed, after: &State, draw: &mut Draw<'_>) {
    let mut payload = one.payload.clone();
    spoil(draw, &mut payload);
    let mut state = before.clone();
    if replay(&mut state, one, &payload).is_err() || payload.starts_with(&UNCHECKED) {
        // After an error whoever holds the state drops it.
        return;
    }
    assert_same(&state, after, "an entry that was spoilt");
    let now = state.head.commit_time;
    for digest in one.effects.iter().filter_map(used) {
        assert_eq!(state.requests.get(digest, now), after.requests.get(digest, now), "a used id");
    }
    assert_eq!(state.requests.len(), after.requests.len());
}

/// The id that an effect uses up.
#[must_use]
pub fn used(effect: &Effect) -> Option<Digest> {
    if let Effect::UseRequest { digest, .. } = effect { Some(*digest) } else { None }
}

/// An entry of drawn effects, of the very hash that they come to.
fn made_up(state: &State, draw: &mut Draw<'_>) {
    let effects: Vec<Effect> = (0..draw.below(6)).map(|_| effect(state, draw)).collect();
    let revision = effects
        .iter()
        .rev()
        .find_map(|effect| if let Effect::ChangePolicy { revision, .. } = effect { Some(*revision) } else { None });
    let mut entry = Entry {
        seq: utterson_engine::ids::Seq(state.head.seq.0 + 1),
        id: utterson_engine::ids::EntryId([9; 16]),
        prev: state.head.id,
        policy_revision: revision.unwrap_or(state.policy_revision),
        commit_time: Micros(state.head.commit_time.0 + 1),
        state_hash: state.hash,
    };
    let mut tried = state.clone();
    match tried.commit(&entry, &effects) {
        Ok(()) | Err(Diverged::Hash) => entry.state_hash = tried.hash,
        Err(Diverged::NotNext | Diverged::Misfit) => return,
    }
    let mut state = state.clone();
    let read = log::decode(&log::encode(&effects)).expect("a record of our own");
    state.commit(&entry, &read).expect("its own hash");
    assert_eq!(invariants::check(&state), Vec::<String>::new(), "{effects:?}");
    assert_eq!(state.scrub(1 << 20).finding, None, "{effects:?}");
}

fn serial(state: &State, draw: &mut Draw<'_>) -> Serial {
    let made = u32::try_from(state.profiles.len()).unwrap_or(0);
    Serial(match draw.below(16) {
        15 => u32::MAX,
        14 => made + 2,
        _ => 1 + u32::try_from(draw.below(200)).unwrap_or(0) % (made + 1),
    })
}

/// An identifier that is held, or another one.
fn digest(state: &State, draw: &mut Draw<'_>) -> (Digest, Serial) {
    let holder = serial(state, draw);
    let held = state.profiles.get(holder).and_then(|_| state.own_entries(holder).nth(draw.below(3)));
    match held {
        Some(entry) if draw.flag() => (entry.digest, entry.serial),
        Some(entry) => (entry.digest, serial(state, draw)),
        None => (Digest(u128::from(draw.byte()) << 64), holder),
    }
}

fn effect(state: &State, draw: &mut Draw<'_>) -> Effect {
    let is_merge = matches!(state.policy.strategy(), Strategy::Merge { .. });
    let time = Micros(draw.number().cast_signed());
    let position = Position(u32::from(draw.byte()));
    match draw.below(10) {
        0 => Effect::CreateProfile {
            serial: if draw.below(8) == 7 { serial(state, draw) } else { state.profiles.next_serial() },
            create_time: time,
            source: draw.flag().then(|| serial(state, draw)),
            merges: u32::from(draw.byte() / 128),
        },
        1 | 2 => attach(state, draw, time),
        3 => {
            let (digest, serial) = digest(state, draw);
            Effect::Detach { digest, serial, exclusive: draw.flag() }
        }
        4 => {
            let (digest, serial) = digest(state, draw);
            Effect::Seen { digest, serial, day: day(draw), exclusive: false }
        }
        5 if is_merge => {
            let (loser, survivor) = (serial(state, draw), serial(state, draw));
            let behind = |serial| state.profiles.get(serial).map_or(0, |profile| profile.merges);
            let merges = behind(loser) + behind(survivor) + 1;
            Effect::Merge { loser, survivor, merges: if draw.below(8) == 7 { 0 } else { merges } }
        }
        6 => {
            let (name, value) = (draw.text(3).into_owned(), draw.flag().then(|| draw.some(5).to_vec()));
            Effect::SetTrait { serial: serial(state, draw), name, value, time, position }
        }
        7 => {
            let serial = draw.flag().then(|| serial(state, draw));
            Effect::StoreEvent { serial, time, position, record: draw.some(9).to_vec() }
        }
        8 => preset_change(if is_merge { "unify" } else { "profile_link" }, PolicyRevision(i32::from(draw.byte()))),
        _ => {
            let (digest, fingerprint) = (Digest(u128::from(draw.byte())), Digest(u128::from(draw.number())));
            Effect::UseRequest { digest, fingerprint, position }
        }
    }
}

fn day(draw: &mut Draw<'_>) -> Day {
    Day(i32::from_be_bytes([draw.byte(), draw.byte(), draw.byte(), draw.byte()]))
}

fn attach(state: &State, draw: &mut Draw<'_>, add_time: Micros) -> Effect {
    let (digest, holder) = digest(state, draw);
    let serial = if draw.flag() { holder } else { serial(state, draw) };
    let type_name = if draw.flag() { "email".into() } else { draw.text(4).into() };
    // In the merge family nobody shares one.
    let exclusive = draw.flag() || matches!(state.policy.strategy(), Strategy::Merge { .. });
    let raw = draw.text(4).into();
    Effect::Attach(Attachment {
        digest,
        serial,
        type_name,
        add_time,
        seen_day: day(draw),
        changed: draw.flag().then(|| "changed".into()),
        raw,
        exclusive,
    })
}

/// Any bytes are read or refused, and what was read is written as it can be read again.
fn any_record(bytes: &[u8]) {
    if let Ok(effects) = within(REPLAY, "reading a record", || log::decode(bytes)) {
        let again = log::decode(&log::encode(&effects)).expect("a record of our own");
        assert_eq!(format!("{again:?}"), format!("{effects:?}"));
    }
}
