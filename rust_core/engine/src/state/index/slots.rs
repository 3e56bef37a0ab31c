//! The hash table of one shard: from a digest to its place in the shard's arena. A slot is 4 bytes, of which 9 bits
//! tell most other digests apart without reading their entries; 16 slots fill a cache line, and a look-up nearly
//! always ends in the first. The table grows by an eighth: memory does not swing, and each growth is short.

use crate::digest::Digest;

/// Bits of a place; the others hold the tag.
const PLACE_BITS: u32 = 23;
const PLACE: u32 = (1 << PLACE_BITS) - 1;
/// Places that a slot can lead to.
pub(crate) const PLACES_MAX: u32 = PLACE - 1;
/// Ends a search.
const EMPTY: u32 = u32::MAX;
/// Was emptied in a full bucket: a search goes on, an insertion may use it.
const REMOVED: u32 = u32::MAX - 1;
const TAG_BITS: u32 = 32 - PLACE_BITS;
const TAG_MAX: u64 = (1 << TAG_BITS) - 1;

const SLOTS: usize = 16;
/// Filled slots among 256 at which the table grows.
const FULL: usize = 235;
/// From this size on tables grow by an eighth, and shards differ in size.
const LARGE: usize = 64;

/// One cache line of slots; the filled ones come first.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Bucket([u32; SLOTS]);

/// Where a slot is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    bucket: usize,
    at: usize,
}

/// What the table looks at of a digest.
#[derive(Clone, Copy)]
struct Key {
    position: u64,
    tag: u32,
}

impl Key {
    #[inline]
    fn of(digest: Digest) -> Self {
        let low = digest.low();
        // The highest tag belongs to the marks.
        let tag = (low >> (64 - TAG_BITS)).min(TAG_MAX - 1);
        Self { position: low & u64::from(u32::MAX), tag: u32::try_from(tag).unwrap_or(0) << PLACE_BITS }
    }
}

/// The table of one shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    buckets: Box<[Bucket]>,
    /// Slots that are not empty, the removed ones too.
    used: usize,
    /// Slots that lead to a place.
    held: usize,
}

impl Slots {
    /// Finds the slot of a digest; `same` compares with the entry at a place.
    #[inline]
    pub fn find(&self, digest: Digest, same: impl Fn(u32) -> bool) -> Option<Slot> {
        let key = Key::of(digest);
        let mut bucket = self.home(key)?;
        for _ in 0..self.buckets.len() {
            let slots = &self.buckets[bucket].0;
            let mut hits = tagged(slots, key.tag);
            while hits != 0 {
                let at = hits.trailing_zeros() as usize;
                if same(slots[at] & PLACE) {
                    return Some(Slot { bucket, at });
                }
                hits &= hits - 1;
            }
            if slots[SLOTS - 1] == EMPTY {
                return None;
            }
            bucket = self.after(bucket);
        }
        None
    }

    /// The place that a slot leads to.
    #[inline]
    pub fn place(&self, slot: Slot) -> u32 {
        self.buckets[slot.bucket].0[slot.at] & PLACE
    }

    /// Whether the next insertion needs more room.
    pub fn is_full(&self) -> bool {
        (self.used + 1) * 256 > self.buckets.len() * SLOTS * FULL
    }

    /// Makes room: the caller inserts everything anew. `phase` of 256 spreads the shards' sizes.
    pub fn grow(&mut self, phase: u8) {
        let before = self.buckets.len();
        let crowded = (self.held + 1) * 256 > before * SLOTS * (FULL - 16);
        let buckets = match before {
            // Much was removed: the same room does.
            _ if !crowded => before,
            small if small < LARGE / 2 => (small * 2).max(1),
            middle if middle < LARGE => LARGE + usize::from(phase) * LARGE / 8 / 256,
            large => large + large / 8,
        };
        // The old table goes first, so that there are never two.
        self.buckets = Box::default();
        self.buckets = vec![Bucket([EMPTY; SLOTS]); buckets].into_boxed_slice();
        (self.used, self.held) = (0, 0);
    }

    /// Puts a place in; the digest is not there yet, and there is room.
    pub fn insert(&mut self, digest: Digest, place: u32) {
        let key = Key::of(digest);
        let Some(mut bucket) = self.home(key) else { return };
        loop {
            // Marks are the highest values: the first one is where the filled slots end, or one that was removed.
            if let Some(at) = self.buckets[bucket].0.iter().position(|&slot| slot >= REMOVED) {
                self.used += usize::from(self.buckets[bucket].0[at] == EMPTY);
                self.held += 1;
                self.buckets[bucket].0[at] = key.tag | place;
                return;
            }
            bucket = self.after(bucket);
        }
    }

    /// Empties a slot.
    pub fn remove(&mut self, slot: Slot) {
        self.held -= 1;
        let slots = &mut self.buckets[slot.bucket].0;
        let filled = slots.iter().position(|&slot| slot == EMPTY);
        // Others may have gone past a full bucket, and must be found behind it.
        let Some(filled) = filled else {
            slots[slot.at] = REMOVED;
            return;
        };
        slots[slot.at] = slots[filled - 1];
        slots[filled - 1] = EMPTY;
        self.used -= 1;
    }

    /// Reads the line that a search begins with.
    #[inline]
    pub fn touch(&self, digest: Digest) -> u32 {
        self.home(Key::of(digest)).map_or(0, |bucket| self.buckets[bucket].0[0])
    }

    /// The place that a search most likely ends at, without a look at the entry.
    #[inline]
    pub fn guess(&self, digest: Digest) -> Option<u32> {
        let key = Key::of(digest);
        let home = self.home(key)?;
        let guess = |bucket: usize| {
            let slots = &self.buckets[bucket].0;
            let hits = tagged(slots, key.tag);
            (hits != 0).then(|| slots[hits.trailing_zeros() as usize % SLOTS] & PLACE)
        };
        // A twelfth lies one bucket on; which further ones are read is of no use any more.
        guess(home).or_else(|| if self.buckets[home].0[SLOTS - 1] == EMPTY { None } else { guess(self.after(home)) })
    }

    #[inline]
    fn home(&self, key: Key) -> Option<usize> {
        let scaled = (key.position * self.buckets.len() as u64) >> 32;
        usize::try_from(scaled).ok().filter(|_| !self.buckets.is_empty())
    }

    #[inline]
    fn after(&self, bucket: usize) -> usize {
        if bucket + 1 == self.buckets.len() { 0 } else { bucket + 1 }
    }
}

/// Which slots carry the tag, one bit each.
#[inline]
fn tagged(slots: &[u32; SLOTS], tag: u32) -> u32 {
    let mut hits = 0;
    for (at, slot) in slots.iter().enumerate() {
        hits |= u32::from((slot ^ tag) >> PLACE_BITS == 0) << at;
    }
    hits
}
