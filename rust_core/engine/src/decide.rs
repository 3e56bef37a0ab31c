//! Deciding a batch: each call sees the effects of the ones before it, and at the end the state is as it was.
//!
//! A rule's effect is applied at once and noted in a journal; a refused call, a dry run and in the end the whole
//! batch are taken back by the journal. So there is one state, one way to change it, and no overlay to keep true.

use crate::call::Call;
use crate::decider::{Context, Decider, Decision, Encoder};
use crate::explain::Explanation;
use crate::fault::Fault;
use crate::ids::{EntryId, Micros, Position, Serial};
use crate::plan::{Decided, Effect, Plan, Resolution, Verdict};
use crate::policy::Strategy;
use crate::rules;
use crate::state::State;

/// A decoded call, or why it could not be taken.
pub type Submission = Result<Call, Fault>;

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
    let mut decided = Vec::new();
    for (place, submission) in calls.into_iter().enumerate() {
        let position = Position(u32::try_from(place).unwrap_or(u32::MAX));
        let one = match submission {
            Ok(call) => run.decide_call(call, position, &decided),
            Err(fault) => refused(fault.clone()),
        };
        decided.push(one);
    }
    run.finish(id, decided)
}

fn refused(fault: Fault) -> Decided {
    Decided { verdict: Verdict::Fault(fault), touched: Vec::new(), writes: false }
}

impl Decider<'_> {
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
}
