//! What a scrub asks of the index. Nothing here trusts a place that a row tells: a broken bit may have changed it.

use crate::ids::Serial;
use crate::state::ahead::ahead;
use crate::state::index::packed::Packed;
use crate::state::index::posting::{Holder, Posting};
use crate::state::index::shard::Shard;
use crate::state::index::{Entry, FURTHER, Index, NONE, place_of, shard_at, within};

/// What a look at the holders of an identifier came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looked {
    /// All of them, so many, stand where they belong.
    Sound(usize),
    /// So many holders were enough; the next time the look goes on behind this one.
    Rested(Holder),
    /// One is not what its row says, or on the wrong side.
    Astray,
    /// Two hold it each for itself alone.
    TwoOwners,
}

impl Index {
    /// The first holder's row at a place, if there is such a place.
    fn checked_row(&self, primary: u32) -> Option<&Packed> {
        self.shards[usize::from(shard_at(primary))].checked_row(within(primary))
    }

    /// The entry at a place, and the place of the next one of its profile, if there is such a place.
    pub(crate) fn checked(&self, at: u32) -> Option<(Entry, u32)> {
        if at & FURTHER == 0 {
            self.checked_row(at)?;
        } else {
            self.checked_row(self.further.get(at & !FURTHER)?.primary)?;
        }
        Some((self.entry(at), self.next(at)))
    }

    /// Whether the table of a shard leads to as many rows as the shard has, and the others are free. Cost: a pass over the
    /// shard.
    pub(crate) fn counts(&self, shard: u8) -> bool {
        self.shards[usize::from(shard)].counts()
    }

    /// How many rows a shard has, free ones too.
    pub(crate) fn rows_of(&self, shard: u8) -> u32 {
        self.shards[usize::from(shard)].len()
    }

    /// Looks at the holders of an identifier that has several, behind one if that is told; at most so many.
    /// None is looked at of an identifier that one profile holds.
    pub(crate) fn look(
        &self,
        (shard, at): (u8, u32),
        behind: Option<Holder>,
        most: usize,
        is_known: impl Fn(Serial) -> Option<bool>,
    ) -> Looked {
        let primary = place_of(shard, at);
        let Some(row) = self.checked_row(primary).filter(|row| row.kind().shared()) else { return Looked::Sound(0) };
        let Some(posting) = self.postings.get(primary) else { return Looked::Astray };
        if row.serial != 0 && posting.get(row.serial) != Some(primary) {
            return Looked::Astray;
        }
        let (mut exclusive, mut number) = (false, 0);
        let mut last = None;
        for holder in posting.behind(behind) {
            if let Some(last) = last.filter(|_| number >= most) {
                return Looked::Rested(last);
            }
            (last, number) = (Some(holder), number + 1);
            let known = is_known(Serial(holder.serial));
            if !self.is_at(&holder, primary) || known != Some(holder.known) {
                return Looked::Astray;
            }
            exclusive |= self.entry(holder.place).exclusive;
        }
        // Whoever rested may have missed who came meanwhile: all are counted together.
        if exclusive && self.owners(posting) > 1 { Looked::TwoOwners } else { Looked::Sound(number) }
    }

    fn owners(&self, posting: &Posting) -> usize {
        posting
            .behind(None)
            .filter(|holder| self.checked(holder.place).is_some_and(|(entry, _)| entry.exclusive))
            .count()
    }

    /// Whether a holder's row is at its place.
    fn is_at(&self, holder: &Holder, primary: u32) -> bool {
        if holder.place & FURTHER == 0 {
            holder.place == primary && self.checked_row(primary).is_some_and(|row| row.serial == holder.serial)
        } else {
            let row = self.further.get(holder.place & !FURTHER);
            row.is_some_and(|row| (row.primary, row.serial) == (primary, holder.serial))
        }
    }

    /// How many rows of further holders there are, free ones too.
    pub(crate) fn further_rows(&self) -> u32 {
        self.further.len()
    }

    /// Whether the identifier's posting leads to the row of a further holder, or it is free and leads to another free one.
    pub(crate) fn is_posted(&self, at: u32) -> bool {
        let Some(row) = self.further.get(at) else { return true };
        if row.serial == 0 {
            return self.is_free_or_none(row.next);
        }
        let shared = self.checked_row(row.primary).is_some_and(|primary| primary.kind().shared());
        let posting = self.postings.get(row.primary).filter(|_| shared && !row.kind.shared());
        posting.is_some_and(|posting| posting.get(row.serial) == Some(at | FURTHER))
    }

    /// Whether the next further holder gets a free row, or a new one.
    pub(crate) fn has_free(&self) -> bool {
        self.is_free_or_none(self.free)
    }

    fn is_free_or_none(&self, at: u32) -> bool {
        at == NONE || self.further.get(at).is_some_and(|row| row.serial == 0)
    }

    /// Asks for the lines that walking the chains from these places reads, `depth` rows of each.
    pub(crate) fn warm_chains(&self, places: &mut Vec<u32>, depth: usize) {
        let row = |at: u32| if at & FURTHER == 0 { self.checked_row(at) } else { None };
        for _ in 0..depth {
            places.retain(|&at| at != NONE);
            for &at in &*places {
                match row(at) {
                    Some(row) => ahead(row),
                    None => {
                        if let Some(row) = self.further.get(at & !FURTHER) {
                            ahead(row);
                        }
                    }
                }
            }
            for at in &mut *places {
                let next = match row(*at) {
                    Some(row) => {
                        let digest = row.digest(shard_at(*at));
                        ahead(self.shards[usize::from(shard_at(*at))].slots().bucket(digest, 0));
                        row.next
                    }
                    None => self.further.get(*at & !FURTHER).map_or(NONE, |row| row.next),
                };
                *at = next;
            }
        }
    }
}

/// The places of a chain of free rows; one without an end, where it leads in a circle or to a place without a `next`.
fn chain(first: u32, next: impl Fn(u32) -> Option<u32>) -> impl Iterator<Item = u32> {
    let mut at = first;
    std::iter::from_fn(move || {
        let place = (at != NONE).then_some(at)?;
        at = next(place).unwrap_or(place);
        Some(place)
    })
}

impl Shard {
    fn checked_row(&self, at: u32) -> Option<&Packed> {
        self.entries().get(at)
    }

    fn len(&self) -> u32 {
        self.entries().len()
    }

    fn counts(&self) -> bool {
        let used = self.entries().rows().filter(|row| row.is_used()).count();
        let free = chain(self.free(), |at| self.entries().get(at).filter(|row| !row.is_used()).map(|row| row.next));
        self.slots().counts(used) && free.take(self.len() as usize + 1).count() == self.len() as usize - used
    }
}
