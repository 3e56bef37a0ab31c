//! The hash table of one shard: from a digest to its place in the shard's arena. A slot is 4 bytes, of which one tells
//! most other digests apart without reading their entries; 16 slots fill a cache line, and a look-up nearly always
//! ends in the first. The table grows by an eighth: memory does not swing, and each growth is short.

use crate::keyed::digest::Digest;
use crate::state::bytes::allocated;

/// Bits of a place.
const PLACE_BITS: u32 = 23;
/// Places that a slot can lead to.
pub(crate) const PLACES_MAX: u32 = 1 << PLACE_BITS;

/// The tag of an empty slot: ends a search.
const EMPTY: u8 = 0xff;
/// The tag of a slot that was emptied in a full bucket: a search goes on, an insertion may use it.
const REMOVED: u8 = 0xfe;

const SLOTS: usize = 16;
/// Filled slots among 256 at which the table grows.
const FULL: usize = 235;
/// From this size on tables grow by an eighth, and shards differ in size.
const LARGE: usize = 64;

/// One cache line of slots; the filled ones come first.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Bucket {
    tags: [u8; SLOTS],
    /// Places: the lower 16 bits, and the rest.
    low: [u16; SLOTS],
    /// The highest bits tell who went past the bucket when it was full: of every sixteenth tag, whether any did.
    high: [u8; SLOTS],
}

/// Set where somebody went past.
const PASSED: u8 = 0x80;

const _: () = assert!(size_of::<Bucket>() == 64);

/// A one in each byte.
const ONES: u128 = u128::MAX / 255;

impl Bucket {
    pub const EMPTY: Self = Self { tags: [EMPTY; SLOTS], low: [0; SLOTS], high: [0; SLOTS] };

    #[inline]
    fn place(&self, at: usize) -> u32 {
        u32::from(self.low[at]) | u32::from(self.high[at] & !PASSED) << 16
    }

    fn set(&mut self, at: usize, tag: u8, place: u32) {
        let [low, lower, high, _] = place.to_le_bytes();
        (self.tags[at], self.low[at]) = (tag, u16::from_le_bytes([low, lower]));
        self.high[at] = self.high[at] & PASSED | high;
    }

    /// Whether a search for a digest that is not here goes on in the next bucket.
    #[inline]
    pub fn goes_on(&self, digest: Digest) -> bool {
        self.high[Key::of(digest).class()] & PASSED != 0
    }

    /// Notes that a digest goes past, so that searches for it and for those like it go on.
    fn pass(&mut self, key: Key) {
        self.high[key.class()] |= PASSED;
    }

    /// The slots under a tag; now and then one under another, which the caller tells by its entry.
    #[inline]
    fn tagged(&self, tag: u8) -> impl Iterator<Item = usize> + use<> {
        // All bytes at once: one that is zero borrows from its highest bit.
        let other = u128::from_le_bytes(self.tags) ^ (ONES * u128::from(tag));
        let mut hits = other.wrapping_sub(ONES) & !other & (ONES << 7);
        std::iter::from_fn(move || {
            let at = (hits != 0).then_some(hits.trailing_zeros() as usize / 8 % SLOTS)?;
            hits &= hits - 1;
            Some(at)
        })
    }

    /// The places that a search for a digest looks at.
    #[inline]
    pub fn places(&self, digest: Digest) -> impl Iterator<Item = u32> {
        self.tagged(Key::of(digest).tag).map(|slot| self.place(slot))
    }

    /// The first slot that leads nowhere: marks are the highest tags.
    #[inline]
    fn vacant(&self) -> Option<usize> {
        // Turned over, marks are the bytes below two; the first of them is told rightly.
        let turned = !u128::from_le_bytes(self.tags);
        let marks = turned.wrapping_sub(ONES * 2) & !turned & (ONES << 7);
        (marks != 0).then_some(marks.trailing_zeros() as usize / 8 % SLOTS)
    }
}

/// The fewest buckets that so many places do not fill.
fn buckets_for(places: usize) -> usize {
    (places * 256).div_ceil(SLOTS * FULL)
}

/// What the table looks at of a digest.
#[derive(Clone, Copy)]
struct Key {
    position: u64,
    tag: u8,
}

impl Key {
    #[inline]
    fn of(digest: Digest) -> Self {
        let [tag, .., a, b, c, d] = digest.low().to_be_bytes();
        // The highest tags belong to the marks.
        Self { position: u64::from(u32::from_be_bytes([a, b, c, d])), tag: tag.min(REMOVED - 1) }
    }

    /// Among whom it is counted in full buckets.
    #[inline]
    fn class(self) -> usize {
        usize::from(self.tag) % SLOTS
    }
}

/// The table of one shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    buckets: Box<[Bucket]>,
    /// Slots that are not empty, the removed ones too.
    used: u32,
    /// Slots that lead to a place.
    held: u32,
}

