//! The first part of a round: profile by profile the chain of its identifiers, what it counts, how it stands to those
//! that it was joined with, and whether a look-up finds each of its identifiers.

use crate::ids::Serial;
use crate::state::State;
use crate::state::index::NONE;
use crate::state::profiles::{Profile, Standing};
use crate::state::scrub::{Finding, Place, sums};

/// So many profiles' lines are asked for together.
const TOGETHER: u32 = 32;
/// So many rows of each are asked for ahead.
const DEPTH: usize = 4;

/// What was found of one profile's own identifiers.
struct Own {
    sum: u64,
    counted: Profile,
}

impl State {
    /// Walks about so many rows of profiles, and answers how many.
    pub(super) fn scrub_profiles(&mut self, most: usize) -> Result<usize, Finding> {
        let profiles = self.profiles.len();
        let mut rows = 0;
        let mut ahead = self.scrub.sums.next().0;
        while rows < most {
            let serial = self.scrub.sums.next();
            if serial.0 as usize > profiles {
                if !self.scrub.sums.end() {
                    return Err(Finding::Sum);
                }
                self.scrub.place = Place::Shard { shard: 0, at: 0, behind: None };
                break;
            }
            if serial.0 == ahead {
                ahead += TOGETHER;
                self.warm_profiles(serial.0..ahead);
            }
            let Own { sum, counted } = self.scrub_profile(serial)?;
            rows += 1 + counted.identifiers as usize;
            if !self.scrub.sums.walk(sum) {
                return Err(Finding::Sum);
            }
        }
        Ok(rows)
    }

    /// Asks for the lines that the next profiles will be read from.
    fn warm_profiles(&self, serials: std::ops::Range<u32>) {
        let mut places: Vec<u32> = serials.map(|serial| self.profiles.line(Serial(serial)).first_entry).collect();
        self.index.warm_chains(&mut places, DEPTH);
    }

    fn scrub_profile(&self, serial: Serial) -> Result<Own, Finding> {
        let profile = self.profiles.checked(serial).ok_or(Finding::Merge)?;
        let standing = self.profiles.standing(serial).ok_or(Finding::Merge)?;
        let root = self.profiles.checked(self.profiles.root(serial)).ok_or(Finding::Merge)?;
        let mut own = self.scrub_chain(serial, root.identifiers)?;
        match standing {
            Standing::Alone => compare(profile, &own.counted)?,
            Standing::Survivor(members) => {
                let mut all = own.counted.clone();
                for &member in &members {
                    let other = self.scrub_chain(member, root.identifiers)?;
                    all.absorb(&other.counted);
                    all.logins += other.counted.logins;
                }
                // An import may have brought more.
                if (profile.merges as usize) < members.len() {
                    return Err(Finding::Count);
                }
                compare(profile, &all)?;
            }
            Standing::Joined => {
                let survivor = self.profiles.redirect(serial).ok_or(Finding::Merge)?;
                own.sum = own.sum.wrapping_add(sums::redirect(serial, survivor));
            }
        }
        let made = sums::profile(serial, self.profiles.source(serial));
        own.sum = own.sum.wrapping_add(made).wrapping_add(sums::merges(serial, profile.merges));
        Ok(own)
    }

    /// Walks the chain of a profile's own identifiers, of which there are at most so many.
    fn scrub_chain(&self, serial: Serial, most: u32) -> Result<Own, Finding> {
        let mut own = Own { sum: 0, counted: Profile::default() };
        let mut at = self.profiles.first_entry(serial);
        while at != NONE {
            // Whoever is led in a circle comes to an end, too.
            let (entry, next) = self.index.checked(at).ok_or(Finding::Chain)?;
            if entry.serial != serial || own.counted.identifiers == most {
                return Err(Finding::Chain);
            }
            let mark = self.types.mark(entry.type_id).ok_or(Finding::Chain)?;
            if self.index.find(entry.digest, serial) != Some(at) {
                return Err(Finding::Absent);
            }
            own.counted.add(entry.type_id, self.types.flags(entry.type_id).login);
            own.sum = own.sum.wrapping_add(sums::identifier(&entry, mark));
            at = next;
        }
        Ok(own)
    }
}

/// Whether a profile counts what was counted; merges are another matter.
fn compare(profile: &Profile, counted: &Profile) -> Result<(), Finding> {
    let same = profile.identifiers == counted.identifiers
        && profile.logins == counted.logins
        && profile.counts == counted.counts;
    if same { Ok(()) } else { Err(Finding::Count) }
}
