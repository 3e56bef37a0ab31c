//! Identifier → profiles. Each (identifier, profile) pair is one entry in an arena; a hash table finds the only
//! holder at once, and an ordered posting the newest of many, so that a look-up costs the same whether a device
//! belongs to one profile or to a million.

use std::collections::BTreeMap;

use hashbrown::HashTable;

use crate::digest::Digest;
use crate::ids::{Day, Micros, Serial, TypeId};

/// No entry: the end of a profile's chain.
pub(crate) const NONE: u32 = u32::MAX;

/// Marks a table slot that leads to a posting instead of an entry.
const MANY: u32 = 1 << 31;

/// One identifier held by one profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The identifier.
    pub digest: Digest,
    /// The profile that got it; after a merge its survivor answers for it.
    pub serial: Serial,
    /// The next entry of the same profile.
    pub(crate) next: u32,
    /// The identifier's type.
    pub type_id: TypeId,
    /// The day it was last seen.
    pub seen_day: Day,
    /// Event time at which it was added.
    pub add_time: Micros,
    /// Whether no other profile may hold it.
    pub exclusive: bool,
}

/// The holders of an identifier that has several, by serial, split by whether they are known (rule I1).
#[derive(Clone, Debug, Default)]
struct Posting {
    digest: Option<Digest>,
    anonymous: BTreeMap<Serial, u32>,
    known: BTreeMap<Serial, u32>,
}

impl Posting {
    fn get(&self, serial: Serial) -> Option<u32> {
        self.anonymous.get(&serial).or_else(|| self.known.get(&serial)).copied()
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
#[derive(Clone, Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
    free: Vec<u32>,
    table: HashTable<u32>,
    postings: Vec<Posting>,
    free_postings: Vec<u32>,
}

fn hash_of(digest: Digest) -> u64 {
    // A keyed digest is as good as random: half of it serves as hash.
    digest.low()
}

impl Index {
    /// How many (identifier, profile) pairs are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn entry(&self, at: u32) -> &Entry {
        &self.entries[at as usize]
    }

    pub(crate) fn entry_mut(&mut self, at: u32) -> &mut Entry {
        &mut self.entries[at as usize]
    }

    /// The first holder's entry; in the merge family the only one (rule M1).
    #[must_use]
    pub fn first(&self, digest: Digest) -> Option<&Entry> {
        let slot = self.slot(digest)?;
        if slot & MANY == 0 {
            return Some(self.entry(slot));
        }
        let posting = &self.postings[(slot & !MANY) as usize];
        let at = posting.anonymous.values().chain(posting.known.values()).min().copied()?;
        Some(self.entry(at))
    }

    /// Reads what look-ups of these identifiers will read.
    pub(crate) fn warm(&self, digests: &[Digest]) {
        let slots: u32 = digests.iter().filter_map(|&digest| self.slot(digest)).fold(0, |sum, slot| sum ^ slot);
        std::hint::black_box(slots);
    }

    /// The place of the entry of this identifier on this profile.
    pub(crate) fn find(&self, digest: Digest, serial: Serial) -> Option<u32> {
        let slot = self.slot(digest)?;
        if slot & MANY == 0 {
            return (self.entry(slot).serial == serial).then_some(slot);
        }
        self.postings[(slot & !MANY) as usize].get(serial)
    }

    /// Whether this profile itself (not its merged members) holds the identifier.
    #[must_use]
    pub fn holds(&self, digest: Digest, serial: Serial) -> bool {
        self.find(digest, serial).is_some()
    }

    /// How many profiles of the kind hold the identifier. `is_known` tells of a single holder.
    pub fn count(&self, digest: Digest, holders: Holders, is_known: impl Fn(Serial) -> bool) -> usize {
        match self.slot(digest) {
            None => 0,
            Some(slot) if slot & MANY == 0 => {
                usize::from(is_known(self.entry(slot).serial) == (holders == Holders::Known))
            }
            Some(slot) => self.side(slot, holders).len(),
        }
    }

    /// The profiles of the kind that hold the identifier, newest first.
    pub fn newest_first(
        &self,
        digest: Digest,
        holders: Holders,
        is_known: impl Fn(Serial) -> bool,
    ) -> impl Iterator<Item = Serial> {
        let slot = self.slot(digest);
        let single = slot.filter(|slot| slot & MANY == 0).map(|slot| self.entry(slot).serial);
        let single = single.filter(|&serial| is_known(serial) == (holders == Holders::Known));
        let many = slot.filter(|slot| slot & MANY != 0).map(|slot| self.side(slot, holders));
        single.into_iter().chain(many.into_iter().flat_map(|side| side.keys().rev().copied()))
    }

