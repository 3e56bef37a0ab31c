//! Deciding a batch: each call sees the effects of the ones before it, and at the end the state is as it was.
//!
//! A rule's effect is applied at once and noted in a journal; a refused call, a dry run and in the end the whole
//! batch are taken back by the journal. So there is one state, one way to change it, and no overlay to keep true.

use crate::call::{Call, CallKind};
use crate::explain::{Explanation, Round, RuleId};
use crate::fault::Fault;
use crate::ids::{EntryId, Micros, Position, Seq, Serial};
use crate::plan::{Decided, Demotion, Effect, Entry, Outcome, Plan, Resolution, Verdict};
use crate::policy::Strategy;
use crate::rules;
use crate::state::{At, State, Undo};

/// A decoded call, or why it could not be taken.
pub type Submission = Result<Call, Fault>;

/// What is stored of a Track call; the codec turns it into bytes.
#[derive(Debug)]
pub struct StoredEvent<'a> {
    /// The call.
    pub call: &'a Call,
    /// Its event time.
    pub time: Micros,
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

/// Decides calls on a state, which is left as it was.
///
/// `now` is the caller's one clock reading, `id` the fresh identity of the log entry.
pub fn decide<'c>(
    state: &mut State,
    calls: impl IntoIterator<Item = &'c Submission>,
    (now, id): (Micros, EntryId),
    encoder: &dyn Encoder,
) -> Plan {
    let mut run = Decider::new(state, now, encoder);
    let (mut decided, mut kinds) = (Vec::new(), Vec::new());
    for (place, submission) in calls.into_iter().enumerate() {
        let position = Position(u32::try_from(place).unwrap_or(u32::MAX));
        match submission {
            Ok(call) => {
                kinds.push(call.kind);
                let one = run.decide_call(call, position, &decided);
                decided.push(one);
            }
            Err(fault) => {
                kinds.push(CallKind::Search);
                decided.push(refused(fault.clone()));
            }
        }
    }
    run.finish(id, decided, kinds)
}

pub(crate) fn refused(fault: Fault) -> Decided {
    Decided { verdict: Verdict::Fault(fault), touched: Vec::new(), writes: false }
}

/// A state under decision.
pub(crate) struct Decider<'s> {
    pub state: &'s mut State,
    pub at: At,
    pub encoder: &'s dyn Encoder,
    journal: Vec<Undo>,
    effects: Vec<Effect>,
}

/// One call under decision.
pub(crate) struct Context<'c> {
    pub call: &'c Call,
    /// Event time, else now.
    pub time: Micros,
    pub position: Position,
    /// The trace, kept only where the call asks why.
    pub rounds: Option<Vec<Round>>,
    pub warnings: Vec<String>,
}

impl Context<'_> {
    /// Adds a round to the trace, which costs nothing where nobody asks.
    pub fn trace(&mut self, round: impl FnOnce() -> Round) {
        if let Some(rounds) = &mut self.rounds {
            rounds.push(round());
        }
    }
}

/// What a rule decided; the parent turns it into a resolution.
#[derive(Debug)]
pub(crate) struct Decision {
    pub serial: Option<Serial>,
    pub outcome: Outcome,
    pub merged: Vec<Serial>,
    pub identifiers: Vec<crate::plan::IdentifierResult>,
    pub demoted: Vec<Demotion>,
    pub changes: Vec<crate::plan::ChangedProfile>,
    pub decided_by: RuleId,
    /// Other profiles whose history gets an entry.
    pub also_touched: Vec<Serial>,
}

impl<'s> Decider<'s> {
    pub fn new(state: &'s mut State, now: Micros, encoder: &'s dyn Encoder) -> Self {
        let seq = Seq(state.head.seq.0 + 1);
        // Commit times rise with the log whatever the clocks of the replicas say (rule C8).
        let commit_time = Micros(now.0.max(state.head.commit_time.0 + 1));
        Self { state, at: At { seq, commit_time }, encoder, journal: Vec::new(), effects: Vec::new() }
    }

    /// Applies an effect and notes it.
    pub fn emit(&mut self, effect: Effect) {
        self.journal.push(self.state.apply(&effect, self.at));
        self.effects.push(effect);
    }

    fn mark(&self) -> usize {
        self.effects.len()
    }

