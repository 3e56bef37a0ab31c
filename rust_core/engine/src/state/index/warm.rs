//! Reading ahead for a batch. A look-up waits for the table's line, then for the entry's, then for the profile's; here
//! all look-ups of a batch wait for one kind of line together.

use std::hint::black_box;

use crate::digest::Digest;
use crate::ids::Serial;
use crate::state::index::packed::{Packed, shard_of};
use crate::state::index::slots::Bucket;
use crate::state::index::{Entry, Index, NONE, place_of};
use crate::state::profiles::{ProfileRow, Profiles};

/// Look-ups under way at a time: more than memory answers at once, few enough to stay in the nearest cache.
const TOGETHER: usize = 128;

/// Where an identifier was when it was read ahead: a look-up begins there, and looks elsewhere if it is there no more.
#[derive(Clone, Copy, Debug)]
pub struct Near(u32);

impl Near {
    /// It was nowhere, or nobody looked.
    pub const NOWHERE: Self = Self(NONE);
}

/// Places that may be the right ones, with their rows. There are never more that share a tag by chance.
struct Guessed<'i> {
    /// A place and its look-up.
    places: [(u32, u32); 2 * TOGETHER],
    rows: [&'i Packed; 2 * TOGETHER],
    number: usize,
}

impl Index {
    /// Reads what look-ups of these identifiers and of their profiles will read, and tells where they are.
    ///
    /// Where lines are is worked out first, and then they are read by a loop that does nothing else: a processor waits
    /// for as many lines at once as it has room for the instructions between them.
    pub(crate) fn warm(&self, digests: &[Digest], near: &mut [Near], profiles: &Profiles) {
        let mut guessed = Guessed { places: [(0, 0); 2 * TOGETHER], rows: [&Packed::NOBODY; 2 * TOGETHER], number: 0 };
        let mut lines = [&ProfileRow::NOBODY; 2 * TOGETHER];
        for (digests, near) in digests.chunks(TOGETHER).zip(near.chunks_mut(TOGETHER)) {
            self.guess(digests, &mut guessed);
            let number = guessed.number.min(2 * TOGETHER);
            let (places, rows) = (&guessed.places[..number], &guessed.rows[..number]);
            black_box(rows.iter().fold(0, |sum, row| sum ^ row.serial));
            let lines = &mut lines[..number];
            for ((line, &row), &(place, of)) in lines.iter_mut().zip(rows).zip(places) {
                if row.is(digests[of as usize]) {
                    near[of as usize] = Near(place);
                }
                *line = profiles.line(Serial(row.serial));
            }
            black_box(lines.iter().fold(0, |sum, line| sum ^ line.first_entry));
        }
    }

    /// Reads the lines of slots and notes the places that they lead to.
    fn guess<'i>(&'i self, digests: &[Digest], guessed: &mut Guessed<'i>) {
        let slots = |digest: Digest| self.shards[usize::from(shard_of(digest))].slots();
        let mut homes = [&Bucket::EMPTY; TOGETHER];
        let homes = &mut homes[..digests.len()];
        for (home, &digest) in homes.iter_mut().zip(digests) {
            *home = slots(digest).first(digest);
        }
        read(homes);
        let (mut late, mut nexts, mut late_number) = ([0; TOGETHER], [&Bucket::EMPTY; TOGETHER], 0);
        guessed.number = 0;
        for (of, (home, &digest)) in (0..).zip(homes.iter().zip(digests)) {
            if !guessed.note(self, home, (of, digest)) {
                // Few look-ups go on in the next bucket; those wait together too.
                (late[late_number % TOGETHER], nexts[late_number % TOGETHER]) = (of, slots(digest).second(digest));
                late_number += 1;
            }
        }
        let nexts = &nexts[..late_number];
        read(nexts);
        for (&of, next) in late.iter().zip(nexts) {
            guessed.note(self, next, (of, digests[of as usize]));
        }
    }

    /// As [`Index::first`], for an identifier that was read ahead.
    #[must_use]
    #[inline]
    pub fn first_near(&self, near: Near, digest: Digest) -> Option<Entry> {
        if near.0 != NONE {
            let row = self.row(near.0);
            if row.serial != 0 && row.is(digest) {
                return Some(self.told(near.0, digest, Serial(row.serial), (row.kind(), row.when)));
            }
        }
        self.first(digest)
    }
}

impl<'i> Guessed<'i> {
    /// Notes the places in a bucket that a search looks at; answers false if it goes on in the next for certain.
    #[inline]
    fn note(&mut self, index: &'i Index, bucket: &Bucket, (of, digest): (u32, Digest)) -> bool {
        let mut ends = !bucket.is_full();
        let byte = shard_of(digest);
        for within in bucket.places(digest) {
            ends = true;
            let at = self.number % (2 * TOGETHER);
            (self.places[at], self.rows[at]) =
                ((place_of(byte, within), of), index.shards[usize::from(byte)].row(within));
            self.number += 1;
        }
        ends
    }
}

fn read(buckets: &[&Bucket]) {
    black_box(buckets.iter().fold(0, |sum, bucket| sum ^ bucket.touch()));
}
