//! Merged profiles. All of a group lead to one row that names the survivor, so that whoever was joined a hundred
//! merges ago is found in one step. Joining two groups leads the smaller one's profiles to the other's row: however a
//! profile came to its size, each of its members was led elsewhere a few times only.

use crate::ids::Serial;
use crate::state::profiles::{GROUPED, Profiles};

/// Profiles that were joined, and the one that answers for all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Group {
    /// The survivor; in a free row the next free one.
    pub root: u32,
    /// What the survivor holds, its members' included.
    pub shape: u32,
    /// How many profiles they are.
    pub size: u32,
}

/// What one profile of a group knows of the others: enough to tell the members, and to take a merge back.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Link {
    /// The profile it was joined into; 0 while it lives.
    pub redirect: u32,
    /// The first profile joined into it; 0 for none.
    pub first_member: u32,
    /// The next profile joined into the same one.
    pub next_member: u32,
    /// What it held when it was joined, its members' included.
    pub shape: u32,
    /// How many profiles it stood for when it was joined.
    pub size: u32,
}

/// No free row.
const NONE: u32 = u32::MAX;

impl Profiles {
    /// Joins a profile into another. The survivor's counts stay as they are.
    pub(crate) fn link(&mut self, loser: Serial, survivor: Serial) {
        let (from, to) = (self.group_of(loser), self.group_of(survivor));
        let (gone, stays) = (self.groups.row(from), self.groups.row(to));
        let (shape, size) = (gone.shape, gone.size);
        let joined = Group { root: stays.root, shape: stays.shape, size: size + stays.size };
        let (kept, dropped) = if gone.size > stays.size { (from, to) } else { (to, from) };
        for member in self.members(Serial(self.groups.row(dropped).root)) {
            self.set_group(member, kept);
        }
        self.free_group(dropped);
        *self.groups.row_mut(kept) = joined;
        let first = std::mem::replace(&mut self.links.entry(survivor.0).first_member, loser.0);
        let link = self.links.entry(loser.0);
        (link.redirect, link.next_member, link.shape, link.size) = (survivor.0, first, shape, size);
    }

    /// Takes the newest merge of a profile back.
    pub(crate) fn unlink(&mut self, loser: Serial, survivor: Serial) {
        let link = self.links.entry(loser.0);
        let (next, shape, size) = (std::mem::take(&mut link.next_member), link.shape, link.size);
        link.redirect = 0;
        self.links.entry(survivor.0).first_member = next;
        let both = self.body(survivor).group();
        let Group { root, shape: root_shape, size: whole } = *self.groups.row(both);
        let (gone, stays) =
            (Group { root: loser.0, shape, size }, Group { root, shape: root_shape, size: whole - size });
        let (small, large) = if size > stays.size { (stays, gone) } else { (gone, stays) };
        *self.groups.row_mut(both) = large;
        let other = self.new_group(small);
        for member in self.members(Serial(small.root)) {
            self.set_group(member, other);
        }
        self.dissolve(both);
        self.dissolve(other);
    }

    /// The group of a profile; a profile alone gets one of its own.
    fn group_of(&mut self, serial: Serial) -> u32 {
        let body = self.body(serial);
        if body.is_grouped() {
            return body.group();
        }
        let group = self.new_group(Group { root: serial.0, shape: body.shape(), size: 1 });
        self.set_group(serial, group);
        group
    }

    /// Makes a profile that is left alone an ordinary one.
    fn dissolve(&mut self, group: u32) {
        let Group { root, shape, size } = *self.groups.row(group);
        if size == 1 {
            self.links.remove(root);
            self.free_group(group);
            self.set_body(Serial(root), shape);
        }
    }

    fn set_group(&mut self, serial: Serial, group: u32) {
        self.set_body(serial, group | GROUPED);
    }

    fn new_group(&mut self, group: Group) -> u32 {
        if self.free_groups == NONE {
            return self.groups.push(group);
        }
        let free = self.free_groups;
        self.free_groups = std::mem::replace(self.groups.row_mut(free), group).root;
        free
    }

    fn free_group(&mut self, group: u32) {
        *self.groups.row_mut(group) = Group { root: self.free_groups, ..Group::default() };
        self.free_groups = group;
    }
}
