//! Tables' rows into a state. As they were committed they make the state that was committed, wherever the chunks end;
//! spoilt ones are refused, or make a sound state of the head's hash.

use std::time::Duration;

use utterson_codec::load::{Loading, Unfit};
use utterson_engine::state::invariants;
use utterson_engine::state::{Head, State};

use crate::drawing::Draw;
use crate::spoiling::spoil;
use crate::tables::{Tables, copied};
use crate::telling::assert_same;
use crate::watching::within;
use crate::world::{DIGEST_KEY, ID_KEY, World};

/// What a load of so few rows may take.
const LOAD: Duration = Duration::from_millis(20);

/// Loads what a drawn workspace committed, as it is or spoilt.
///
/// # Panics
///
/// The loaded state is not the committed one.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let is_spoilt = draw.flag();
    let world = World::drawn(&mut draw, 12);
    let tables = Tables::of(&world.log);
    let rows = [tables.profiles(), tables.identifiers(), tables.traits(), tables.requests()];
    let mut streams = rows.map(|rows| copied(&rows));
    if is_spoilt {
        let table = draw.below(4);
        spoil(&mut draw, &mut streams[table]);
    }
    let loaded = within(LOAD, "a load", || load(&world.state, &streams, &mut draw));
    match loaded {
        Ok(state) if is_spoilt => {
            // Days, used ids and the rest of what the hash leaves out may differ, but nothing is out of joint.
            assert_eq!(state.hash, world.state.hash);
            assert_eq!(invariants::check(&state), Vec::<String>::new());
        }
        Ok(state) => assert_loaded(state, &world),
        Err(unfit) => assert!(is_spoilt, "{unfit}"),
    }
}

/// Gives the loader some bytes of one table.
type Feed = fn(&mut Loading, &[u8]) -> Result<(), Unfit>;

/// Feeds the tables in chunks, and in an order that depends on the rows only where it must.
fn load(state: &State, streams: &[Vec<u8>; 4], draw: &mut Draw<'_>) -> Result<State, Unfit> {
    let Head { seq, id, commit_time } = state.head;
    let policy = (state.policy_revision, state.policy.clone(), state.policy_encoded.to_vec());
    let empty = State::empty(&DIGEST_KEY, &ID_KEY, policy, Head { seq, id, commit_time });
    let mut loading = Loading::new(empty, state.hash);
    let tables: [Feed; 4] = [Loading::profiles, Loading::identifiers, Loading::traits, Loading::requests];
    for (feed, stream) in tables.into_iter().zip(streams) {
        let mut left = &stream[..];
        while !left.is_empty() {
            // All at once where nothing more is drawn.
            let bytes = match draw.below(200) {
                0 => left.len(),
                some => some.min(left.len()),
            };
            let (chunk, rest) = left.split_at(bytes);
            feed(&mut loading, chunk)?;
            left = rest;
        }
    }
    loading.finish()
}

fn assert_loaded(mut state: State, world: &World) {
    assert_same(&state, &world.state, "loaded and applied");
    assert_eq!(invariants::check(&state), Vec::<String>::new());
    for digest in used(world) {
        // The place within a commit matters to that commit only.
        let mark = |state: &State| {
            let mark = state.requests.get(digest, state.head.commit_time);
            mark.map(|mark| (mark.fingerprint, mark.time, mark.seq))
        };
        assert_eq!(mark(&state), mark(&world.state));
    }
    assert_eq!(state.scrub(1 << 20).finding, None);
}

fn used(world: &World) -> impl Iterator<Item = utterson_engine::keyed::digest::Digest> {
    let effects = world.log.iter().flat_map(|one| &one.effects);
    effects.filter_map(super::payloads::used)
}
