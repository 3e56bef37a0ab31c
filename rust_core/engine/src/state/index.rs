//! Identifier → profiles. The first holder of an identifier is a row of 32 bytes in one of 256 shards, found by a
//! table of 4 bytes a slot; further holders are rows of 24 bytes, found by an ordered posting, so that a look-up costs
//! the same whether a device belongs to one profile or to a million.

mod bulk;
mod change;
#[cfg(test)]
mod faults;
mod packed;
mod posting;
mod shard;
mod slots;
mod sound;
#[cfg(test)]
mod tests;
mod warm;

use crate::ids::{Day, Micros, Serial, TypeId};
use crate::keyed::digest::Digest;
use crate::plan::Attachment;
use crate::state::arena::Arena;
use crate::state::bytes::allocated;
use crate::state::sharded::Sharded;
use packed::{Facts, Further, Kind, Packed, When};
pub(crate) use posting::Holder;
use posting::Posting;
use shard::Shard;
pub(crate) use sound::Looked;
pub use warm::Near;

/// No entry: the end of a profile's chain.
pub(crate) const NONE: u32 = u32::MAX;

pub(crate) const SHARDS: usize = 256;
/// Marks the place of a further holder. Other places are the shard's byte and 23 bits within it.
const FURTHER: u32 = 1 << 31;
const SHARD_SHIFT: u32 = 23;
/// What a further holder takes in its identifier's posting: between 12 and 34 bytes, by how full lists and trees are.
const POSTED_BYTES: usize = 28;

/// One identifier held by one profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The identifier.
    pub digest: Digest,
    /// The profile that got it; after a merge its survivor answers for it.
    pub serial: Serial,
    /// The identifier's type.
    pub type_id: TypeId,
    /// The day it was last seen.
    pub seen_day: Day,
    /// Event time at which it was added.
    pub add_time: Micros,
    /// Whether no other profile may hold it.
    pub exclusive: bool,
}

impl Entry {
    /// What an attachment makes.
    #[inline]
    pub(crate) fn of(attachment: &Attachment, type_id: TypeId) -> Self {
        let Attachment { digest, serial, add_time, seen_day, exclusive, .. } = *attachment;
        Self { digest, serial, type_id, seen_day, add_time, exclusive }
    }

    fn facts(&self) -> Facts {
        Facts { type_id: self.type_id, add_time: self.add_time, seen_day: self.seen_day }
    }
}

/// Which holders are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holders {
    /// Profiles without a login identifier.
    Anonymous,
    /// Profiles with one.
    Known,
}

/// The identifier index of one workspace.
#[derive(Clone, Debug)]
pub struct Index {
    shards: Vec<Shard>,
    further: Arena<Further, 1024>,
    /// The first free row of `further`; free rows are chained by `next`.
    free: u32,
    /// By the place of the first holder.
    postings: Sharded<Posting>,
    /// By place, what does not fit into the row.
    escaped: Sharded<Facts>,
    len: usize,
    /// How many identifiers the tables have room for while a load lasts; 0 at other times.
    room: usize,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            shards: vec![Shard::default(); SHARDS],
            further: Arena::default(),
            free: NONE,
            postings: Sharded::default(),
            escaped: Sharded::default(),
            len: 0,
            room: 0,
        }
    }
}

/// The shard of a first holder's place.
#[inline]
fn shard_at(place: u32) -> u8 {
    let [shard, ..] = (place << 1).to_be_bytes();
    shard
}

fn place_of(shard: u8, within: u32) -> u32 {
    u32::from(shard) << SHARD_SHIFT | within
}

fn within(place: u32) -> u32 {
    place & ((1 << SHARD_SHIFT) - 1)
}