impl Slots {
    /// The place of a digest; `same` compares with the entry at a place.
    #[inline]
    pub fn find(&self, digest: Digest, same: impl Fn(u32) -> bool) -> Option<u32> {
        let key = Key::of(digest);
        let mut at = self.home(key)?;
        for _ in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            if let Some(place) = bucket.places(digest).find(|&place| same(place)) {
                return Some(place);
            }
            if !bucket.goes_on(digest) {
                return None;
            }
            at = self.after(at);
        }
        None
    }

    /// Whether so many slots lead to a place as were counted, and no others than so many places are there.
    pub fn counts(&self, places: usize) -> bool {
        let led = |bucket: &Bucket| bucket.tags.iter().filter(|&&tag| tag < REMOVED).count();
        self.held as usize == places && self.buckets.iter().map(led).sum::<usize>() == places
    }

    /// Whether the next insertion needs more room.
    pub fn is_full(&self) -> bool {
        (self.used as usize + 1) * 256 > self.buckets.len() * SLOTS * FULL
    }

    /// How many bytes the table takes.
    pub fn bytes(&self) -> usize {
        allocated(self.buckets.len() * size_of::<Bucket>())
    }

    /// Makes room: the caller inserts everything anew. `phase` of 256 spreads the shards' sizes.
    pub fn grow(&mut self, phase: u8) {
        let before = self.buckets.len();
        let crowded = (self.held as usize + 1) * 256 > before * SLOTS * (FULL - 16);
        let buckets = match before {
            // Much was removed: the same room does.
            _ if !crowded => before,
            small if small < LARGE / 2 => (small * 2).max(1),
            middle if middle < LARGE => LARGE + usize::from(phase) * LARGE / 8 / 256,
            large => large + large / 8,
        };
        self.empty_all(buckets);
    }

    /// Makes room for so many places in all, if there is too little: then the caller inserts everything anew.
    pub fn make_room(&mut self, places: usize) -> bool {
        let buckets = buckets_for(places);
        let small = buckets > self.buckets.len();
        if small {
            self.empty_all(buckets);
        }
        small
    }

    /// Makes the table as large as growing would have, if it is larger: then the caller inserts everything anew.
    pub fn shrink_to_grown(&mut self, phase: u8) -> bool {
        let least = buckets_for(self.held as usize + 1);
        // Up to an eighth more than that, and not the same in all shards.
        let buckets = least + least * usize::from(phase) / 8 / 256;
        let large = buckets < self.buckets.len();
        if large {
            self.empty_all(buckets);
        }
        large
    }

    fn empty_all(&mut self, buckets: usize) {
        // The old table goes first, so that there are never two.
        self.buckets = Box::default();
        self.buckets = vec![Bucket::EMPTY; buckets].into_boxed_slice();
        (self.used, self.held) = (0, 0);
    }

    /// Puts a place in; the digest is not there yet, and there is room.
    pub fn insert(&mut self, digest: Digest, place: u32) {
        let key = Key::of(digest);
        let Some(mut at) = self.home(key) else { return };
        loop {
            let bucket = &mut self.buckets[at];
            // Where the filled slots end, or one that was removed.
            if let Some(slot) = bucket.vacant() {
                self.used += u32::from(bucket.tags[slot] == EMPTY);
                self.held += 1;
                bucket.set(slot, key.tag, place);
                return;
            }
            bucket.pass(key);
            at = self.after(at);
        }
    }

    /// Empties the slot of a digest that leads to a place.
    pub fn remove(&mut self, digest: Digest, place: u32) {
        let key = Key::of(digest);
        let Some(mut at) = self.home(key) else { return };
        for _ in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            let is = |slot: &usize| bucket.tags[*slot] == key.tag && bucket.place(*slot) == place;
            if let Some(slot) = bucket.tagged(key.tag).find(is) {
                self.empty(at, slot);
                return;
            }
            at = self.after(at);
        }
    }

    fn empty(&mut self, at: usize, slot: usize) {
        self.held -= 1;
        let bucket = &mut self.buckets[at];
        let Some(filled) = bucket.tags.iter().position(|&tag| tag == EMPTY) else {
            // Others may have gone past a full bucket, and must be found behind it.
            bucket.tags[slot] = REMOVED;
            return;
        };
        bucket.set(slot, bucket.tags[filled - 1], bucket.place(filled - 1));
        bucket.tags[filled - 1] = EMPTY;
        self.used -= 1;
    }

    /// The bucket that a search begins with, or goes on with after so many.
    #[inline]
    pub fn bucket(&self, digest: Digest, after: usize) -> &Bucket {
        let Some(home) = self.home(Key::of(digest)) else { return &Bucket::EMPTY };
        let at = home + after;
        &self.buckets[if at < self.buckets.len() { at } else { at % self.buckets.len() }]
    }

    #[inline]
    fn home(&self, key: Key) -> Option<usize> {
        let scaled = (key.position * self.buckets.len() as u64) >> 32;
        usize::try_from(scaled).ok().filter(|_| !self.buckets.is_empty())
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.buckets.len() { 0 } else { at + 1 }
    }
}

#[cfg(test)]
impl Slots {
    /// Turns a bit of every bucket over: those of the tags, of the lower places, of the rest.
    pub fn flip(&mut self, bit: usize) {
        for bucket in &mut self.buckets {
            match bit {
                0..128 => bucket.tags[bit / 8] ^= 1 << (bit % 8),
                128..384 => bucket.low[(bit - 128) / 16] ^= 1 << ((bit - 128) % 16),
                _ => bucket.high[(bit - 384) / 8 % SLOTS] ^= 1 << (bit % 8),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_once_and_given_back() {
        let mut slots = Slots::default();
        assert!(slots.make_room(4_000));
        assert!(!slots.make_room(4_000));
        let roomy = slots.buckets.len();
        let fill = |slots: &mut Slots| {
            for number in 0..1_500_u32 {
                assert!(!slots.is_full());
                slots.insert(Digest(u128::from(number.wrapping_mul(0x9e37_79b9))), number);
            }
        };
        fill(&mut slots);
        assert_eq!(slots.buckets.len(), roomy);
        assert!(slots.shrink_to_grown(255));
        assert!((1_500..1_500 * 5 / 4).contains(&(slots.buckets.len() * SLOTS)));
        fill(&mut slots);
        assert!(!slots.shrink_to_grown(255));
    }
}
