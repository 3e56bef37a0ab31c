//! The model as stateright takes it: what can happen next, and what must always hold.

use stateright::{Model, Property};

use crate::safeguard::Safeguard;
use crate::world::{
    BATCHES, Batch, BatchNumber, EntryId, Faults, Outcome, REPLICAS, ReplicaNumber, Stage, Tenant, Work, World,
};

/// So many entries a failover or a restore takes away at most.
const LOST_MAX: usize = 2;

/// The protocol, perhaps without one of its safeguards.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// The safeguard that is taken out.
    pub without: Option<Safeguard>,
    /// What goes wrong, at most.
    pub faults: Faults,
}

impl Protocol {
    pub(crate) fn has(&self, safeguard: Safeguard) -> bool {
        self.without != Some(safeguard)
    }
}

/// One step. Statements are named by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A replica takes a batch and decides it.
    Take(ReplicaNumber, BatchNumber),
    /// A statement compares.
    Compare(usize),
    /// A statement's transaction ends.
    Append(usize),
    /// A statement's answer arrives.
    Conclude(usize),
    /// A statement that nobody waits for never arrives.
    Vanish(usize),
    /// A connection breaks at the replica's end.
    Cut(usize),
    /// A replica looks up what became of its commit.
    LookUp(ReplicaNumber),
    /// It does not find out in time.
    GiveUp(ReplicaNumber),
    /// A replica is killed.
    Kill(ReplicaNumber),
    /// The database is killed.
    Crash,
    /// A failover or a restore.
    Lose(usize),
    /// A restore, and another workspace of the name.
    Recreate,
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.faults)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for replica in (0..REPLICAS).map(ReplicaNumber) {
            replica_actions(world, replica, actions);
        }
        for (place, statement) in world.statements.iter().enumerate() {
            match statement.stage {
                Stage::Sent if self.is_free(world) => actions.push(Action::Compare(place)),
                Stage::Sent => {}
                Stage::Compared => actions.push(Action::Append(place)),
                Stage::Ended(_) => actions.push(Action::Conclude(place)),
            }
            if !statement.heard && statement.stage == Stage::Sent {
                actions.push(Action::Vanish(place));
            }
            if statement.heard && world.left.cuts > 0 {
                actions.push(Action::Cut(place));
            }
        }
        if world.left.crashes > 0 && !world.statements.is_empty() {
            actions.push(Action::Crash);
        }
        if world.left.losses > 0 {
            actions.extend((1..=LOST_MAX.min(world.log.len())).map(Action::Lose));
        }
        if world.left.recreations > 0 {
            actions.push(Action::Recreate);
        }
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        let mut world = before.clone();
        self.step(&mut world, action);
        world.settle();
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nobody is told of an entry that does not stand", |_, world: &World| !world.told_falsely),
            Property::always("a batch takes effect once", takes_effect_once),
            Property::always("each entry names the one before", is_chain),
            Property::always("memory holds what stood in the log", memory_was_committed),
            Property::always("nothing is written into another's workspace", |_, world: &World| {
                world.tenant == Tenant::First || world.log.is_empty()
            }),
            Property::sometimes("all are acknowledged", |_, world: &World| {
                world.batches.iter().all(|batch| *batch == Batch::Acknowledged)
            }),
        ]
    }
}

impl Protocol {
    fn step(&self, world: &mut World, action: Action) {
        match action {
            Action::Take(replica, batch) => {
                if world.batches[batch.0] == Batch::Unknown {
                    world.left.repeats -= 1;
                }
                self.decide(world, replica, batch);
            }
            Action::Compare(place) => self.compare(world, place),
            Action::Append(place) => Self::append(world, place),
            Action::Conclude(place) => {
                let statement = world.statements.remove(place);
                if let Stage::Ended(outcome) = statement.stage {
                    let (replica, entry) = (statement.replica, statement.entry);
                    if outcome == Outcome::Lost && statement.again {
                        world.replicas[replica.0].work = Work::Unknown(entry);
                        return;
                    }
                    self.conclude(world, replica, entry, outcome);
                }
            }
            Action::Vanish(place) => {
                world.statements.remove(place);
            }
            Action::Cut(place) => {
                world.left.cuts -= 1;
                let statement = &mut world.statements[place];
                statement.heard = false;
                world.replicas[statement.replica.0].work = Work::Unknown(statement.entry);
            }
            Action::LookUp(replica) => {
                if let Work::Unknown(entry) = world.replicas[replica.0].work {
                    self.look_up(world, replica, entry);
                }
            }
            Action::GiveUp(replica) => {
                world.left.give_ups -= 1;
                if let Work::Unknown(entry) = world.replicas[replica.0].work {
                    self.give_up(world, replica, entry.batch);
                }
            }
            Action::Kill(replica) => {
                world.left.kills -= 1;
                self.kill(world, replica);
            }
            Action::Crash => {
                world.left.crashes -= 1;
                Self::break_down(world);
            }
            Action::Lose(count) => {
                world.left.losses -= 1;
                Self::lose(world, count);
            }
            Action::Recreate => {
                world.left.recreations -= 1;
                Self::recreate(world);
            }
        }
    }
}

fn replica_actions(world: &World, replica: ReplicaNumber, actions: &mut Vec<Action>) {
    match world.replicas[replica.0].work {
        Work::Idle => {
            for batch in (0..BATCHES).map(BatchNumber) {
                let may_repeat = batch.has_request_ids() && world.left.repeats > 0;
                match world.batches[batch.0] {
                    Batch::Waiting => actions.push(Action::Take(replica, batch)),
                    Batch::Unknown if may_repeat => actions.push(Action::Take(replica, batch)),
                    Batch::Unknown | Batch::At(_) | Batch::Acknowledged | Batch::Refused => {}
                }
            }
        }
        Work::Committing(_) => {}
        Work::Unknown(_) => {
            actions.push(Action::LookUp(replica));
            if world.left.give_ups > 0 {
                actions.push(Action::GiveUp(replica));
            }
        }
    }
    let has_something = world.replicas[replica.0].memory.is_some();
    if world.left.kills > 0 && has_something {
        actions.push(Action::Kill(replica));
    }
}

fn takes_effect_once(_: &Protocol, world: &World) -> bool {
    (0..BATCHES).map(BatchNumber).all(|batch| world.log.iter().filter(|entry| entry.batch == batch).count() <= 1)
}

fn is_chain(_: &Protocol, world: &World) -> bool {
    let mut before = EntryId::Genesis(world.tenant);
    world.log.iter().zip(1..).all(|(entry, seq)| {
        let follows = entry.seq == seq && entry.prev == before;
        before = entry.id;
        follows
    })
}

fn memory_was_committed(_: &Protocol, world: &World) -> bool {
    let memories = world.replicas.iter().filter_map(|replica| replica.memory.as_ref());
    memories.flat_map(|memory| &memory.entries).all(|entry| world.ever.contains(&entry.id))
}
