//! Reading ahead for a batch. A look-up waits for the table's line, then for the entry's, then for the profile's; here
//! all look-ups of a batch wait for one kind of line together.

use std::hint::black_box;

use crate::digest::Digest;
use crate::ids::Serial;
use crate::state::index::Index;
use crate::state::index::packed::shard_of;
use crate::state::profiles::Profiles;

/// Look-ups under way at a time: more than memory answers at once, few enough to stay in the nearest cache.
const TOGETHER: usize = 128;

impl Index {
    /// Reads what look-ups of these identifiers and of their profiles will read.
    pub(crate) fn warm(&self, digests: &[Digest], profiles: &Profiles) {
        let mut serials = [0; TOGETHER];
        for together in digests.chunks(TOGETHER) {
            let shard = |digest: Digest| &self.shards[usize::from(shard_of(digest))];
            let lines = together.iter().fold(0, |sum, &digest| sum ^ shard(digest).touch(digest));
            black_box(lines);
            for (serial, &digest) in serials.iter_mut().zip(together) {
                *serial = shard(digest).guess(digest).map_or(0, |row| row.serial);
            }
            let rows = serials[..together.len()].iter().fold(0, |sum, &serial| sum ^ profiles.touch(Serial(serial)));
            black_box(rows);
        }
    }
}