    /// Adds an entry and answers its place. The caller links it into its profile's chain by `next`.
    pub(crate) fn insert(&mut self, entry: Entry, is_known: impl Fn(Serial) -> bool) -> u32 {
        let (digest, serial) = (entry.digest, entry.serial);
        let at = self.allocate(entry);
        let Some(slot) = self.slot(digest) else {
            let (entries, postings) = (&self.entries, &self.postings);
            self.table.insert_unique(hash_of(digest), at, |&slot| hash_of(digest_of(entries, postings, slot)));
            return at;
        };
        let posting = if slot & MANY == 0 {
            let other = self.entry(slot).serial;
            let place = self.allocate_posting(digest);
            self.set_slot(digest, place | MANY);
            self.place(place, other, slot, is_known(other));
            place
        } else {
            slot & !MANY
        };
        self.place(posting, serial, at, is_known(serial));
        at
    }

    /// Removes the entry at a place and answers it. The caller has unlinked it.
    pub(crate) fn remove(&mut self, at: u32) -> Entry {
        let entry = *self.entry(at);
        let Some(slot) = self.slot(entry.digest) else { return entry };
        if slot & MANY == 0 {
            let (entries, postings) = (&self.entries, &self.postings);
            let found =
                self.table.find_entry(hash_of(entry.digest), |&s| digest_of(entries, postings, s) == entry.digest);
            if let Ok(found) = found {
                found.remove();
            }
        } else {
            self.remove_from_posting(slot & !MANY, &entry);
        }
        self.free.push(at);
        entry
    }

    /// Moves a profile's entry to the side where it now belongs.
    pub(crate) fn set_known(&mut self, at: u32, known: bool) {
        let (digest, serial) = (self.entry(at).digest, self.entry(at).serial);
        let Some(slot) = self.slot(digest).filter(|slot| slot & MANY != 0) else { return };
        let posting = &mut self.postings[(slot & !MANY) as usize];
        posting.anonymous.remove(&serial);
        posting.known.remove(&serial);
        self.place(slot & !MANY, serial, at, known);
    }

    fn remove_from_posting(&mut self, place: u32, entry: &Entry) {
        let posting = &mut self.postings[place as usize];
        posting.anonymous.remove(&entry.serial);
        posting.known.remove(&entry.serial);
        if posting.anonymous.len() + posting.known.len() == 1 {
            let last = posting.anonymous.values().chain(posting.known.values()).next().copied();
            *posting = Posting { digest: posting.digest, ..Posting::default() };
            if let Some(last) = last {
                self.set_slot(entry.digest, last);
                self.postings[place as usize].digest = None;
                self.free_postings.push(place);
            }
        }
    }

    fn side(&self, slot: u32, holders: Holders) -> &BTreeMap<Serial, u32> {
        let posting = &self.postings[(slot & !MANY) as usize];
        match holders {
            Holders::Anonymous => &posting.anonymous,
            Holders::Known => &posting.known,
        }
    }

    fn place(&mut self, posting: u32, serial: Serial, at: u32, known: bool) {
        let posting = &mut self.postings[posting as usize];
        let side = if known { &mut posting.known } else { &mut posting.anonymous };
        side.insert(serial, at);
    }

    fn slot(&self, digest: Digest) -> Option<u32> {
        self.table.find(hash_of(digest), |&slot| digest_of(&self.entries, &self.postings, slot) == digest).copied()
    }

    fn set_slot(&mut self, digest: Digest, to: u32) {
        let (entries, postings) = (&self.entries, &self.postings);
        let found = self.table.find_mut(hash_of(digest), |&slot| digest_of(entries, postings, slot) == digest);
        if let Some(slot) = found {
            *slot = to;
        }
    }

    fn allocate(&mut self, entry: Entry) -> u32 {
        if let Some(at) = self.free.pop() {
            self.entries[at as usize] = entry;
            return at;
        }
        self.entries.push(entry);
        u32::try_from(self.entries.len() - 1).unwrap_or(NONE)
    }

    fn allocate_posting(&mut self, digest: Digest) -> u32 {
        let posting = Posting { digest: Some(digest), ..Posting::default() };
        if let Some(place) = self.free_postings.pop() {
            self.postings[place as usize] = posting;
            return place;
        }
        self.postings.push(posting);
        u32::try_from(self.postings.len() - 1).unwrap_or(NONE)
    }
}

fn digest_of(entries: &[Entry], postings: &[Posting], slot: u32) -> Digest {
    if slot & MANY == 0 {
        entries[slot as usize].digest
    } else {
        postings[(slot & !MANY) as usize].digest.unwrap_or(Digest(0))
    }
}
