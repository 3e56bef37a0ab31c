//! What a replica does: load, decide, take the outcome, look up what nobody told.

use crate::checking::Protocol;
use crate::safeguard::Safeguard;
use crate::world::{
    Batch, BatchNumber, Entry, EntryId, Memory, Outcome, ReplicaNumber, Stage, Statement, Tenant, Work, World,
};

/// How a state and the log go together.
enum Standing {
    AtHead,
    Behind,
    Apart,
}

impl Protocol {
    /// Decides a batch on the replica's state, which is loaded first where there is none.
    pub(crate) fn decide(&self, world: &mut World, replica: ReplicaNumber, batch: BatchNumber) {
        world.replicas[replica.0].work = Work::Idle;
        let Some(memory) = self.ready(world, replica) else {
            self.answer(world, batch, Batch::Refused);
            return;
        };
        if batch.has_request_ids() && self.knows(world, replica, &memory, batch) {
            self.repeat(world, replica, batch);
            return;
        }
        let attempt = world.plans[batch.0];
        world.plans[batch.0] += 1;
        let (seq, prev) = (memory.seq() + 1, memory.head());
        let entry = Entry { seq, id: EntryId::Plan(batch, attempt), prev, batch };
        if !self.has(Safeguard::ApplyAfterCommit) {
            Self::apply(world, replica, entry);
        }
        self.answer(world, batch, Batch::At(replica));
        if !self.has(Safeguard::AnswerAfterCommit) {
            self.acknowledge(world, batch, entry.id);
        }
        Self::send(world, replica, entry, false);
    }

    /// Takes what the database said.
    pub(crate) fn conclude(&self, world: &mut World, replica: ReplicaNumber, entry: Entry, outcome: Outcome) {
        match outcome {
            Outcome::Ok => {
                if self.has(Safeguard::ApplyAfterCommit) {
                    Self::apply(world, replica, entry);
                }
                self.acknowledge(world, entry.batch, entry.id);
                world.replicas[replica.0].work = Work::Idle;
            }
            Outcome::Lost => {
                Self::catch_up(world, replica);
                self.decide(world, replica, entry.batch);
            }
            Outcome::Diverged => {
                Self::forget(world, replica);
                self.decide(world, replica, entry.batch);
            }
        }
    }

    /// Finds out what became of a commit, by who stands at its place.
    pub(crate) fn look_up(&self, world: &mut World, replica: ReplicaNumber, entry: Entry) {
        if !self.has(Safeguard::NotGuessedCommitted) {
            self.conclude(world, replica, entry, Outcome::Ok);
            return;
        }
        if !self.has(Safeguard::NotGuessedLost) {
            self.conclude(world, replica, entry, Outcome::Lost);
            return;
        }
        if let Some(found) = world.log.iter().find(|one| one.seq == entry.seq) {
            let is_mine = found.id == entry.id || !self.has(Safeguard::LookUpByIdentity);
            let outcome = if is_mine { Outcome::Ok } else { Outcome::Lost };
            self.conclude(world, replica, entry, outcome);
        } else if world.head() == entry.prev {
            let mut again = entry;
            if !self.has(Safeguard::SameEntryAgain) {
                again.id = EntryId::Plan(entry.batch, world.plans[entry.batch.0]);
                world.plans[entry.batch.0] += 1;
            }
            Self::send(world, replica, again, true);
        } else {
            self.conclude(world, replica, entry, Outcome::Diverged);
        }
    }

    /// The caller is told nothing for certain; the state goes.
    pub(crate) fn give_up(&self, world: &mut World, replica: ReplicaNumber, batch: BatchNumber) {
        Self::forget(world, replica);
        world.replicas[replica.0].work = Work::Idle;
        self.answer(world, batch, Batch::Unknown);
    }

    /// The process ends; what it sent goes on.
    pub(crate) fn kill(&self, world: &mut World, replica: ReplicaNumber) {
        if let Work::Committing(entry) | Work::Unknown(entry) = world.replicas[replica.0].work {
            self.answer(world, entry.batch, Batch::Unknown);
        }
        Self::forget(world, replica);
        world.replicas[replica.0].work = Work::Idle;
        for statement in &mut world.statements {
            statement.heard &= statement.replica != replica;
        }
    }

