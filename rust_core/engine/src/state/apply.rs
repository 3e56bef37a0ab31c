//! Applying what was committed: a replica's own plan, or an entry that another replica wrote. The same way for both.

use crate::ids::Serial;
use crate::plan::{Effect, Entry};
use crate::state::{At, Head, State};

/// Why an entry could not be applied: the index and the log disagree, so the index has to be loaded anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diverged {
    /// The entry does not follow the state's head.
    NotNext,
    /// The entry names a profile that does not exist or a number that is taken, gives an identifier a second owner, or
    /// leads to another policy than its own.
    Misfit,
    /// The state after the entry has another hash than the entry says.
    Hash,
}

impl State {
    /// Takes a committed entry. After an error the state must be dropped.
    pub fn commit(&mut self, entry: &Entry, effects: &[Effect]) -> Result<(), Diverged> {
        let at = self.next_at(entry)?;
        for effect in effects {
            if !self.fits(effect) {
                return Err(Diverged::Misfit);
            }
            let undo = self.apply(effect, at);
            self.sum(effect, &undo);
        }
        if self.policy_revision != entry.policy_revision {
            return Err(Diverged::Misfit);
        }
        self.move_head(entry, effects);
        if self.hash == entry.state_hash { Ok(()) } else { Err(Diverged::Hash) }
    }

    /// Takes the committed entry of a plan that was made on this very state: its effects fit, and deciding has hashed
    /// their rows.
    pub fn commit_own(&mut self, entry: &Entry, effects: &[Effect]) -> Result<(), Diverged> {
        let at = self.next_at(entry)?;
        for effect in effects {
            debug_assert!(self.fits(effect));
            let undo = self.apply_unhashed(effect, at);
            self.sum(effect, &undo);
        }
        self.move_head(entry, effects);
        self.hash = entry.state_hash;
        Ok(())
    }

    /// Where the effects of an entry take place, if it follows the head.
    pub(crate) fn next_at(&self, entry: &Entry) -> Result<At, Diverged> {
        let follows = entry.seq.0 == self.head.seq.0 + 1 && entry.prev == self.head.id;
        if follows { Ok(At { seq: entry.seq, commit_time: entry.commit_time }) } else { Err(Diverged::NotNext) }
    }

    fn move_head(&mut self, entry: &Entry, effects: &[Effect]) {
        for effect in effects {
            if let Effect::UseRequest { digest, .. } = effect {
                self.requests.note(*digest, entry.commit_time);
            }
        }
        self.requests.forget(entry.commit_time);
        self.head = Head { seq: entry.seq, id: entry.id, commit_time: entry.commit_time };
    }

    /// The merges behind two profiles once they are joined: what a load counts, too.
    fn merges_of(&self, loser: Serial, survivor: Serial) -> u32 {
        let merges = |serial| self.profiles.row(serial).merges;
        merges(survivor).saturating_add(merges(loser)).saturating_add(1)
    }

    /// Whether an effect can be taken at all; effects of an own plan always can.
    fn fits(&self, effect: &Effect) -> bool {
        let exists = |serial| self.profiles.get(serial).is_some();
        match effect {
            Effect::CreateProfile { serial, .. } => *serial == self.profiles.next_serial(),
            Effect::Attach(attachment) => {
                exists(attachment.serial)
                    && !self.index.holds(attachment.digest, attachment.serial)
                    && !(attachment.exclusive && self.index.has_owner(attachment.digest))
            }
            Effect::Detach { digest, serial, .. } | Effect::Seen { digest, serial, .. } => {
                self.index.holds(*digest, *serial)
            }
            Effect::Merge { loser, survivor, merges } => {
                let lives = |serial| exists(serial) && self.profiles.redirect(serial).is_none();
                survivor < loser && lives(*loser) && lives(*survivor) && *merges == self.merges_of(*loser, *survivor)
            }
            Effect::SetTrait { serial, .. } => exists(*serial),
            Effect::StoreEvent { serial, .. } => serial.is_none_or(exists),
            Effect::UseRequest { .. } | Effect::ChangePolicy { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Day, Micros, PolicyRevision};
    use crate::keyed::digest::Digest;
    use crate::plan::{Attachment, Plan};
    use crate::testing::World;
    use crate::testing::calls::identify;
    use crate::testing::policies::boundless;

    /// A workspace of three profiles, and the plan that joins two of them.
    fn joining() -> (World, Plan) {
        let mut world = World::new(&boundless());
        world.run_all(&["user=1", "email=1", "a=1"].map(identify));
        let plan = world.plan(&[identify("user=1 email=1")]);
        (world, plan)
    }

    #[test]
    fn an_entry_leads_to_the_policy_that_it_names() {
        let (mut world, mut plan) = joining();
        plan.entry.policy_revision = PolicyRevision(7);
        assert_eq!(world.state.commit(&plan.entry, &plan.effects), Err(Diverged::Misfit));
    }

    #[test]
    fn a_merge_joins_two_that_live_and_counts_what_is_behind_both() {
        let change = |change: fn(&mut Effect)| {
            let (mut world, mut plan) = joining();
            plan.effects.iter_mut().for_each(change);
            world.state.commit(&plan.entry, &plan.effects)
        };
        assert_eq!(change(|_| ()), Ok(()));
        let miscounted = change(|effect| {
            if let Effect::Merge { merges, .. } = effect {
                *merges += 1;
            }
        });
        assert_eq!(miscounted, Err(Diverged::Misfit));
        let (mut world, plan) = joining();
        world.commit(plan);
        let mut next = world.plan(&[identify("user=1 a=1")]);
        for effect in &mut next.effects {
            if let Effect::Merge { survivor, .. } = effect {
                // Joined into the first one just now.
                *survivor = Serial(2);
            }
        }
        assert_eq!(world.state.commit(&next.entry, &next.effects), Err(Diverged::Misfit));
    }

    #[test]
    fn an_identifier_gets_no_second_owner_among_many_holders() {
        let (mut world, plan) = joining();
        let attach = |serial, exclusive| {
            Effect::Attach(Attachment {
                digest: Digest(7),
                serial: Serial(serial),
                type_name: "email".into(),
                add_time: Micros(0),
                seen_day: Day(0),
                changed: None,
                raw: "x".into(),
                exclusive,
            })
        };
        let effects = [attach(1, false), attach(2, true), attach(3, true)];
        assert_eq!(world.state.commit(&plan.entry, &effects[..2]), Err(Diverged::Hash));
        let (mut world, plan) = joining();
        assert_eq!(world.state.commit(&plan.entry, &effects), Err(Diverged::Misfit));
    }
}
