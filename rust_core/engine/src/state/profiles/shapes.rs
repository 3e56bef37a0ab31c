//! What profiles hold, each distinct combination once: of a million profiles with one email and one device each, all
//! have the same counts. A combination that no profile has any more stays for a while: deciding takes each effect back and
//! takes it again, and whoever gets one more email today has it tomorrow.

use std::collections::VecDeque;

use hashbrown::HashTable;

use crate::ids::TypeId;
use crate::state::bytes::allocated;
use crate::state::profiles::Profile;

/// How many combinations may wait for a profile at most.
pub(crate) const IDLE_MAX: usize = 64;
/// How many steps are remembered.
const STEPS: usize = 256;

/// An identifier more or less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Its type.
    pub type_id: TypeId,
    /// Whether it makes a profile known.
    pub login: bool,
    /// Whether it comes or goes.
    pub more: bool,
}

impl Change {
    fn of(self, profile: &Profile) -> Profile {
        let mut profile = profile.clone();
        if self.more {
            profile.add(self.type_id, self.login);
        } else {
            profile.subtract(self.type_id, self.login);
        }
        profile
    }
}

/// Where a change led from one combination: nearly all changes are one of a few.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    from: u32,
    to: u32,
    change: Change,
    /// Holds as long as no number was given anew.
    era: u64,
}

#[derive(Clone, Debug)]
struct Shape {
    profile: Profile,
    /// How many profiles have it; a free row has none.
    references: u32,
    /// Whether it is among those that may be without a profile.
    idle: bool,
}

/// The combinations.
#[derive(Clone, Debug)]
pub(crate) struct Shapes {
    rows: Vec<Shape>,
    free: Vec<u32>,
    table: HashTable<u32>,
    /// Those that lost their last profile and may have found another since, oldest first.
    idle: VecDeque<u32>,
    steps: Box<[Step; STEPS]>,
    era: u64,
    /// Bytes of the counts that do not fit into their rows.
    counts_bytes: usize,
}

impl Default for Shapes {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            free: Vec::new(),
            table: HashTable::new(),
            idle: VecDeque::new(),
            steps: Box::new([Step::default(); STEPS]),
            era: 1,
            counts_bytes: 0,
        }
    }
}

/// Counts come from callers, but each step costs them an identifier: spreading is enough, secrecy is not needed.
fn hash_of(profile: &Profile) -> u64 {
    let mix = |hash: u64, number: u32| (hash ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let hash = mix(mix(mix(0, profile.identifiers), profile.logins), profile.merges);
    let hash = profile.counts.iter().fold(hash, |hash, &(type_id, count)| mix(mix(hash, type_id.0), count));
    hash ^ hash >> 32
}

/// What counts take that do not fit into their row.
fn counts_bytes_of(profile: &Profile) -> usize {
    let counts = &profile.counts;
    if counts.spilled() { allocated(counts.capacity() * size_of::<(TypeId, u32)>()) } else { 0 }
}

impl Shapes {
    #[inline]
    pub fn get(&self, shape: u32) -> &Profile {
        &self.rows[shape as usize].profile
    }

    /// A combination, if there is one of the number that some profile has.
    pub fn checked(&self, shape: u32) -> Option<&Profile> {
        self.rows.get(shape as usize).filter(|row| row.references > 0).map(|row| &row.profile)
    }

    /// The combination's number, for one more profile.
    pub fn take(&mut self, profile: &Profile) -> u32 {
        let hash = hash_of(profile);
        let Self { rows, free, table, counts_bytes, .. } = self;
        if let Some(&shape) = table.find(hash, |&shape| rows[shape as usize].profile == *profile) {
            rows[shape as usize].references += 1;
            return shape;
        }
        let row = Shape { profile: profile.clone(), references: 1, idle: false };
        *counts_bytes += counts_bytes_of(&row.profile);
        let shape = if let Some(shape) = free.pop() {
            rows[shape as usize] = row;
            shape
        } else {
            rows.push(row);
            u32::try_from(rows.len() - 1).unwrap_or(u32::MAX)
        };
        table.insert_unique(hash, shape, |&shape| hash_of(&rows[shape as usize].profile));
        shape
    }

    /// The combination that a change leads to, for the profile that had the one before.
    pub fn step(&mut self, from: u32, change: Change) -> u32 {
        let at = (from as usize * 8 + change.type_id.0 as usize * 2 + usize::from(change.more)) % STEPS;
        let known = self.steps[at];
        let to = if (known.from, known.change, known.era) == (from, change, self.era) {
            self.rows[known.to as usize].references += 1;
            known.to
        } else {
            let to = self.take(&change.of(self.get(from)));
            self.steps[at] = Step { from, to, change, era: self.era };
            to
        };
        self.give_back(from);
        to
    }

    /// One profile less has this combination.
    pub fn give_back(&mut self, shape: u32) {
        let row = &mut self.rows[shape as usize];
        row.references -= 1;
        if row.references > 0 || row.idle {
            return;
        }
        row.idle = true;
        self.idle.push_back(shape);
        if self.idle.len() > IDLE_MAX
            && let Some(oldest) = self.idle.pop_front()
        {
            self.drop_unused(oldest);
        }
    }

    /// Drops a combination that found no other profile.
    fn drop_unused(&mut self, shape: u32) {
        let row = &mut self.rows[shape as usize];
        row.idle = false;
        if row.references > 0 {
            return;
        }
        if let Ok(found) = self.table.find_entry(hash_of(&row.profile), |&other| other == shape) {
            found.remove();
        }
        self.counts_bytes = self.counts_bytes.saturating_sub(counts_bytes_of(&row.profile));
        row.profile = Profile::default();
        self.free.push(shape);
        // Its number is going to mean another combination.
        self.era += 1;
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        let lists = self.rows.capacity() * size_of::<Shape>()
            + (self.free.capacity() + self.idle.capacity()) * size_of::<u32>();
        lists + self.table.allocation_size() + size_of::<[Step; STEPS]>() + self.counts_bytes
    }

    /// How many combinations there are that profiles have, and in all.
    #[cfg(test)]
    pub fn len(&self) -> (usize, usize) {
        (self.rows.iter().filter(|row| row.references > 0).count(), self.table.len())
    }
}
