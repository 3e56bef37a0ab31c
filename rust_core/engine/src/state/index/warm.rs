//! Reading ahead for a batch. A look-up waits for the table's line, then for the entry's, then for the profile's; here
//! all look-ups of a batch wait for one kind of line together.

use std::hint::black_box;

use crate::digest::Digest;
use crate::ids::Serial;
use crate::state::index::packed::shard_of;
use crate::state::index::{Index, place_of};
use crate::state::profiles::Profiles;

/// Look-ups under way at a time: more than memory answers at once, few enough to stay in the nearest cache.
const TOGETHER: usize = 128;

impl Index {
    /// Reads what look-ups of these identifiers and of their profiles will read.
    pub(crate) fn warm(&self, digests: &[Digest], profiles: &Profiles) {
        let mut places = [0; 2 * TOGETHER];
        for together in digests.chunks(TOGETHER) {
            let shard = |digest: Digest| &self.shards[usize::from(shard_of(digest))];
            black_box(together.iter().fold(0, |sum, &digest| sum ^ shard(digest).touch(digest)));
            let mut number = 0;
            for &digest in together {
                let byte = shard_of(digest);
                shard(digest).guess(digest, |within| {
                    // There are never so many that share a tag by chance.
                    places[number % places.len()] = place_of(byte, within);
                    number += 1;
                });
            }
            let places = &places[..number.min(places.len())];
            black_box(places.iter().fold(0, |sum, &place| sum ^ self.row(place).serial));
            black_box(places.iter().fold(0, |sum, &place| sum ^ profiles.touch(Serial(self.row(place).serial))));
        }
    }
}
