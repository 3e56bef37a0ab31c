//! Inputs for a short run: those that are kept, and random changes of them and of one another.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::Target;

/// The longest input that is made.
const LONGEST: usize = 4096;

/// What one run came to.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// How many inputs there were, beside those that were kept.
    pub inputs: u64,
}

/// Inputs that found something once, each a file.
#[must_use]
pub fn kept(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read(file.path()).ok().map(|bytes| (file.path(), bytes))).collect()
}

/// Runs a target for a time. An input at which something does not hold is written to the file `failure`.
///
/// # Panics
///
/// Where the target does.
pub fn run(target: &Target, time: Duration, seed: u64, failure: &Path) -> Run {
    let mut pool = (target.seeds)();
    pool.extend(kept(target).into_iter().map(|(_, bytes)| bytes));
    let (began, mut rng, mut inputs) = (Instant::now(), Rng::with_seed(seed), 0);
    for input in &pool {
        tried(target, input, failure);
    }
    while began.elapsed() < time {
        tried(target, &made(&pool, &mut rng), failure);
        inputs += 1;
    }
    Run { inputs }
}

/// Runs a target on an input, which is kept if something does not hold.
pub fn tried(target: &Target, input: &[u8], failure: &Path) {
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    if let Err(panic) = outcome {
        // Told by the caller's message too, in case that it cannot be written.
        let written = fs::write(failure, input);
        assert!(written.is_ok(), "cannot write {}: the input is {input:?}", failure.display());
        resume_unwind(panic);
    }
}

/// One of the pool, changed at a few places, or bytes without a form.
fn made(pool: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let of_pool = |rng: &mut Rng| rng.choice(pool).cloned().unwrap_or_default();
    let mut input = of_pool(rng);
    if rng.u8(..4) == 0 {
        let length = rng.usize(..1024);
        input = std::iter::repeat_with(|| rng.u8(..)).take(length).collect();
    }
    for _ in 0..rng.usize(1..8) {
        let place = rng.usize(..=input.len());
        let end = rng.usize(place..=input.len().min(place + 16));
        match rng.u8(..6) {
            0 if place < input.len() => input[place] ^= 1 << rng.u8(..8),
            1 if place < input.len() => input[place] = rng.u8(..),
            2 => {
                input.drain(place..end);
            }
            3 => {
                let piece = input[place..end].to_vec();
                input.splice(place..place, piece);
            }
            4 => {
                let other = of_pool(rng);
                let from = rng.usize(..=other.len());
                input.truncate(place);
                input.extend_from_slice(&other[from..]);
            }
            _ => input.insert(place, rng.u8(..)),
        }
    }
    input.truncate(LONGEST);
    input
}
