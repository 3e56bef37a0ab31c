//! Profiles by serial: what a decision needs of each, never its identifiers' values.

use smallvec::SmallVec;

use crate::ids::{Serial, TypeId};
use crate::state::index::NONE;

/// How many identifiers of each type a profile holds, its merged members' included.
pub type TypeCounts = SmallVec<[(TypeId, u32); 3]>;

/// One profile.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The first of the profile's own entries.
    pub(crate) first_entry: u32,
    /// The profile it was joined into; 0 while it lives.
    redirect: u32,
    /// The first profile joined into it; 0 for none.
    first_member: u32,
    /// The next profile joined into the same one.
    next_member: u32,
    /// The profile that a linked profile came from; 0 for none.
    source: u32,
    /// Merges behind it.
    pub merges: u32,
    /// Identifiers held, members' included.
    pub identifiers: u32,
    /// Login identifiers held (isolation family).
    pub logins: u32,
    /// Identifiers held by type, members' included.
    pub counts: TypeCounts,
}

impl Profile {
    /// How many identifiers of a type it holds.
    #[must_use]
    pub fn count(&self, type_id: TypeId) -> u32 {
        self.counts.iter().find(|(id, _)| *id == type_id).map_or(0, |(_, count)| *count)
    }

    /// Whether it holds a login identifier.
    #[must_use]
    pub fn known(&self) -> bool {
        self.logins > 0
    }

    pub(crate) fn add(&mut self, type_id: TypeId, login: bool) {
        self.identifiers += 1;
        self.logins += u32::from(login);
        self.add_count(type_id, 1);
    }

    pub(crate) fn subtract(&mut self, type_id: TypeId, login: bool) {
        self.identifiers = self.identifiers.saturating_sub(1);
        self.logins = self.logins.saturating_sub(u32::from(login));
        if let Some(count) = self.counts.iter_mut().find(|(id, _)| *id == type_id) {
            count.1 = count.1.saturating_sub(1);
        }
        self.counts.retain(|(_, count)| *count > 0);
    }

    pub(crate) fn add_count(&mut self, type_id: TypeId, more: u32) {
        match self.counts.iter_mut().find(|(id, _)| *id == type_id) {
            Some((_, count)) => *count += more,
            None => self.counts.push((type_id, more)),
        }
    }
}

/// All profiles of a workspace, merged-away and orphaned ones too.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    rows: Vec<Profile>,
}

impl Profiles {
    /// How many profiles were ever made.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none was ever made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The serial of the next profile.
    #[must_use]
    pub fn next_serial(&self) -> Serial {
        Serial(u32::try_from(self.rows.len() + 1).unwrap_or(u32::MAX))
    }

    /// A profile by its serial, if it was ever made.
    #[must_use]
    pub fn get(&self, serial: Serial) -> Option<&Profile> {
        self.rows.get((serial.0 as usize).checked_sub(1)?)
    }

    pub(crate) fn row(&self, serial: Serial) -> &Profile {
        &self.rows[serial.0 as usize - 1]
    }

    pub(crate) fn row_mut(&mut self, serial: Serial) -> &mut Profile {
        &mut self.rows[serial.0 as usize - 1]
    }

    pub(crate) fn create(&mut self, source: Option<Serial>, merges: u32) {
        self.rows.push(Profile {
            first_entry: NONE,
            redirect: 0,
            first_member: 0,
            next_member: 0,
            source: source.map_or(0, |serial| serial.0),
            merges,
            identifiers: 0,
            logins: 0,
            counts: TypeCounts::new(),
        });
    }

    pub(crate) fn remove_last(&mut self) {
        self.rows.pop();
    }

    /// The profile that answers for this one: itself, or the survivor of its merges (rule M9).
    #[must_use]
    pub fn root(&self, mut serial: Serial) -> Serial {
        while let Some(next) = self.redirect(serial) {
            serial = next;
        }
        serial
    }

    /// The profile that this one was joined into.
    #[must_use]
    pub fn redirect(&self, serial: Serial) -> Option<Serial> {
        match self.row(serial).redirect {
            0 => None,
            survivor => Some(Serial(survivor)),
        }
    }

    /// The profile that a linked profile came from.
    #[must_use]
    pub fn source(&self, serial: Serial) -> Option<Serial> {
        match self.row(serial).source {
            0 => None,
            source => Some(Serial(source)),
        }
    }

    /// The profile and all that were joined into it, transitively; the profile first.
    #[must_use]
    pub fn members(&self, serial: Serial) -> Vec<Serial> {
        let mut members = vec![serial];
        let mut at = 0;
        while at < members.len() {
            let mut member = self.row(members[at]).first_member;
            while member != 0 {
                members.push(Serial(member));
                member = self.row(Serial(member)).next_member;
            }
            at += 1;
        }
        members
    }

    pub(crate) fn link(&mut self, loser: Serial, survivor: Serial) {
        let first = std::mem::replace(&mut self.row_mut(survivor).first_member, loser.0);
        let row = self.row_mut(loser);
        row.next_member = first;
        row.redirect = survivor.0;
    }

    pub(crate) fn unlink(&mut self, loser: Serial, survivor: Serial) {
        let row = self.row_mut(loser);
        row.redirect = 0;
        let next = std::mem::take(&mut row.next_member);
        self.row_mut(survivor).first_member = next;
    }

    /// Adds a merged profile's counts to its survivor's.
    pub(crate) fn absorb(&mut self, loser: Serial, survivor: Serial) {
        let (counts, identifiers) = (self.row(loser).counts.clone(), self.row(loser).identifiers);
        let row = self.row_mut(survivor);
        row.identifiers += identifiers;
        for (type_id, count) in counts {
            row.add_count(type_id, count);
        }
    }
}
