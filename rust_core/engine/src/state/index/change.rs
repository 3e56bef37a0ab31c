//! Adding and removing entries.

use crate::ids::Serial;
use crate::keyed::digest::Digest;
use crate::state::index::packed::{self, Further, Packed, shard_of};
use crate::state::index::posting::Holder;
use crate::state::index::{Entry, FURTHER, Index, NONE, place_of, within};

impl Index {
    /// Adds an entry and answers its place. `next` is the next entry of the same profile.
    pub(crate) fn insert(&mut self, entry: &Entry, next: u32, is_known: impl Fn(Serial) -> bool) -> u32 {
        self.len += 1;
        let Some(primary) = self.primary(entry.digest) else { return self.insert_first(entry, next) };
        let known = is_known(entry.serial);
        let first = *self.row(primary);
        if !first.kind().shared() {
            let holder = Holder { serial: first.serial, place: primary, known: is_known(Serial(first.serial)) };
            self.postings.entry(primary).put(holder);
            self.row_mut(primary).set_kind(first.kind().with_shared(true));
        }
        let place = if first.serial == 0 {
            self.take_first_place(primary, entry, next);
            primary
        } else {
            self.insert_further(primary, entry, next)
        };
        self.postings.entry(primary).put(Holder { serial: entry.serial.0, place, known });
        place
    }

    /// Removes the entry at a place and answers it. The caller has unlinked it.
    pub(crate) fn remove(&mut self, at: u32) -> Entry {
        let entry = self.entry(at);
        self.len -= 1;
        self.escaped.remove(at);
        if at & FURTHER != 0 {
            let row = self.further.row_mut(at & !FURTHER);
            let primary = row.primary;
            *row = Further { next: self.free, ..Further::default() };
            self.free = at & !FURTHER;
            self.leave_posting(primary, &entry);
        } else if self.row(at).kind().shared() {
            // The row stays for the identifier's sake until its last holder has gone.
            let row = self.row_mut(at);
            (row.serial, row.next) = (0, NONE);
            self.leave_posting(at, &entry);
        } else {
            self.remove_row(at, entry.digest);
        }
        entry
    }

    /// Moves a profile's entry to the side where it now belongs.
    pub(crate) fn set_known(&mut self, at: u32, known: bool) {
        let (primary, serial) = if at & FURTHER == 0 {
            (at, self.row(at).serial)
        } else {
            let row = self.further.row(at & !FURTHER);
            (row.primary, row.serial)
        };
        if self.row(primary).kind().shared()
            && let Some(posting) = self.postings.get_mut(primary)
        {
            posting.put(Holder { serial, place: at, known });
        }
    }

    fn leave_posting(&mut self, primary: u32, entry: &Entry) {
        let first = *self.row(primary);
        let Some(posting) = self.postings.get_mut(primary) else { return };
        posting.remove(entry.serial.0);
        if posting.is_empty() {
            self.postings.remove(primary);
            self.remove_row(primary, entry.digest);
        } else if posting.len() == 1 && first.serial != 0 {
            self.postings.remove(primary);
            self.row_mut(primary).set_kind(first.kind().with_shared(false));
        }
    }

    fn remove_row(&mut self, primary: u32, digest: Digest) {
        self.shards[usize::from(shard_of(digest))].remove(digest, within(primary));
    }

    fn insert_first(&mut self, entry: &Entry, next: u32) -> u32 {
        let shard = shard_of(entry.digest);
        let (kind, when, escaped) = packed::pack(entry.facts(), entry.exclusive);
        let row = Packed::new(entry.digest, (kind, when), entry.serial.0, next);
        let place = place_of(shard, self.shards[usize::from(shard)].insert(entry.digest, row));
        if escaped {
            self.escaped.insert(place, entry.facts());
        }
        place
    }

    /// Puts a holder into the row that the first one left.
    fn take_first_place(&mut self, primary: u32, entry: &Entry, next: u32) {
        let (kind, when) = self.pack(primary, entry);
        *self.row_mut(primary) = Packed::new(entry.digest, (kind.with_shared(true), when), entry.serial.0, next);
    }

    fn insert_further(&mut self, primary: u32, entry: &Entry, next: u32) -> u32 {
        let (kind, when, escaped) = packed::pack(entry.facts(), entry.exclusive);
        let row = Further { primary, serial: entry.serial.0, next, kind, when };
        let place = if self.free == NONE {
            self.further.push(row)
        } else {
            let place = self.free;
            self.free = std::mem::replace(self.further.row_mut(place), row).next;
            place
        } | FURTHER;
        if escaped {
            self.escaped.insert(place, entry.facts());
        }
        place
    }
}
