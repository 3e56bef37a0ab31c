//! A state knows how much memory it takes: what it says is held against what it asked of the allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use utterson_engine::ids::{EntryId, Micros, PolicyRevision, Position, Seq, Serial};
use utterson_engine::keyed::digest::Digest;
use utterson_engine::keyed::state_hash::StateHash;
use utterson_engine::policy::Policy;
use utterson_engine::policy::presets;
use utterson_engine::state::marks::RequestMark;
use utterson_engine::state::{Head, LoadedIdentifier, LoadedProfile, State};

/// The system's allocator, with a count of what this thread holds of it.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

fn note(size: usize, sign: isize) {
    HELD.set(HELD.get() + sign * size.cast_signed());
}

// SAFETY: every call is passed on as it came; the count allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 1);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        note(layout.size(), -1);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What is loaded: so many profiles, each with so many identifiers of its own, and more.
#[derive(Clone, Copy, Default)]
struct Load {
    profiles: u32,
    own: u32,
    /// Identifiers that this many profiles share.
    shared_by: u32,
    /// Each so many profiles are joined into the first of them.
    merged: u32,
    /// Whether times are such as do not fit into a row.
    early: bool,
    traits: u32,
    requests: u32,
}

/// A digest without a pattern.
fn digest(number: u32, kind: u32) -> Digest {
    let mut mixed = u128::from(number) << 32 | u128::from(kind);
    for _ in 0..3 {
        mixed = (mixed ^ mixed >> 59).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    }
    Digest(mixed ^ mixed >> 64)
}

fn load(what: Load) -> State {
    let spec = presets::preset("identity_graph_rules").expect("a preset");
    let policy = Arc::new(Policy::compile(&spec).expect("a good policy").0);
    let head = Head { seq: Seq(1), id: EntryId([1; 16]), commit_time: Micros(0) };
    let mut state = State::empty(&[1; 16], &[2; 16], (PolicyRevision(1), policy, vec![0; 100]), head);
    for number in 1..=what.profiles {
        let first = what.merged > 1 && number % what.merged != 1;
        let merged_into = first.then(|| Serial((number - 1) / what.merged * what.merged + 1));
        let create_time = Micros(1_700_000_000_000_000);
        let serial = Serial(number);
        let row = LoadedProfile { serial, create_time, source: None, imported_merges: 0, merged_into };
        assert!(state.load_profile(&row));
    }
    let names: Vec<Arc<str>> = ["email", "user_id", "device"].map(Arc::from).into();
    for number in 1..=what.profiles {
        let own = (0..what.own).map(|kind| digest(number, kind));
        let shared = (what.shared_by > 0).then(|| digest(number / what.shared_by, 1 << 20));
        state.make_room(what.own as usize + 1);
        for (kind, digest) in own.chain(shared).enumerate() {
            let add_time = Micros(if what.early { -9_000_000_000_000_000 } else { 1_700_000_000_000_000 });
            let type_name = Arc::clone(&names[kind % 3]);
            let serial = Serial(number);
            let row =
                LoadedIdentifier { digest, serial, type_name, add_time, seen_day: add_time.day(), exclusive: false };
            assert!(state.load_identifier(&row));
        }
    }
    let at = (Micros(1), Seq(1), Position(0));
    for number in 0..what.traits {
        state.load_trait(Serial(number % what.profiles + 1), &number.to_string(), Some(b"\"x\""), at);
    }
    for number in 0..what.requests {
        let mark =
            RequestMark { fingerprint: Digest(1), time: Micros(i64::from(number)), seq: Seq(1), position: Position(0) };
        state.load_request(digest(number, 7), mark);
    }
    state.finish_loading(StateHash::default());
    state
}

/// Loads, and tells what the state says and what it holds, in bytes.
fn measured(what: Load) -> (f64, f64) {
    // What is made once for the process is none of the state's.
    drop(load(Load { profiles: 1, own: 1, ..Load::default() }));
    let before = HELD.get();
    let state = load(what);
    let held = HELD.get() - before;
    let told = i32::try_from(state.bytes()).expect("a small state");
    (f64::from(told), f64::from(i32::try_from(held).expect("a small state")))
}

/// How much memory of its own this process has, in bytes.
#[cfg(target_os = "linux")]
fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("its own memory");
    line.trim()
        .strip_suffix(" kB")
        .and_then(|kilobytes| kilobytes.parse().ok())
        .map_or(0.0, |kilobytes: f64| kilobytes * 1024.0)
}

// One test: what the process takes is told for all its threads together.
#[test]
fn a_state_tells_what_it_takes() {
    #[cfg(target_os = "linux")]
    {
        let before = resident_bytes();
        let state = load(Load { profiles: 400_000, own: 2, ..Load::default() });
        let grown = resident_bytes() - before;
        let told = f64::from(i32::try_from(state.bytes()).expect("a small state"));
        assert!((-0.15..0.15).contains(&(told / grown - 1.0)), "told {told}, grown by {grown}");
    }
    let small = load(Load { profiles: 1_000, own: 2, ..Load::default() }).bytes();
    let large = load(Load { profiles: 100_000, own: 2, ..Load::default() }).bytes();
    assert!(large > small + 99_000 * 2 * 30, "{small} {large}");
    each_shape_tells_what_it_takes();
}

fn each_shape_tells_what_it_takes() {
    let shapes = [
        ("ordinary", Load { profiles: 50_000, own: 2, ..Load::default() }),
        ("many identifiers", Load { profiles: 1_000, own: 100, ..Load::default() }),
        ("pairs", Load { profiles: 50_000, own: 1, shared_by: 2, ..Load::default() }),
        ("a dozen a device", Load { profiles: 50_000, own: 1, shared_by: 12, ..Load::default() }),
        ("one device", Load { profiles: 50_000, own: 0, shared_by: 50_000, ..Load::default() }),
        ("merged", Load { profiles: 50_000, own: 1, merged: 10, ..Load::default() }),
        ("early", Load { profiles: 50_000, own: 1, early: true, ..Load::default() }),
        ("traits", Load { profiles: 1_000, own: 1, traits: 50_000, ..Load::default() }),
        ("requests", Load { profiles: 1_000, own: 1, requests: 50_000, ..Load::default() }),
        ("small", Load { profiles: 10, own: 2, ..Load::default() }),
    ];
    for (name, what) in shapes {
        let (told, held) = measured(what);
        let error = told / held - 1.0;
        assert!((-0.1..0.2).contains(&error), "{name}: told {told}, held {held}: {error:+.3}");
    }
}
