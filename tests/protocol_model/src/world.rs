//! What there is: the database with its log, the replicas with their memory, the callers with their batches.

/// How many servers there are.
pub const REPLICAS: usize = 3;
/// How many batches of calls are made, each by a caller of its own.
pub const BATCHES: usize = 3;

/// Which replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplicaNumber(pub usize);

/// Which batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchNumber(pub usize);

impl BatchNumber {
    /// Whether its calls have request ids: then its caller repeats it where it does not know what became of it.
    pub fn has_request_ids(self) -> bool {
        self.0 > 0
    }
}

/// Whose workspace it is that the database has under the number: the first one's, or that of one made later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tenant {
    /// The one whose calls the model makes.
    First,
    /// Another, made after a restore of a copy that is older than the first.
    Later,
}

/// The identity of an entry: random in the product, here by its making.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryId {
    /// The entry that a workspace begins with.
    Genesis(Tenant),
    /// A plan: the batch, and how many plans were made for it before.
    Plan(BatchNumber, u8),
}

/// One entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry {
    /// Its number, from 1.
    pub seq: usize,
    /// Its identity.
    pub id: EntryId,
    /// The identity of the one before.
    pub prev: EntryId,
    /// The batch whose effects it has.
    pub batch: BatchNumber,
}

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// It stands.
    Ok,
    /// Another was first.
    Lost,
    /// The predecessor is not in the log, or a row is there already.
    Diverged,
}

/// How far a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// On its way.
    Sent,
    /// It has compared, and will append.
    Compared,
    /// It has ended; the answer is on its way.
    Ended(Outcome),
}

/// A commit at the database; `heard` says that its replica waits for the answer still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Statement {
    /// Who sent it.
    pub replica: ReplicaNumber,
    /// What it appends.
    pub entry: Entry,
    /// How far it is.
    pub stage: Stage,
    /// Whether anybody waits for the answer.
    pub heard: bool,
    /// Whether the entry was sent before: then «lost» may mean that the first one came through.
    pub again: bool,
}

/// What a replica is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Work {
    /// Nothing.
    Idle,
    /// It waits for the answer to a commit.
    Committing(Entry),
    /// Nobody told what became of the commit.
    Unknown(Entry),
}

/// A workspace's state as a replica holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Memory {
    /// The genesis that it was loaded with.
    pub genesis: Tenant,
    /// The entries that it holds.
    pub entries: Vec<Entry>,
}

impl Memory {
    /// The identity of its newest entry.
    pub fn head(&self) -> EntryId {
        self.entries.last().map_or(EntryId::Genesis(self.genesis), |entry| entry.id)
    }

    /// The number of its newest entry; 0 where it has none.
    pub fn seq(&self) -> usize {
        self.entries.last().map_or(0, |entry| entry.seq)
    }
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Replica {
    /// Its state; None where it has none.
    pub memory: Option<Memory>,
    /// The batches that it applied itself: all that it knows of request ids where they are not stored.
    pub applied: Vec<BatchNumber>,
    /// What it is at.
    pub work: Work,
}

/// What a caller knows of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Batch {
    /// Nothing was sent yet.
    Waiting,
    /// A replica has it.
    At(ReplicaNumber),
    /// It was told that it took effect.
    Acknowledged,
    /// It does not know what became of it.
    Unknown,
    /// It was told that the workspace is gone.
    Refused,
}

/// How much may go wrong still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// A replica is killed.
    pub kills: u8,
    /// A connection breaks: what was sent may arrive or not, and late.
    pub cuts: u8,
    /// The database is killed: what was not committed is gone.
    pub crashes: u8,
    /// A failover or a restore: the newest entries are gone.
    pub losses: u8,
    /// A restore to before the workspace was made, and another of its name is made.
    pub recreations: u8,
    /// A replica does not find out in time what became of a commit.
    pub give_ups: u8,
    /// A caller repeats a batch.
    pub repeats: u8,
}

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// Whose log it is.
    pub tenant: Tenant,
    /// The log without its genesis.
    pub log: Vec<Entry>,
    /// What the database is at, in a fixed order.
    pub statements: Vec<Statement>,
    /// The servers.
    pub replicas: [Replica; REPLICAS],
    /// The callers.
    pub batches: [Batch; BATCHES],
    /// How many plans were made for each batch.
    pub plans: [u8; BATCHES],
    /// Every entry that ever stood, in a fixed order.
    pub ever: Vec<EntryId>,
    /// Somebody was told of an entry that did not stand.
    pub told_falsely: bool,
    /// What may go wrong still.
    pub left: Faults,
}

impl World {
    /// The beginning.
    pub fn new(left: Faults) -> Self {
        let replica = Replica { memory: None, applied: Vec::new(), work: Work::Idle };
        Self {
            tenant: Tenant::First,
            log: Vec::new(),
            statements: Vec::new(),
            replicas: [replica.clone(), replica.clone(), replica],
            batches: [Batch::Waiting; BATCHES],
            plans: [0; BATCHES],
            ever: Vec::new(),
            told_falsely: false,
            left,
        }
    }

    /// Puts everything into a fixed order, so that states that differ in names only are one: replicas are alike.
    pub(crate) fn settle(&mut self) {
        // Answers that nobody waits for are nothing.
        self.statements.retain(|one| one.heard || !matches!(one.stage, Stage::Ended(_)));
        let mut order: [usize; REPLICAS] = std::array::from_fn(|number| number);
        order.sort_by(|one, other| self.replicas[*one].cmp(&self.replicas[*other]));
        let mut named = [ReplicaNumber(0); REPLICAS];
        for (new, old) in order.into_iter().enumerate() {
            named[old] = ReplicaNumber(new);
        }
        self.replicas.sort();
        for batch in &mut self.batches {
            if let Batch::At(replica) = batch {
                *replica = named[replica.0];
            }
        }
        for statement in &mut self.statements {
            statement.replica = if statement.heard { named[statement.replica.0] } else { ReplicaNumber(0) };
        }
        self.statements.sort_unstable();
    }

    /// The identity of the log's newest entry.
    pub fn head(&self) -> EntryId {
        self.log.last().map_or(EntryId::Genesis(self.tenant), |entry| entry.id)
    }
}