    fn ready(&self, world: &mut World, replica: ReplicaNumber) -> Option<Memory> {
        if world.replicas[replica.0].memory.is_none() {
            if world.tenant == Tenant::Later && self.has(Safeguard::GenesisProven) {
                return None;
            }
            world.replicas[replica.0].memory = Some(Memory { genesis: world.tenant, entries: world.log.clone() });
        }
        world.replicas[replica.0].memory.clone()
    }

    fn knows(&self, world: &World, replica: ReplicaNumber, memory: &Memory, batch: BatchNumber) -> bool {
        if self.has(Safeguard::RequestIdsStored) {
            memory.entries.iter().any(|entry| entry.batch == batch)
        } else {
            world.replicas[replica.0].applied.contains(&batch)
        }
    }

    /// The batch took effect before: what was recorded is told again, once the state is known to be the newest.
    fn repeat(&self, world: &mut World, replica: ReplicaNumber, batch: BatchNumber) {
        if self.has(Safeguard::HeadConfirmed) {
            match Self::standing(world, replica) {
                Standing::AtHead => {}
                Standing::Behind => Self::catch_up(world, replica),
                Standing::Apart => {
                    Self::forget(world, replica);
                    self.decide(world, replica, batch);
                    return;
                }
            }
        }
        let memory = world.replicas[replica.0].memory.as_ref();
        let mut held = memory.into_iter().flat_map(|memory| &memory.entries);
        let recorded = held.find(|entry| entry.batch == batch).map(|entry| entry.id);
        if let Some(id) = recorded {
            self.acknowledge(world, batch, id);
        }
    }

    fn standing(world: &World, replica: ReplicaNumber) -> Standing {
        let Some(memory) = &world.replicas[replica.0].memory else { return Standing::Apart };
        let head = memory.head();
        if head == world.head() {
            Standing::AtHead
        } else if world.log.iter().any(|entry| entry.prev == head) {
            Standing::Behind
        } else {
            Standing::Apart
        }
    }

    /// Reads what follows the state's number; what does not follow its head drops the state.
    fn catch_up(world: &mut World, replica: ReplicaNumber) {
        let Some(memory) = world.replicas[replica.0].memory.as_mut() else { return };
        let seq = memory.seq();
        let mut is_apart = false;
        for entry in world.log.iter().filter(|entry| entry.seq > seq) {
            is_apart |= entry.prev != memory.head();
            memory.entries.push(*entry);
        }
        if is_apart {
            Self::forget(world, replica);
        }
    }

    fn apply(world: &mut World, replica: ReplicaNumber, entry: Entry) {
        let replica = &mut world.replicas[replica.0];
        if let Some(memory) = replica.memory.as_mut() {
            memory.entries.push(entry);
        }
        if !replica.applied.contains(&entry.batch) {
            replica.applied.push(entry.batch);
            replica.applied.sort_unstable();
        }
    }

    fn forget(world: &mut World, replica: ReplicaNumber) {
        world.replicas[replica.0].memory = None;
        world.replicas[replica.0].applied.clear();
    }

    fn send(world: &mut World, replica: ReplicaNumber, entry: Entry, again: bool) {
        world.replicas[replica.0].work = Work::Committing(entry);
        world.statements.push(Statement { replica, entry, stage: Stage::Sent, heard: true, again });
    }

    fn acknowledge(&self, world: &mut World, batch: BatchNumber, id: EntryId) {
        world.told_falsely |= world.log.iter().all(|entry| entry.id != id);
        self.answer(world, batch, Batch::Acknowledged);
    }

    /// Notes what a caller knows; who was told that it took effect is told nothing else.
    fn answer(&self, world: &mut World, batch: BatchNumber, known: Batch) {
        if self.has(Safeguard::AnswerAfterCommit) || world.batches[batch.0] != Batch::Acknowledged {
            world.batches[batch.0] = known;
        }
    }
}
