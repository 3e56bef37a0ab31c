//! Reading ahead for a batch. A look-up waits for memory three times, one after the other: for a bucket of the table, for
//! the identifier's row, for its profile. Here all look-ups of a batch ask for their buckets first, then for all rows, then
//! for all profiles, so that they wait together.

use crate::ids::Serial;
use crate::keyed::digest::Digest;
use crate::state::ahead::ahead;
use crate::state::index::packed::{Packed, shard_of};
use crate::state::index::slots::Bucket;
use crate::state::index::{Entry, FURTHER, Index, NONE, place_of};
use crate::state::profiles::Profiles;

/// Look-ups that are under way at a time: more than memory answers at once, few enough for their lines to stay in the
/// first-level cache.
const TOGETHER: usize = 128;
/// The most buckets of one search that are read ahead; hardly any search takes more.
const BUCKETS: usize = 6;

/// What reading ahead found of an identifier: where it was, or that it was nowhere.
///
/// Without the highest bit it is the place of a row; the look-up that follows checks that the identifier is there still.
/// With the highest bit the identifier was absent, and the other bits say how many identifiers its shard had got until
/// then, modulo 2^31: as long as it has not got another one, the identifier is absent still.
#[derive(Clone, Copy, Debug)]
pub struct Near(u32);

impl Near {
    /// Nothing was read ahead for this identifier.
    pub const UNKNOWN: Self = Self(NONE);

    #[inline]
    fn nowhere(added: u32) -> Self {
        Self(added | FURTHER)
    }
}

/// A row that the table leads to for a digest; only its own digest tells whether it is the right one.
#[derive(Clone, Copy)]
struct Guess<'i> {
    /// Which of the digests it is for.
    of: u32,
    place: u32,
    row: &'i Packed,
}

impl Guess<'_> {
    const NONE: Self = Self { of: 0, place: NONE, row: &Packed::NOBODY };
}

/// A list of a fixed size: what finds no room is dropped, but counted.
struct List<T, const ROOM: usize> {
    items: [T; ROOM],
    number: usize,
}

/// Seldom more than one a look-up; what finds no room is simply not read ahead.
type Guesses<'i> = List<Guess<'i>, { 2 * TOGETHER }>;

impl<T, const ROOM: usize> List<T, ROOM> {
    #[inline]
    fn push(&mut self, item: T) {
        if let Some(place) = self.items.get_mut(self.number) {
            *place = item;
        }
        self.number += 1;
    }
}

impl Index {
    /// Reads what look-ups of these identifiers and of their profiles will read, and tells where they are.
    ///
    /// The places of all rows are worked out first, and then asked for by a loop that does nothing else: the fewer
    /// instructions lie between two requests, the more of them the processor works on at once.
    pub(crate) fn warm(&self, digests: &[Digest], near: &mut [Near], profiles: &Profiles) {
        let mut guesses = Guesses { items: [Guess::NONE; 2 * TOGETHER], number: 0 };
        for (digests, near) in digests.chunks(TOGETHER).zip(near.chunks_mut(TOGETHER)) {
            guesses.number = 0;
            self.guess(digests, near, &mut guesses);
            let guesses = &guesses.items[..guesses.number.min(2 * TOGETHER)];
            for guess in guesses {
                ahead(guess.row);
            }
            for guess in guesses {
                if guess.row.is(digests[guess.of as usize]) {
                    ahead(profiles.line(Serial(guess.row.serial)));
                    near[guess.of as usize] = Near(guess.place);
                }
            }
        }
    }

    /// Searches the table for every digest, and notes the rows that it leads to and the digests that are absent.
    fn guess<'i>(&'i self, digests: &[Digest], near: &mut [Near], guesses: &mut Guesses<'i>) {
        let shard = |digest: Digest| &self.shards[usize::from(shard_of(digest))];
        let mut searches = List { items: [(0, &Bucket::EMPTY); TOGETHER], number: 0 };
        for (of, &digest) in (0..).zip(digests) {
            let bucket = shard(digest).slots().bucket(digest, 0);
            ahead(bucket);
            searches.push((of, bucket));
        }
        for after in 1..=BUCKETS {
            let number = std::mem::take(&mut searches.number);
            for at in 0..number {
                let (of, bucket) = searches.items[at];
                let digest = digests[of as usize];
                let (shard, byte) = (shard(digest), shard_of(digest));
                let before = guesses.number;
                for within in bucket.places(digest) {
                    let row = shard.row(within);
                    guesses.push(Guess { of, place: place_of(byte, within), row });
                }
                if !bucket.goes_on(digest) {
                    // Only if no row was dropped for want of room: it might have been this identifier's.
                    if guesses.number <= 2 * TOGETHER {
                        near[of as usize] = Near::nowhere(shard.added());
                    }
                } else if guesses.number == before {
                    let bucket = shard.slots().bucket(digest, after);
                    ahead(bucket);
                    searches.push((of, bucket));
                }
            }
        }
    }

    /// As [`Index::first`], for an identifier that was read ahead.
    #[must_use]
    #[inline]
    pub fn first_near(&self, near: Near, digest: Digest) -> Option<Entry> {
        if near.0 & FURTHER == 0 {
            let row = self.row(near.0);
            if row.serial != 0 && row.is(digest) {
                return Some(self.told(near.0, digest, Serial(row.serial), (row.kind(), row.when)));
            }
        } else if near.0 == Near::nowhere(self.shards[usize::from(shard_of(digest))].added()).0 && near.0 != NONE {
            return None;
        }
        self.first(digest)
    }
}
