//! Reading ahead for a batch. A look-up waits for the table's line, then for the entry's, then for the profile's; here
//! all look-ups of a batch wait for one kind of line together.

use crate::ids::Serial;
use crate::keyed::digest::Digest;
use crate::state::ahead::ahead;
use crate::state::index::packed::{Packed, shard_of};
use crate::state::index::slots::Bucket;
use crate::state::index::{Entry, FURTHER, Index, NONE, place_of};
use crate::state::profiles::Profiles;

/// Look-ups under way at a time: more than memory answers at once, few enough to stay in the nearest cache.
const TOGETHER: usize = 128;
/// Buckets of one search that are read ahead; hardly any search goes on for longer.
const BUCKETS: usize = 6;

/// What reading ahead found of an identifier: where it was, or that it was nowhere.
///
/// A look-up begins there. A place is checked, since the identifier may be there no more. That it was nowhere holds as
/// long as its shard has got no other identifier: how many it ever got, modulo 2^31, is kept beside the highest bit. A
/// batch adds far fewer.
#[derive(Clone, Copy, Debug)]
pub struct Near(u32);

impl Near {
    /// Nobody looked.
    pub const UNKNOWN: Self = Self(NONE);

    #[inline]
    fn nowhere(added: u32) -> Self {
        Self(added | FURTHER)
    }
}

/// A place that may be the right one, with its row.
#[derive(Clone, Copy)]
struct Guess<'i> {
    /// The look-up.
    of: u32,
    place: u32,
    row: &'i Packed,
}

impl Guess<'_> {
    const NONE: Self = Self { of: 0, place: NONE, row: &Packed::NOBODY };
}

/// A few things. No more are noted than there is room for, but they are counted.
struct List<T, const ROOM: usize> {
    items: [T; ROOM],
    number: usize,
}

/// Places that may be the right ones: seldom more than one a look-up.
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
    /// Where rows are is worked out first, and then they are asked for by a loop that does nothing else: a processor
    /// finds the pages of as many lines at once as it has room for the instructions between them.
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

    /// Looks into the table, and notes the places that it leads to, and who is nowhere.
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
                    // What found no room was not noted, and may be where it is.
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
