//! One dependent cache miss: the time of a step on a random cycle through memory far larger than the caches, where
//! each step's address is what the step before read.

use std::hint::black_box;

use crate::random::Random;
use crate::time::nanoseconds;

/// A cache line that tells where the next one is.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(usize);

/// A cycle through at least 488 MB.
pub struct Chase(Vec<Line>);

const LINES: usize = 8_000_000;
const STEPS: u32 = 1_000_000;

impl Chase {
    /// A random cycle through all lines (Sattolo).
    pub fn new() -> Self {
        let mut lines: Vec<Line> = (0..LINES).map(Line).collect();
        let mut random = Random::new(488);
        for last in (1..LINES).rev() {
            let other = random.below(last);
            let there = lines[other];
            lines[other] = std::mem::replace(&mut lines[last], there);
        }
        Self(lines)
    }

    /// Nanoseconds a step, from a place that differs by run.
    pub fn run(&self, run: usize) -> f64 {
        let mut at = (run * 1_234_567) % LINES;
        let whole = nanoseconds(|| {
            for _ in 0..STEPS {
                at = self.0[at].0;
            }
        });
        black_box(at);
        whole / f64::from(STEPS)
    }

    /// Nanoseconds a line where each address is known beforehand, so that many waits overlap.
    pub fn independent(&self, run: usize) -> f64 {
        let mut random = Random::new(run as u64);
        let places: Vec<usize> = (0..STEPS).map(|_| random.below(LINES)).collect();
        let whole = nanoseconds(|| {
            black_box(places.iter().fold(0, |sum, &at| sum ^ self.0[at].0));
        });
        whole / f64::from(STEPS)
    }
}
