//! One of the index's 256 shards: the identifiers whose digests begin with one byte.

use crate::keyed::digest::Digest;
use crate::state::arena::Arena;
use crate::state::index::NONE;
use crate::state::index::packed::{Packed, shard_of};
use crate::state::index::slots::{PLACES_MAX, Slots};

/// Rows of 32 bytes in a chunk. The last chunk of each of the 256 shards is half empty on average: 4 MiB in all.
pub(crate) const CHUNK: usize = 1024;

/// A hash table and the entries that it leads to.
#[derive(Clone, Debug)]
pub(crate) struct Shard {
    slots: Slots,
    entries: Arena<Packed, CHUNK>,
    /// The first free row; free rows are chained by `next`.
    free: u32,
    /// How many identifiers were ever added. As long as this number has not changed, an identifier that was looked for
    /// and was absent is absent still (see [`super::warm::Near`]).
    added: u32,
}

impl Default for Shard {
    fn default() -> Self {
        Self { slots: Slots::default(), entries: Arena::default(), free: NONE, added: 0 }
    }
}

impl Shard {
    #[inline]
    pub fn row(&self, place: u32) -> &Packed {
        self.entries.row(place)
    }

    pub fn row_mut(&mut self, place: u32) -> &mut Packed {
        self.entries.row_mut(place)
    }

    /// The place of an identifier's row.
    #[inline]
    pub fn find(&self, digest: Digest) -> Option<u32> {
        self.slots.find(digest, |place| self.row(place).is(digest))
    }

    /// Adds an identifier that is not there yet and answers its place.
    pub fn insert(&mut self, digest: Digest, row: Packed) -> u32 {
        self.added = self.added.wrapping_add(1);
        let place = if self.free == NONE {
            // A shard's tables address so many rows; as digests are spread evenly, all shards are full at once.
            assert!(self.entries.len() < PLACES_MAX, "an index holds 2^31 identifiers at most");
            self.entries.push(row)
        } else {
            let place = self.free;
            self.free = std::mem::replace(self.row_mut(place), row).next;
            place
        };
        if self.slots.is_full() {
            self.grow(shard_of(digest), place);
        }
        self.slots.insert(digest, place);
        place
    }

    /// Removes the identifier at a place.
    pub fn remove(&mut self, digest: Digest, place: u32) {
        self.slots.remove(digest, place);
        *self.entries.row_mut(place) = Packed::free(self.free);
        self.free = place;
    }

    /// How many identifiers were ever added, modulo 2^32.
    #[inline]
    pub fn added(&self) -> u32 {
        self.added
    }

    /// The table, to read ahead in.
    #[inline]
    pub fn slots(&self) -> &Slots {
        &self.slots
    }

    /// How many bytes the table and the rows take.
    pub fn bytes(&self) -> usize {
        self.slots.bytes() + self.entries.bytes()
    }

    /// The first free row.
    pub fn free(&self) -> u32 {
        self.free
    }

    /// The rows, free ones too.
    pub fn entries(&self) -> &Arena<Packed, CHUNK> {
        &self.entries
    }

    /// Makes the table large enough for so many identifiers.
    pub fn make_room(&mut self, shard: u8, identifiers: usize) {
        if self.slots.make_room(identifiers) {
            self.fill(shard, NONE);
        }
    }

    /// Makes a table that was enlarged for a load as small as it would be, had it grown row by row.
    pub fn shrink_to_grown(&mut self, shard: u8) {
        if self.slots.shrink_to_grown(shard) {
            self.fill(shard, NONE);
        }
    }

    /// Makes the table larger and inserts everything but the row at `fresh`.
    fn grow(&mut self, shard: u8, fresh: u32) {
        self.slots.grow(shard);
        self.fill(shard, fresh);
    }

    fn fill(&mut self, shard: u8, fresh: u32) {
        for (place, row) in (0..).zip(self.entries.rows()) {
            if place != fresh && row.is_used() {
                self.slots.insert(row.digest(shard), place);
            }
        }
    }
}

#[cfg(test)]
impl Shard {
    pub fn slots_mut(&mut self) -> &mut Slots {
        &mut self.slots
    }

    pub fn free_mut(&mut self) -> &mut u32 {
        &mut self.free
    }
}
