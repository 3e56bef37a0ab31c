//! Building a state from the tables' rows, read in one snapshot together with the head.

use std::sync::Arc;

use crate::ids::{Day, Micros, PolicyRevision, Position, Seq, Serial, TypeId};
use crate::keyed::digest::{Digest, Digester};
use crate::keyed::eras::Eras;
use crate::keyed::permutation::Permutation;
use crate::keyed::state_hash::{Rows, StateHash};
use crate::policy::Policy;
use crate::state::index::{Entry, Index};
use crate::state::marks::{RequestMark, Requests};
use crate::state::profiles::Profiles;
use crate::state::scrub::{Scrub, sums};
use crate::state::traits::Traits;
use crate::state::types::Types;
use crate::state::{Head, State};

/// A row of the table of profiles.
#[derive(Clone, Copy, Debug)]
pub struct LoadedProfile {
    /// The profile's number; rows come in this order, without a gap.
    pub serial: Serial,
    /// When it was made.
    pub create_time: Micros,
    /// The profile that a linked profile came from.
    pub source: Option<Serial>,
    /// Merges that an import brought; those with other rows are told by these.
    pub imported_merges: u32,
    /// The profile it was joined into.
    pub merged_into: Option<Serial>,
}

/// A row of the table of identifiers.
#[derive(Clone, Debug)]
pub struct LoadedIdentifier {
    /// The keyed digest.
    pub digest: Digest,
    /// The profile that got it.
    pub serial: Serial,
    /// Its type.
    pub type_name: Arc<str>,
    /// When it was added.
    pub add_time: Micros,
    /// When it was last seen.
    pub seen_day: Day,
    /// Whether no other profile may hold it.
    pub exclusive: bool,
}

/// Why an identifier's row is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// Its profile was not loaded.
    NobodysRow,
    /// It is exclusive, and so is the row of another profile.
    TwoOwners,
}

impl State {
    /// An empty state at a head. `digest_key` and `id_key` are the workspace's secrets.
    #[must_use]
    pub fn empty(
        digest_key: &[u8; 16],
        id_key: &[u8; 16],
        policy: (PolicyRevision, Arc<Policy>, Vec<u8>),
        head: Head,
    ) -> Self {
        Self {
            digester: Digester::new(digest_key),
            permutation: Permutation::new(id_key),
            head,
            policy_revision: policy.0,
            policy: policy.1,
            policy_encoded: Arc::new(policy.2),
            hash: StateHash::default(),
            types: Types::default(),
            profiles: Profiles::default(),
            index: Index::default(),
            traits: Traits::default(),
            requests: Requests::default(),
            scrub: Scrub::default(),
        }
    }

    /// Numbers profile ids by these eras.
    pub fn set_eras(&mut self, eras: Eras) {
        self.permutation.set_eras(eras);
    }

    /// Takes a profile's row. Answers false if it is out of order or points to a later profile.
    pub fn load_profile(&mut self, row: &LoadedProfile) -> bool {
        if row.serial != self.profiles.next_serial() || row.merged_into.is_some_and(|into| into >= row.serial) {
            return false;
        }
        self.profiles.create(row.source, row.imported_merges);
        let rows = Rows(&self.digester);
        let mut sum = rows.profile(row.serial, row.create_time, row.source);
        self.scrub.sums.change(row.serial, sums::profile(row.serial, row.source));
        if let Some(survivor) = row.merged_into {
            sum = sum.wrapping_add(rows.redirect(row.serial, survivor));
            self.scrub.sums.change(row.serial, sums::redirect(row.serial, survivor));
            self.profiles.link(row.serial, survivor);
        }
        self.add_row(sum);
        true
    }

    /// Takes an identifier's row; all profiles come first. Answers false if it does not fit.
    pub fn load_identifier(&mut self, row: &LoadedIdentifier) -> bool {
        let type_id = self.load_type(&row.type_name);
        let LoadedIdentifier { digest, serial, seen_day, add_time, exclusive, .. } = *row;
        self.load_identifiers(&[Entry { digest, serial, type_id, seen_day, add_time, exclusive }]).is_ok()
    }

