//! What protects the protocol from one kind of fault each.

/// One of the protocol's safeguards; the model does without it where a test says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Safeguard {
    /// An entry is appended only where its predecessor stands.
    PredecessorCompared,
    /// The predecessor is compared by identity, not by its number alone.
    PredecessorIdentity,
    /// Writers queue on the workspace's row, so that nothing comes between comparing and appending.
    RowLocked,
    /// Callers are answered after the commit.
    AnswerAfterCommit,
    /// Memory follows the commit, and never leads it.
    ApplyAfterCommit,
    /// A commit whose outcome nobody told is not taken for one that stands.
    NotGuessedCommitted,
    /// Nor for one that was lost.
    NotGuessedLost,
    /// Who stands at the entry's place is compared by identity.
    LookUpByIdentity,
    /// What is sent again is the same entry.
    SameEntryAgain,
    /// Request ids are stored in the transaction of their call, so that every replica knows them.
    RequestIdsStored,
    /// An answer that writes nothing is given once the head was confirmed.
    HeadConfirmed,
    /// A load proves that the workspace is the one that was meant, by its genesis.
    GenesisProven,
}

/// All of them.
pub const SAFEGUARDS: [Safeguard; 12] = [
    Safeguard::PredecessorCompared,
    Safeguard::PredecessorIdentity,
    Safeguard::RowLocked,
    Safeguard::AnswerAfterCommit,
    Safeguard::ApplyAfterCommit,
    Safeguard::NotGuessedCommitted,
    Safeguard::NotGuessedLost,
    Safeguard::LookUpByIdentity,
    Safeguard::SameEntryAgain,
    Safeguard::RequestIdsStored,
    Safeguard::HeadConfirmed,
    Safeguard::GenesisProven,
];
