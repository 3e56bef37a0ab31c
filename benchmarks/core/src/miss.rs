//! One dependent cache miss: the time of a step on a random cycle through memory far larger than the caches, where
//! each step's address is what the step before read. The memory lies in ordinary pages of 4 kB, as most programs' does:
//! with huge ones, which the extension's allocator may get for the index, a step would not wait for the page tables too.

use std::hint::black_box;

use memmap2::MmapMut;

use crate::random::Random;
use crate::time::nanoseconds;

/// A cycle through 512 MB. The first word of each cache line tells where the next line is.
pub struct Chase(MmapMut);

const LINES: usize = 8_000_000;
const STEPS: u32 = 1_000_000;
const WORDS_IN_LINE: usize = 8;

impl Chase {
    /// A random cycle through all lines (Sattolo).
    pub fn new() -> std::io::Result<Self> {
        let mut memory = MmapMut::map_anon(LINES * WORDS_IN_LINE * size_of::<usize>())?;
        #[cfg(target_os = "linux")]
        memory.advise(memmap2::Advice::NoHugePage)?;
        let words: &mut [usize] = bytemuck::cast_slice_mut(&mut memory);
        for line in 0..LINES {
            words[line * WORDS_IN_LINE] = line * WORDS_IN_LINE;
        }
        let mut random = Random::new(488);
        for last in (1..LINES).rev() {
            words.swap(last * WORDS_IN_LINE, random.below(last) * WORDS_IN_LINE);
        }
        Ok(Self(memory))
    }

    /// Nanoseconds a step, from a place that differs by run.
    pub fn run(&self, run: usize) -> f64 {
        let words: &[usize] = bytemuck::cast_slice(&self.0);
        let mut at = (run * 1_234_567) % LINES * WORDS_IN_LINE;
        let whole = nanoseconds(|| {
            for _ in 0..STEPS {
                at = words[at];
            }
        });
        black_box(at);
        whole / f64::from(STEPS)
    }

    /// Nanoseconds a line where each address is known beforehand, so that many waits overlap.
    pub fn independent(&self, run: usize) -> f64 {
        let words: &[usize] = bytemuck::cast_slice(&self.0);
        let mut random = Random::new(run as u64);
        let places: Vec<usize> = (0..STEPS).map(|_| random.below(LINES) * WORDS_IN_LINE).collect();
        let whole = nanoseconds(|| {
            black_box(places.iter().fold(0, |sum, &at| sum ^ words[at]));
        });
        whole / f64::from(STEPS)
    }
}
