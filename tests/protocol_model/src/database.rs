//! What the database does: compare, append, break down, forget.

use crate::checking::Protocol;
use crate::safeguard::Safeguard;
use crate::world::{Entry, EntryId, Outcome, Stage, Tenant, Work, World};

impl Protocol {
    /// A statement arrives, takes the workspace's row and compares.
    pub(crate) fn compare(&self, world: &mut World, place: usize) {
        let outcome = self.compared(world, &world.statements[place].entry);
        world.statements[place].stage = match outcome {
            Outcome::Ok => Stage::Compared,
            Outcome::Lost | Outcome::Diverged => Stage::Ended(outcome),
        };
    }

    /// Whether a statement may take the row now.
    pub(crate) fn is_free(&self, world: &World) -> bool {
        !self.has(Safeguard::RowLocked) || world.statements.iter().all(|statement| statement.stage != Stage::Compared)
    }

    fn compared(&self, world: &World, entry: &Entry) -> Outcome {
        let fits = !self.has(Safeguard::PredecessorCompared)
            || predecessor(world, entry)
                .is_some_and(|id| id == entry.prev || !self.has(Safeguard::PredecessorIdentity));
        if !fits {
            return Outcome::Diverged;
        }
        if is_taken(world, entry) { Outcome::Lost } else { Outcome::Ok }
    }

    /// The transaction ends: the entry stands, unless the key says that its place is taken.
    pub(crate) fn append(world: &mut World, place: usize) {
        let entry = world.statements[place].entry;
        let outcome = if is_taken(world, &entry) {
            Outcome::Diverged
        } else {
            world.log.push(entry);
            if !world.ever.contains(&entry.id) {
                world.ever.push(entry.id);
                world.ever.sort_unstable();
            }
            Outcome::Ok
        };
        world.statements[place].stage = Stage::Ended(outcome);
    }

    /// The database breaks down: what was not committed is gone, and who waited for it knows nothing.
    pub(crate) fn break_down(world: &mut World) {
        world.statements.clear();
        for replica in &mut world.replicas {
            if let Work::Committing(entry) = replica.work {
                replica.work = Work::Unknown(entry);
            }
        }
    }

    /// It comes back without its newest entries.
    pub(crate) fn lose(world: &mut World, count: usize) {
        Self::break_down(world);
        world.log.truncate(world.log.len() - count);
    }

    /// It comes back without the workspace, and somebody else makes one of its name.
    pub(crate) fn recreate(world: &mut World) {
        Self::break_down(world);
        world.log.clear();
        world.tenant = Tenant::Later;
    }
}

fn predecessor(world: &World, entry: &Entry) -> Option<EntryId> {
    if entry.seq == 1 {
        return Some(EntryId::Genesis(world.tenant));
    }
    world.log.iter().find(|one| one.seq == entry.seq - 1).map(|one| one.id)
}

fn is_taken(world: &World, entry: &Entry) -> bool {
    world.log.iter().any(|one| one.seq >= entry.seq)
}
