//! Running sums of what was committed, a block of profiles each. They are kept by effects, not by the changes that these
//! make in memory: a row that changed in any other way, by a bug or a broken bit, does not add up any more.
//!
//! Sums know no order and no places, so a state that was loaded has the same as one that took every entry. They are
//! not keyed: what they watch over is memory, and nobody but ourselves writes there.

use crate::ids::Serial;
use crate::keyed::digest::Digest;
use crate::state::index::Entry;

/// Profiles whose rows share a sum, as a power of two. Tests have few profiles, and want several sums.
const BLOCK_BITS: u32 = if cfg!(test) { 2 } else { 12 };

/// Odd numbers without a pattern: the digits of 2 / (√5 − 1), of π, of e and of √2.
const KEYS: [u64; 4] = [0x9e37_79b9_7f4a_7c15, 0x2437_0f3a_885a_308d, 0xadf8_5458_a2bb_4a9b, 0x6a09_e667_f3bc_c909];

/// Mixes two numbers so that each bit of both counts.
#[inline]
fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    Digest(product).low() ^ Digest(product >> 64).low()
}

/// A type's part in the sums, the same whatever number the state gives it.
pub(crate) fn mark_of(type_name: &str) -> u64 {
    let mut mark = mix(type_name.len() as u64 ^ KEYS[0], KEYS[1]);
    for part in type_name.as_bytes().chunks(8) {
        let mut eight = [0; 8];
        eight[..part.len()].copy_from_slice(part);
        mark = mix(mark ^ u64::from_le_bytes(eight), KEYS[2]);
    }
    mark
}

/// A profile's identifier, of a type with this mark.
#[inline]
pub(crate) fn identifier(entry: &Entry, mark: u64) -> u64 {
    let (high, low) = (Digest(entry.digest.0 >> 64).low(), entry.digest.low());
    let day = u64::from(entry.seen_day.0.cast_unsigned());
    let who = u64::from(entry.serial.0) << 32 | day;
    let flag = if entry.exclusive { KEYS[3] } else { 0 };
    let when = mix(entry.add_time.0.cast_unsigned() ^ KEYS[2], who ^ KEYS[3]);
    mix(mix(high ^ KEYS[0], low ^ KEYS[1]) ^ mark, when ^ KEYS[0] ^ flag)
}

/// A profile, and where it came from.
#[inline]
pub(crate) fn profile(serial: Serial, source: Option<Serial>) -> u64 {
    numbers(1, serial.0, source.map_or(0, |source| source.0))
}

/// A profile's merges; without any it has no such part.
#[inline]
pub(crate) fn merges(serial: Serial, merges: u32) -> u64 {
    if merges == 0 { 0 } else { numbers(2, serial.0, merges) }
}

/// What a profile was joined into.
#[inline]
pub(crate) fn redirect(loser: Serial, survivor: Serial) -> u64 {
    numbers(3, loser.0, survivor.0)
}

#[inline]
fn numbers(kind: u64, one: u32, other: u32) -> u64 {
    mix(kind.wrapping_mul(KEYS[0]) ^ KEYS[1], (u64::from(one) << 32 | u64::from(other)) ^ KEYS[2])
}

/// The block of a profile.
fn block_of(serial: Serial) -> usize {
    serial.0.saturating_sub(1) as usize >> BLOCK_BITS
}

/// The sums.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    blocks: Vec<u64>,
    /// How many identifiers profiles hold.
    identifiers: usize,
    walked: Walked,
}

/// What a walk has found so far in the block that it is in. A change to a profile that it has passed changes this, too,
/// so that a walk may rest anywhere between two profiles.
#[derive(Clone, Copy, Debug)]
struct Walked {
    /// The next profile.
    next: Serial,
    sum: u64,
}

impl Default for Walked {
    fn default() -> Self {
        Self { next: Serial(1), sum: 0 }
    }
}

impl Sums {
    /// Adds what a profile got, or adds the negative of what it lost.
    #[inline]
    pub fn change(&mut self, serial: Serial, by: u64) {
        let block = block_of(serial);
        if block >= self.blocks.len() {
            self.blocks.resize(block + 1, 0);
        }
        self.blocks[block] = self.blocks[block].wrapping_add(by);
        if serial < self.walked.next && block == block_of(self.walked.next) {
            self.walked.sum = self.walked.sum.wrapping_add(by);
        }
    }

    /// Counts an identifier more.
    #[inline]
    pub fn attach(&mut self, entry: &Entry, mark: u64) {
        self.identifiers += 1;
        self.change(entry.serial, identifier(entry, mark));
    }

    /// Counts an identifier less.
    #[inline]
    pub fn detach(&mut self, entry: &Entry, mark: u64) {
        self.identifiers = self.identifiers.wrapping_sub(1);
        self.change(entry.serial, identifier(entry, mark).wrapping_neg());
    }

    /// How many identifiers profiles hold.
    pub fn identifiers(&self) -> usize {
        self.identifiers
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<u64>()
    }

    /// The profile that a walk comes to next.
    pub fn next(&self) -> Serial {
        self.walked.next
    }

    /// Takes what a walk found of the next profile. Answers false if its block ends with it and does not add up.
    pub fn walk(&mut self, found: u64) -> bool {
        let walked = self.walked.next;
        self.walked = Walked { next: Serial(walked.0 + 1), sum: self.walked.sum.wrapping_add(found) };
        block_of(walked) == block_of(self.walked.next) || self.adds_up(walked)
    }

    /// Ends a walk that has passed every profile. Answers false if the last block does not add up.
    pub fn end(&mut self) -> bool {
        self.adds_up(self.walked.next)
    }

    fn adds_up(&mut self, walked: Serial) -> bool {
        let sum = std::mem::take(&mut self.walked.sum);
        self.blocks.get(block_of(walked)).copied().unwrap_or(0) == sum
    }

    /// Begins a walk from the first profile.
    pub fn walk_anew(&mut self) {
        self.walked = Walked::default();
    }
}

#[cfg(test)]
impl Sums {
    /// The sums themselves, without the zeros at the end.
    pub fn told(&self) -> (Vec<u64>, usize) {
        let used = self.blocks.iter().rposition(|&sum| sum != 0).map_or(0, |last| last + 1);
        (self.blocks[..used].to_vec(), self.identifiers)
    }
}
