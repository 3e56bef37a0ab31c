//! A decision on identifiers that are hashed already: owners, who answers for them, and whether the counts allow it.

use std::hint::black_box;

use utterson_engine::ids::Serial;
use utterson_engine::keyed::digest::Digest;
use utterson_engine::state::State;
use utterson_engine::state::index::Near;

use crate::time::nanoseconds;

/// Calls decided together.
pub const BATCH: usize = 256;
/// Calls whose look-ups are read ahead together: what they read stays in the nearest cache.
const AHEAD: usize = 32;
/// More values of one type than this would be refused.
const VALUES_MAX: u32 = 5;
/// More identifiers than this would be refused.
const IDENTIFIERS_MAX: u32 = 1_000;

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// One profile, which may keep growing or not.
    Found(Serial, bool),
    /// Several profiles that would be joined.
    Several,
    /// Nobody yet.
    New,
}

/// Decides a call of three identifiers.
pub fn decide(state: &State, call: &[Digest; 3], near: &[Near]) -> Verdict {
    let mut owner = None;
    let mut fresh = 0;
    for (&digest, &near) in call.iter().zip(near) {
        match state.index.first_near(near, digest).map(|entry| state.profiles.root(entry.serial)) {
            None => fresh += 1,
            Some(root) if owner.is_none_or(|owner| owner == root) => owner = Some(root),
            Some(_) => return Verdict::Several,
        }
    }
    let Some(owner) = owner else { return Verdict::New };
    let Some(profile) = state.profiles.get(owner) else { return Verdict::New };
    let fits = profile.counts.iter().all(|(_, count)| count + fresh <= VALUES_MAX);
    Verdict::Found(owner, fits && profile.identifiers + fresh <= IDENTIFIERS_MAX)
}

/// Nanoseconds a decision, in batches whose look-ups are read ahead, a part of the batch at a time.
pub fn run(state: &State, calls: &[[Digest; 3]]) -> f64 {
    let whole = nanoseconds(|| {
        for part in calls.chunks(BATCH).flat_map(|batch| batch.chunks(AHEAD)) {
            let near = state.warm(part.as_flattened());
            for (call, near) in part.iter().zip(near.chunks_exact(3)) {
                black_box(decide(state, call, near));
            }
        }
    });
    whole / calls.iter().map(|_| 1.0).sum::<f64>()
}

/// Nanoseconds for reading ahead alone.
pub fn read_ahead(state: &State, calls: &[[Digest; 3]]) -> f64 {
    let whole = nanoseconds(|| {
        calls.chunks(AHEAD).for_each(|batch| {
            black_box(state.warm(batch.as_flattened()));
        });
    });
    whole / calls.iter().map(|_| 1.0).sum::<f64>()
}
