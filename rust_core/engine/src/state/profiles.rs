//! Profiles by serial: what a decision needs of each, never its identifiers' values. A profile is 8 bytes: where its
//! entries begin, and which of the combinations of counts it has. What only few profiles have lies beside.

mod groups;
mod shapes;
mod sound;
#[cfg(test)]
mod tests;

use smallvec::SmallVec;

use crate::ids::{Serial, TypeId};
use crate::state::arena::Arena;
use crate::state::index::NONE;
use crate::state::sharded::Sharded;
use groups::{Group, Link};
use shapes::{Change, Shapes};
pub(crate) use sound::Standing;

/// How many identifiers of each type a profile holds, its merged members' included; by type.
pub type TypeCounts = SmallVec<[(TypeId, u32); 3]>;

/// What a profile holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
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

    /// Adds a merged profile's counts, and the merge.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.merges = self.merges.saturating_add(other.merges).saturating_add(1);
        self.identifiers += other.identifiers;
        for &(type_id, count) in &other.counts {
            self.add_count(type_id, count);
        }
    }

    fn add_count(&mut self, type_id: TypeId, more: u32) {
        // In the order of types, so that equal counts are one combination.
        match self.counts.binary_search_by_key(&type_id, |(id, _)| *id) {
            Ok(at) => self.counts[at].1 += more,
            Err(at) => self.counts.insert(at, (type_id, more)),
        }
    }
}

/// Set where the number is of a group, not of a combination.
const GROUPED: u32 = 1 << 31;
/// Set where the profile came from another.
const SOURCED: u32 = 1 << 30;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProfileRow {
    /// The first of the profile's own entries.
    pub first_entry: u32,
    body: Body,
}

impl ProfileRow {
    /// A row of no profile.
    pub const NOBODY: Self = Self { first_entry: NONE, body: Body(0) };
}

/// Two flags, and the number of a combination or of a group.
#[derive(Clone, Copy, Debug, Default)]
struct Body(u32);

impl Body {
    fn is_grouped(self) -> bool {
        self.0 & GROUPED != 0
    }

    fn group(self) -> u32 {
        self.0 & !(GROUPED | SOURCED)
    }

    fn shape(self) -> u32 {
        self.0 & !(GROUPED | SOURCED)
    }
}

/// All profiles of a workspace, merged-away and orphaned ones too.
#[derive(Clone, Debug)]
pub struct Profiles {
    rows: Arena<ProfileRow, 8192>,
    shapes: Shapes,
    groups: Arena<Group, 1024>,
    /// The first free row of `groups`; free rows are chained by `root`.
    free_groups: u32,
    /// By serial, for profiles of groups.
    links: Sharded<Link>,
    /// By serial, the profile that a linked profile came from.
    sources: Sharded<Serial>,
}

impl Default for Profiles {
    fn default() -> Self {
        Self {
            rows: Arena::default(),
            shapes: Shapes::default(),
            groups: Arena::default(),
            free_groups: NONE,
            links: Sharded::default(),
            sources: Sharded::default(),
        }
    }
}

