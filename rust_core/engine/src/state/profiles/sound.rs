//! What a scrub asks of the profiles. Nothing here trusts a number that a row tells: a broken bit may have changed it.

use smallvec::SmallVec;

use crate::ids::Serial;
use crate::state::profiles::groups::{Group, Link};
use crate::state::profiles::{Profile, Profiles};

/// How a profile stands to those that it was joined with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It was never joined.
    Alone,
    /// It answers for these as well.
    Survivor(SmallVec<[Serial; 4]>),
    /// It was joined into another.
    Joined,
}

impl Profiles {
    /// What a profile holds, if there is such a profile and such a combination.
    pub(crate) fn checked(&self, serial: Serial) -> Option<&Profile> {
        let body = self.rows.get(serial.0.checked_sub(1)?)?.body;
        if !body.is_grouped() {
            return self.shapes.checked(body.shape());
        }
        let group = self.group(serial)?;
        self.shapes.checked(if group.root == serial.0 { group.shape } else { self.links.get(serial.0)?.shape })
    }

    /// How a profile stands to others; `None` if they contradict one another.
    pub(crate) fn standing(&self, serial: Serial) -> Option<Standing> {
        if !self.rows.get(serial.0.checked_sub(1)?)?.body.is_grouped() {
            return Some(Standing::Alone);
        }
        let group = self.group(serial)?;
        if group.root != serial.0 {
            let survivor = Serial(self.links.get(serial.0)?.redirect);
            let joined = survivor < serial && self.same_group(survivor, serial);
            return joined.then_some(Standing::Joined);
        }
        if self.links.get(serial.0).is_some_and(|link| link.redirect != 0) {
            return None;
        }
        let members = self.bounded_members(serial, group.size as usize)?;
        Some(Standing::Survivor(members))
    }

    /// The profiles joined into a survivor; `None` if their links lead astray or they are not as many as they should be.
    fn bounded_members(&self, root: Serial, size: usize) -> Option<SmallVec<[Serial; 4]>> {
        let mut all: SmallVec<[Serial; 4]> = SmallVec::new();
        let link = |serial: Serial| self.links.get(serial.0).copied().unwrap_or_default();
        let mut at = 0;
        let mut parent = root;
        loop {
            let mut member = link(parent).first_member;
            while member != 0 {
                let Link { redirect, next_member, .. } = link(Serial(member));
                if all.len() + 1 >= size || redirect != parent.0 || !self.same_group(Serial(member), root) {
                    return None;
                }
                all.push(Serial(member));
                member = next_member;
            }
            let Some(&next) = all.get(at) else { break };
            (parent, at) = (next, at + 1);
        }
        (all.len() + 1 == size).then_some(all)
    }

    fn same_group(&self, one: Serial, other: Serial) -> bool {
        let group = |serial: Serial| {
            let body = self.rows.get(serial.0.checked_sub(1)?)?.body;
            body.is_grouped().then_some(body.group())
        };
        group(one).is_some() && group(one) == group(other)
    }

    fn group(&self, serial: Serial) -> Option<&Group> {
        let body = self.rows.get(serial.0.checked_sub(1)?)?.body;
        let group = self.groups.get(body.group()).filter(|_| body.is_grouped())?;
        self.same_group(Serial(group.root), serial).then_some(group)
    }
}
