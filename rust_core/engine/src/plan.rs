//! What a batch of calls would do: answers, effects, and the log entry that holds them.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::answer::Resolution;
use crate::fault::Fault;
use crate::ids::{Day, EntryId, Micros, PolicyRevision, Position, Seq, Serial};
use crate::keyed::digest::Digest;
use crate::keyed::state_hash::StateHash;
use crate::policy::Policy;

/// What a call comes to.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// An answer.
    Resolution(Resolution),
    /// A refusal; nothing changed.
    Fault(Fault),
    /// The call repeats an accepted one: answer what was recorded (rule C7).
    Repeat(Digest),
}

/// Profiles of a call: seldom more than two.
pub type Serials = SmallVec<[Serial; 4]>;

/// One decided call of a batch.
#[derive(Clone, Debug)]
pub struct Decided {
    /// What the call comes to.
    pub verdict: Verdict,
    /// Profiles whose history gets an entry, the resolved one first.
    pub touched: Serials,
    /// Whether the call has any effect.
    pub writes: bool,
}

/// An identifier that a profile gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The keyed digest.
    pub digest: Digest,
    /// The profile that gets it.
    pub serial: Serial,
    /// The identifier type.
    pub type_name: Arc<str>,
    /// Event time of the call that added it.
    pub add_time: Micros,
    /// The day it was last seen.
    pub seen_day: Day,
    /// The value after C1, where that is another one.
    pub changed: Option<Box<str>>,
    /// The value as sent.
    pub raw: Box<str>,
    /// Whether no other profile may hold it.
    pub exclusive: bool,
}

impl Attachment {
    /// The value after C1.
    #[must_use]
    pub fn normalized(&self) -> &str {
        self.changed.as_deref().unwrap_or(&self.raw)
    }
}

/// One effect on the state, as a post-image.
#[derive(Clone, Debug)]
pub enum Effect {
    /// A profile is made.
    CreateProfile {
        /// Its number.
        serial: Serial,
        /// Event time of the call that made it.
        create_time: Micros,
        /// The profile that a linked profile came from.
        source: Option<Serial>,
        /// Merges taken over by an import.
        merges: u32,
    },
    /// A profile gets an identifier.
    Attach(Attachment),
    /// A profile loses an identifier.
    Detach {
        /// The identifier.
        digest: Digest,
        /// The profile.
        serial: Serial,
        /// As it was attached.
        exclusive: bool,
    },
    /// An identifier is seen on a later day.
    Seen {
        /// The identifier.
        digest: Digest,
        /// The profile.
        serial: Serial,
        /// The day.
        day: Day,
        /// As it was attached.
        exclusive: bool,
    },
    /// A profile is joined into another.
    Merge {
        /// The profile that is joined.
        loser: Serial,
        /// The profile that stays.
        survivor: Serial,
        /// The survivor's merges afterwards.
        merges: u32,
    },
    /// A trait is set or removed.
    SetTrait {
        /// The profile.
        serial: Serial,
        /// The trait's name.
        name: String,
        /// The encoded value; `None` removes.
        value: Option<Vec<u8>>,
        /// Event time.
        time: Micros,
        /// The place of the call within the commit.
        position: Position,
    },
    /// An event is stored.
    StoreEvent {
        /// The profile; `None` for an unresolved event.
        serial: Option<Serial>,
        /// Event time.
        time: Micros,
        /// The place of the call within the commit.
        position: Position,
        /// The encoded event.
        record: Vec<u8>,
    },
    /// A request or message id is used up.
    UseRequest {
        /// Digest of the id.
        digest: Digest,
        /// Digest of the call's content.
        fingerprint: Digest,
        /// The place of the call within the commit.
        position: Position,
    },
    /// The policy changes.
    ChangePolicy {
        /// Its number.
        revision: PolicyRevision,
        /// The policy, compiled.
        policy: Arc<Policy>,
        /// The policy, encoded.
        encoded: Vec<u8>,
    },
}

/// The log entry of a plan.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number.
    pub seq: Seq,
    /// Its identity.
    pub id: EntryId,
    /// The identity of its predecessor.
    pub prev: EntryId,
    /// The policy in force after it.
    pub policy_revision: PolicyRevision,
    /// When it is committed; always later than its predecessor.
    pub commit_time: Micros,
    /// The state after it.
    pub state_hash: StateHash,
}

/// What a batch of calls would do. Deciding changes nothing; applying the plan does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The log entry, if there are effects.
    pub entry: Entry,
    /// The effects, in order.
    pub effects: Vec<Effect>,
    /// One decision a call, in order.
    pub decided: Vec<Decided>,
}