impl Profiles {
    /// How many profiles were ever made.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len() as usize
    }

    /// Whether none was ever made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    /// How many bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        let rows = self.rows.bytes() + self.shapes.bytes() + self.groups.bytes();
        rows + self.links.bytes() + self.sources.bytes()
    }

    /// The serial of the next profile.
    #[must_use]
    pub fn next_serial(&self) -> Serial {
        Serial(self.rows.len() + 1)
    }

    /// A profile by its serial, if it was ever made.
    #[must_use]
    pub fn get(&self, serial: Serial) -> Option<&Profile> {
        self.rows.get(serial.0.checked_sub(1)?).map(|_| self.row(serial))
    }

    #[inline]
    pub(crate) fn row(&self, serial: Serial) -> &Profile {
        self.shapes.get(self.shape_of(serial))
    }

    /// Changes what a profile holds.
    pub(crate) fn change(&mut self, serial: Serial, change: impl FnOnce(&mut Profile)) {
        let before = self.shape_of(serial);
        let mut profile = self.shapes.get(before).clone();
        change(&mut profile);
        let shape = self.shapes.take(&profile);
        self.shapes.give_back(before);
        self.set_shape(serial, shape);
    }

    /// Counts an identifier that a profile gets.
    pub(crate) fn add(&mut self, serial: Serial, type_id: TypeId, login: bool) {
        self.step(serial, Change { type_id, login, more: true });
    }

    /// Counts an identifier that a profile loses.
    pub(crate) fn subtract(&mut self, serial: Serial, type_id: TypeId, login: bool) {
        self.step(serial, Change { type_id, login, more: false });
    }

    fn step(&mut self, serial: Serial, change: Change) {
        let shape = self.shapes.step(self.shape_of(serial), change);
        self.set_shape(serial, shape);
    }

    fn set_shape(&mut self, serial: Serial, shape: u32) {
        let body = self.body(serial);
        if !body.is_grouped() {
            self.set_body(serial, shape);
        } else if self.groups.row(body.group()).root == serial.0 {
            self.groups.row_mut(body.group()).shape = shape;
        } else {
            self.links.entry(serial.0).shape = shape;
        }
    }

    pub(crate) fn first_entry(&self, serial: Serial) -> u32 {
        self.rows.row(serial.0 - 1).first_entry
    }

    pub(crate) fn set_first_entry(&mut self, serial: Serial, first_entry: u32) {
        self.rows.row_mut(serial.0 - 1).first_entry = first_entry;
    }

    pub(crate) fn create(&mut self, source: Option<Serial>, merges: u32) {
        let shape = self.shapes.take(&Profile { merges, ..Profile::default() });
        let serial = self.rows.push(ProfileRow { first_entry: NONE, body: Body(shape) }) + 1;
        if let Some(source) = source {
            self.rows.row_mut(serial - 1).body.0 |= SOURCED;
            self.sources.insert(serial, source);
        }
    }

    /// Takes the newest profile back; it holds nothing and is part of no group.
    pub(crate) fn remove_last(&mut self) {
        let serial = Serial(self.rows.len());
        self.shapes.give_back(self.shape_of(serial));
        self.sources.remove(serial.0);
        self.rows.pop();
    }

    /// The profile that answers for this one: itself, or the survivor of its merges (rule M9).
    #[must_use]
    #[inline]
    pub fn root(&self, serial: Serial) -> Serial {
        let body = self.body(serial);
        if body.is_grouped() { Serial(self.groups.row(body.group()).root) } else { serial }
    }

    /// The profile that this one was joined into.
    #[must_use]
    pub fn redirect(&self, serial: Serial) -> Option<Serial> {
        let link = self.links.get(serial.0).filter(|_| self.body(serial).is_grouped())?;
        (link.redirect != 0).then_some(Serial(link.redirect))
    }

    /// The profile that a linked profile came from.
    #[must_use]
    pub fn source(&self, serial: Serial) -> Option<Serial> {
        if self.body(serial).0 & SOURCED == 0 { None } else { self.sources.get(serial.0).copied() }
    }

    /// The profile and all that were joined into it, transitively; the profile first.
    #[must_use]
    pub fn members(&self, serial: Serial) -> SmallVec<[Serial; 1]> {
        let mut members = SmallVec::from_buf([serial]);
        if !self.body(serial).is_grouped() {
            return members;
        }
        let link = |serial: Serial| self.links.get(serial.0).copied().unwrap_or_default();
        let mut at = 0;
        while at < members.len() {
            let mut member = link(members[at]).first_member;
            while member != 0 {
                members.push(Serial(member));
                member = link(Serial(member)).next_member;
            }
            at += 1;
        }
        members
    }

    /// A profile's row, to read it ahead.
    #[inline]
    pub(crate) fn line(&self, serial: Serial) -> &ProfileRow {
        serial.0.checked_sub(1).and_then(|at| self.rows.get(at)).unwrap_or(&ProfileRow::NOBODY)
    }

    #[inline]
    fn body(&self, serial: Serial) -> Body {
        self.rows.row(serial.0 - 1).body
    }

    fn set_body(&mut self, serial: Serial, number: u32) {
        let body = &mut self.rows.row_mut(serial.0 - 1).body;
        body.0 = body.0 & SOURCED | number;
    }

    #[inline]
    fn shape_of(&self, serial: Serial) -> u32 {
        let body = self.body(serial);
        if !body.is_grouped() {
            return body.shape();
        }
        let group = self.groups.row(body.group());
        if group.root == serial.0 { group.shape } else { self.links.get(serial.0).map_or(0, |link| link.shape) }
    }
}

#[cfg(test)]
impl Profiles {
    /// Turns a bit of a profile's row over: those of its first entry, then those of what it holds.
    pub(crate) fn flip(&mut self, serial: Serial, bit: u32) {
        let row = self.rows.row_mut(serial.0 - 1);
        match bit {
            0..32 => row.first_entry ^= 1 << bit,
            _ => row.body.0 ^= 1 << (bit - 32),
        }
    }
}