    /// The number of a type of rows that are loaded together.
    pub fn load_type(&mut self, name: &str) -> TypeId {
        match self.types.get(name) {
            Some(type_id) => type_id,
            None => self.types.intern(&Arc::from(name), &self.policy),
        }
    }

    /// Makes room for so many more identifiers at once; `finish_loading` gives back what was too much.
    pub fn make_room(&mut self, identifiers: usize) {
        self.index.make_room(identifiers);
    }

    /// Takes some identifiers' rows; all profiles come first. The key of the table lets two profiles own an identifier,
    /// so it is seen here. A few dozen at a time are best: memory is asked for all of them before the first is needed.
    pub fn load_identifiers(&mut self, rows: &[Entry]) -> Result<(), Misfit> {
        self.index.warm_for_loading(rows, &self.profiles);
        let mut sum = 0_u128;
        for row in rows {
            if self.profiles.get(row.serial).is_none() {
                return Err(Misfit::NobodysRow);
            }
            // Which holders are known is only certain once all rows are in: `finish_loading` sorts the postings.
            let place = self.put(row);
            if row.exclusive && self.index.has_two_owners(place) {
                return Err(Misfit::TwoOwners);
            }
            self.profiles.add(row.serial, row.type_id, false);
            sum = sum.wrapping_add(Rows(&self.digester).identifier(row.digest, row.serial, row.add_time));
            self.scrub.sums.attach(row, self.types.mark(row.type_id).unwrap_or(0));
        }
        self.add_row(sum);
        Ok(())
    }

    /// Takes a trait's row.
    pub fn load_trait(&mut self, serial: Serial, name: &str, value: Option<&[u8]>, at: (Micros, Seq, Position)) {
        let mark = self.trait_mark(serial, (name, value), at);
        self.traits.load(serial, mark);
        self.hash.traits = self.hash.traits.wrapping_add(mark.row);
    }

    /// Takes a used request id's row.
    pub fn load_request(&mut self, digest: Digest, mark: RequestMark) {
        self.requests.set(digest, mark);
        self.requests.note(digest, mark.time);
    }

    /// Brings counts up to date after all rows are in, and holds the hash against the head's.
    /// Events are not read by a load, so their sum is taken over. Answers false if the rows and the log disagree.
    pub fn finish_loading(&mut self, expected: StateHash) -> bool {
        for number in (1..=self.profiles.len()).rev() {
            let serial = Serial(u32::try_from(number).unwrap_or(u32::MAX));
            // Whoever was joined into it is younger, so that it is whole by now.
            let merges = self.profiles.row(serial).merges;
            if merges > 0 {
                self.add_row(Rows(&self.digester).merges(serial, merges));
                self.scrub.sums.change(serial, sums::merges(serial, merges));
            }
            if let Some(survivor) = self.profiles.redirect(serial) {
                let gone = self.profiles.row(serial).clone();
                self.profiles.change(survivor, |profile| profile.absorb(&gone));
            }
        }
        self.count_logins(Postings::OfNobodyKnown);
        self.index.shrink_to_grown();
        self.requests.sort();
        self.traits.sort();
        self.hash.events = expected.events;
        self.hash == expected
    }

    /// Counts every profile's login identifiers anew and sorts the postings by the result. Cost: the workspace.
    pub(crate) fn count_logins(&mut self, postings: Postings) {
        for number in 1..=self.profiles.len() {
            let serial = Serial(u32::try_from(number).unwrap_or(u32::MAX));
            let profile = self.profiles.row(serial);
            let logins = profile.counts.iter().filter(|(type_id, _)| self.types.flags(*type_id).login);
            let logins = logins.map(|(_, count)| count).sum();
            if profile.logins != logins {
                self.profiles.change(serial, |profile| profile.logins = logins);
            }
            if logins > 0 || postings == Postings::OfAnybody {
                self.set_known(serial, logins > 0);
            }
        }
    }
}

/// Whom the postings take for known before the logins are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Postings {
    /// Nobody yet: while a load lasts no profile has a login.
    OfNobodyKnown,
    /// Whoever was known under the policy before.
    OfAnybody,
}

#[cfg(test)]
mod tests;