    fn effects_since(&self, mark: usize) -> &[Effect] {
        &self.effects[mark..]
    }

    fn roll_back(&mut self, mark: usize) {
        while self.journal.len() > mark {
            if let Some(undo) = self.journal.pop() {
                self.state.undo(undo);
            }
        }
        self.effects.truncate(mark);
    }

    fn decide_call(&mut self, call: &Call, position: Position, earlier: &[Decided]) -> Decided {
        let fingerprint = match rules::c7_once::check(self, call, earlier) {
            Ok(rules::c7_once::Once::New(fingerprint)) => fingerprint,
            Ok(rules::c7_once::Once::Repeated(verdict)) => {
                return Decided { verdict, touched: Vec::new(), writes: false };
            }
            Err(fault) => return refused(fault),
        };
        let mark = self.mark();
        let mut context = Context {
            call,
            time: call.event_time.unwrap_or(self.at.commit_time),
            position,
            rounds: call.explain.then(Vec::new),
            warnings: Vec::new(),
        };
        match self.resolve(&mut context) {
            Ok(decision) => self.conclude(context, &decision, fingerprint, mark),
            Err(fault) => {
                self.roll_back(mark);
                refused(fault)
            }
        }
    }

    fn resolve(&mut self, context: &mut Context<'_>) -> Result<Decision, Fault> {
        match self.state.policy.strategy() {
            Strategy::Merge { .. } => rules::merge::resolve(self, context),
            Strategy::Isolation { .. } => rules::isolation::resolve(self, context),
        }
    }

    fn conclude(
        &mut self,
        mut context: Context<'_>,
        decision: &Decision,
        fingerprint: Option<rules::c7_once::Fingerprint>,
        mark: usize,
    ) -> Decided {
        let mut resolution = self.resolution_of(&mut context, decision);
        let touched = self.touched(decision, mark);
        if rules::c9_dry_run::is_dry(&context) {
            self.roll_back(mark);
            rules::c9_dry_run::forget_created(&mut resolution);
        } else if let Some(fingerprint) = fingerprint {
            rules::c7_once::remember(self, &fingerprint, context.position);
        }
        let writes = self.mark() > mark;
        Decided {
            verdict: Verdict::Resolution(Box::new(resolution)),
            touched: if writes { touched } else { Vec::new() },
            writes,
        }
    }

    fn touched(&self, decision: &Decision, mark: usize) -> Vec<Serial> {
        let deeds = self.effects_since(mark).iter();
        let nothing = deeds.filter(|effect| !matches!(effect, Effect::Seen { .. })).count() == 0;
        if nothing {
            return Vec::new();
        }
        let mut touched: Vec<Serial> = decision.serial.into_iter().collect();
        for serial in &decision.also_touched {
            if !touched.contains(serial) {
                touched.push(*serial);
            }
        }
        touched
    }

    fn resolution_of(&self, context: &mut Context<'_>, decision: &Decision) -> Resolution {
        let state = &*self.state;
        let rounds = context.rounds.take();
        Resolution {
            profile: decision.serial.map(|serial| state.id_of(serial)),
            outcome: decision.outcome,
            known: decision.serial.is_some_and(|serial| state.is_known(serial)),
            source: decision.serial.and_then(|serial| state.profiles.source(serial)).map(|serial| state.id_of(serial)),
            merged: decision.merged.iter().map(|&serial| state.id_of(serial)).collect(),
            identifiers: decision.identifiers.clone(),
            demoted: decision.demoted.clone(),
            changes: decision.changes.clone(),
            warnings: std::mem::take(&mut context.warnings),
            explanation: rounds.map(|rounds| Explanation { rounds, decided_by: decision.decided_by }),
            decided_by: decision.decided_by,
            policy_revision: state.policy_revision,
            revision: (state.head.seq, state.head.id),
        }
    }

    /// Takes everything back and puts the plan together.
    pub fn finish(mut self, id: EntryId, mut decided: Vec<Decided>, kinds: Vec<CallKind>) -> Plan {
        let state_hash = self.state.hash;
        let policy_revision = self.state.policy_revision;
        let effects = std::mem::take(&mut self.effects);
        while let Some(undo) = self.journal.pop() {
            self.state.undo(undo);
        }
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
        Plan { entry, effects, decided, kinds }
    }
}
