//! A state under decision: what the rules are given. Rules apply effects through `Decider::emit` and see them at
//! once; whoever decides takes them back by the journal of what each of them changed (`Undo`).

pub mod asked;
mod context;

use crate::answer::outcome::Demotion;
use crate::call::Call;
use crate::ids::{EntryId, Micros, Seq, Serial};
use crate::keyed::digest::Digest;
use crate::keyed::state_hash::StateHash;
use crate::plan::{Decided, Effect, Entry, Plan, Verdict};
use crate::state::{At, State, Undo};

pub(crate) use context::{Context, Decision};

/// What is stored of a Track call; the codec turns it into bytes.
#[derive(Debug)]
pub struct StoredEvent<'a> {
    /// The call.
    pub call: &'a Call<'a>,
    /// The time that was taken as its event time.
    pub time: Micros,
    /// The event time as sent, where that was too far ahead (rule C11).
    pub time_sent: Option<Micros>,
    /// Which of the call's identifiers it carried, each once.
    pub identifiers: Vec<usize>,
    /// What was demoted, and why (rule M7).
    pub demoted: &'a [Demotion],
}

/// Encodes what the engine stores but never reads.
pub trait Encoder {
    /// The bytes of an event as it is stored.
    fn event(&self, event: &StoredEvent<'_>) -> Vec<u8>;
}

/// A state under decision.
pub(crate) struct Decider<'s> {
    pub state: &'s mut State,
    pub at: At,
    pub encoder: &'s dyn Encoder,
    journal: Vec<Undo>,
    effects: Vec<Effect>,
    /// The state's hash before the first effect.
    hash: StateHash,
}

/// A place among the effects to return to.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    effects: usize,
    hash: StateHash,
}

/// About how many effects a call has.
const USUAL_EFFECTS: usize = 2;

impl<'s> Decider<'s> {
    /// A state under decision; so many calls are going to be decided.
    pub fn new(state: &'s mut State, calls: usize, now: Micros, encoder: &'s dyn Encoder) -> Self {
        let seq = Seq(state.head.seq.0 + 1);
        // Commit times rise with the log whatever the clocks of the replicas say (rule C8).
        let commit_time = Micros(now.0.max(state.head.commit_time.0 + 1));
        // A call by itself is often one that changes nothing.
        let usual = calls.saturating_sub(1) * USUAL_EFFECTS;
        Self {
            hash: state.hash,
            state,
            at: At { seq, commit_time },
            encoder,
            journal: Vec::with_capacity(usual),
            effects: Vec::with_capacity(usual),
        }
    }

    /// Applies an effect and notes it.
    pub fn emit(&mut self, effect: Effect) {
        self.journal.push(self.state.apply(&effect, self.at));
        self.effects.push(effect);
    }

    /// The value as sent of an identifier that a profile got in this very plan.
    pub fn raw_of(&self, digest: Digest, serial: Serial) -> Option<&str> {
        self.effects.iter().rev().find_map(|effect| {
            let Effect::Attach(one) = effect else { return None };
            (one.digest == digest && one.serial == serial).then_some(&*one.raw)
        })
    }

    /// Where the effects end; `roll_back` returns to it.
    pub fn mark(&self) -> Mark {
        Mark { effects: self.effects.len(), hash: self.state.hash }
    }

    /// The effects since a mark.
    pub fn effects_since(&self, mark: Mark) -> &[Effect] {
        &self.effects[mark.effects..]
    }

    /// Takes back everything since a mark.
    pub fn roll_back(&mut self, mark: Mark) {
        self.take_back(mark.effects, mark.hash);
        self.effects.truncate(mark.effects);
    }

    fn take_back(&mut self, until: usize, hash: StateHash) {
        for undo in self.journal.drain(until..).rev() {
            self.state.undo(undo);
        }
        self.state.hash = hash;
    }

    /// Takes everything back and puts the plan together.
    pub fn finish(mut self, id: EntryId, mut decided: Vec<Decided>) -> Plan {
        let state_hash = self.state.hash;
        let policy_revision = self.state.policy_revision;
        let effects = std::mem::take(&mut self.effects);
        self.take_back(0, self.hash);
        let head = self.state.head;
        if !effects.is_empty() {
            for one in &mut decided {
                if let Verdict::Resolution(resolution) = &mut one.verdict {
                    resolution.revision = (self.at.seq, id);
                }
            }
        }
        let At { seq, commit_time } = self.at;
        let entry = Entry { seq, id, prev: head.id, policy_revision, commit_time, state_hash };
        Plan { entry, effects, decided }
    }
}
