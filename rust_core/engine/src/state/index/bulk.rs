//! Taking in very many identifiers. Tables that grow by an eighth are made anew nine times for each time that they
//! double: while a load lasts they double, and at its end they get the size that they would have grown to.

use crate::keyed::digest::Digest;
use crate::state::ahead::ahead;
use crate::state::index::packed::shard_of;
use crate::state::index::{Entry, FURTHER, Holders, Index, SHARDS};
use crate::state::profiles::Profiles;

/// Room for fewer is not worth asking for.
const ROOM: usize = 64 * SHARDS;

impl Index {
    /// Makes room for so many more identifiers, and at least for as many again as there are.
    pub(crate) fn make_room(&mut self, more: usize) {
        let wanted = self.len + more;
        if wanted <= self.room {
            return;
        }
        self.room = (wanted * 2).max(ROOM);
        let each = self.room / SHARDS;
        for (number, shard) in (0..=u8::MAX).zip(&mut self.shards) {
            // Digests are spread evenly, but not quite.
            shard.make_room(number, each + each / 16);
        }
    }

    /// Gives every table the size that it would have grown to, and the rest of the room back.
    pub(crate) fn shrink_to_grown(&mut self) {
        if self.room > 0 {
            self.room = 0;
            for (number, shard) in (0..=u8::MAX).zip(&mut self.shards) {
                shard.shrink_to_grown(number);
            }
        }
    }

    /// Whether the identifier of an entry that was just put in has a second exclusive entry. For one that nobody else
    /// holds the row that was just written says so.
    pub(crate) fn has_two_owners(&self, at: u32) -> bool {
        if at & FURTHER == 0 && !self.row(at).kind().shared() {
            return false;
        }
        self.places_of_owners(self.entry(at).digest).nth(1).is_some()
    }

    /// Whether an identifier has an exclusive entry.
    pub(crate) fn has_owner(&self, digest: Digest) -> bool {
        self.places_of_owners(digest).next().is_some()
    }

    /// The places of an identifier's exclusive entries.
    fn places_of_owners(&self, digest: Digest) -> impl Iterator<Item = u32> {
        let holders = [Holders::Anonymous, Holders::Known].into_iter();
        // Nobody's side matters here: who holds it alone is taken for known.
        let serials = holders.flat_map(move |holders| self.newest_first(digest, holders, |_| true));
        serials.filter_map(move |serial| self.find(digest, serial)).filter(|&place| self.entry(place).exclusive)
    }

    /// Reads the lines that taking in these identifiers writes, of all of them at once.
    pub(crate) fn warm_for_loading(&self, rows: &[Entry], profiles: &Profiles) {
        for row in rows {
            ahead(self.shards[usize::from(shard_of(row.digest))].slots().bucket(row.digest, 0));
            ahead(profiles.line(row.serial));
        }
    }
}