impl Index {
    /// How many (identifier, profile) pairs are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many bytes it takes; what many holders of one identifier take is estimated.
    #[must_use]
    pub(crate) fn bytes(&self) -> usize {
        let shards: usize = self.shards.iter().map(Shard::bytes).sum();
        let further = self.further.bytes() + self.further.len() as usize * POSTED_BYTES;
        allocated(SHARDS * size_of::<Shard>()) + shards + further + self.postings.bytes() + self.escaped.bytes()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The entry at a place.
    #[inline]
    pub(crate) fn entry(&self, at: u32) -> Entry {
        let (primary, serial, kind, when) = if at & FURTHER == 0 {
            let row = self.row(at);
            (at, row.serial, row.kind(), row.when)
        } else {
            let row = self.further.row(at & !FURTHER);
            (row.primary, row.serial, row.kind, row.when)
        };
        let digest = self.row(primary).digest(shard_at(primary));
        self.told(at, digest, Serial(serial), (kind, when))
    }

    #[inline]
    fn told(&self, at: u32, digest: Digest, serial: Serial, (kind, when): (Kind, When)) -> Entry {
        let facts = packed::unpack(kind, when).or_else(|| self.escaped.get(at).copied());
        let Facts { type_id, add_time, seen_day } = facts.unwrap_or(Facts::NONE);
        Entry { digest, serial, type_id, seen_day, add_time, exclusive: kind.exclusive() }
    }

    /// The next entry of the same profile.
    pub(crate) fn next(&self, at: u32) -> u32 {
        if at & FURTHER == 0 { self.row(at).next } else { self.further.row(at & !FURTHER).next }
    }

    pub(crate) fn set_next(&mut self, at: u32, next: u32) {
        if at & FURTHER == 0 {
            self.row_mut(at).next = next;
        } else {
            self.further.row_mut(at & !FURTHER).next = next;
        }
    }

    /// Notes the day an entry was last seen and answers the entry as it was.
    pub(crate) fn see(&mut self, at: u32, day: Day) -> Entry {
        let entry = self.entry(at);
        let (kind, when) = self.pack(at, &Entry { seen_day: day, ..entry });
        if at & FURTHER == 0 {
            let row = self.row_mut(at);
            row.set_kind(kind.with_shared(row.kind().shared()));
            row.when = when;
        } else {
            let row = self.further.row_mut(at & !FURTHER);
            (row.kind, row.when) = (kind, when);
        }
        entry
    }

    /// The first holder's entry; in the merge family the only one (rule M1).
    #[must_use]
    #[inline]
    pub fn first(&self, digest: Digest) -> Option<Entry> {
        let primary = self.primary(digest)?;
        let row = self.row(primary);
        if row.serial != 0 {
            return Some(self.told(primary, digest, Serial(row.serial), (row.kind(), row.when)));
        }
        self.postings.get(primary).and_then(Posting::any).map(|at| self.entry(at))
    }

    /// The place of the entry of this identifier on this profile.
    #[inline]
    pub(crate) fn find(&self, digest: Digest, serial: Serial) -> Option<u32> {
        let primary = self.primary(digest).filter(|_| serial.0 != 0)?;
        let row = self.row(primary);
        if row.serial == serial.0 {
            return Some(primary);
        }
        if row.kind().shared() { self.postings.get(primary)?.get(serial.0) } else { None }
    }

    /// As [`Index::find`]; most likely it is at `place`.
    pub(crate) fn find_near(&self, place: u32, digest: Digest, serial: Serial) -> Option<u32> {
        let at_once = place & FURTHER == 0 && {
            let row = self.row(place);
            row.serial == serial.0 && shard_at(place) == packed::shard_of(digest) && row.is(digest)
        };
        if at_once { Some(place) } else { self.find(digest, serial) }
    }

    /// Whether this profile itself (not its merged members) holds the identifier.
    #[must_use]
    pub fn holds(&self, digest: Digest, serial: Serial) -> bool {
        self.find(digest, serial).is_some()
    }

    /// How many profiles of the kind hold the identifier. `is_known` tells of a single holder.
    pub fn count(&self, digest: Digest, holders: Holders, is_known: impl Fn(Serial) -> bool) -> usize {
        match self.holders(digest) {
            Found::Nobody => 0,
            Found::One(serial) => usize::from(is_known(serial) == (holders == Holders::Known)),
            Found::Several(posting) => posting.count(holders),
        }
    }

    /// The profiles of the kind that hold the identifier, newest first.
    pub fn newest_first(
        &self,
        digest: Digest,
        holders: Holders,
        is_known: impl Fn(Serial) -> bool,
    ) -> impl Iterator<Item = Serial> {
        let (one, several) = match self.holders(digest) {
            Found::Nobody => (None, None),
            Found::One(serial) => (Some(serial), None),
            Found::Several(posting) => (None, Some(posting)),
        };
        let one = one.filter(|&serial| is_known(serial) == (holders == Holders::Known));
        one.into_iter().chain(several.into_iter().flat_map(move |posting| posting.newest_first(holders)))
    }

    fn holders(&self, digest: Digest) -> Found<'_> {
        let Some(primary) = self.primary(digest) else { return Found::Nobody };
        let row = self.row(primary);
        match self.postings.get(primary).filter(|_| row.kind().shared()) {
            Some(posting) => Found::Several(posting),
            None => Found::One(Serial(row.serial)),
        }
    }

    #[inline]
    fn primary(&self, digest: Digest) -> Option<u32> {
        let shard = packed::shard_of(digest);
        self.shards[usize::from(shard)].find(digest).map(|within| place_of(shard, within))
    }

    #[inline]
    fn row(&self, primary: u32) -> &Packed {
        self.shards[usize::from(shard_at(primary))].row(within(primary))
    }

    fn row_mut(&mut self, primary: u32) -> &mut Packed {
        self.shards[usize::from(shard_at(primary))].row_mut(within(primary))
    }

    /// Packs an entry's facts, or puts them into the side table.
    fn pack(&mut self, at: u32, entry: &Entry) -> (Kind, When) {
        let (kind, when, escaped) = packed::pack(entry.facts(), entry.exclusive);
        if escaped {
            self.escaped.insert(at, entry.facts());
        } else {
            self.escaped.remove(at);
        }
        (kind, when)
    }
}

/// Who holds an identifier.
enum Found<'a> {
    Nobody,
    One(Serial),
    Several(&'a Posting),
}
