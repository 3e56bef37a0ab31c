//! The way in: deciding a batch of calls, an import, a change of the policy.
//!
//! In a batch each call sees the effects of the ones before it, and at the end the state is as it was.
//!
//! A rule's effect is applied at once and noted in a journal; a refused call, a dry run and in the end the whole
//! batch are taken back by the journal. So there is one state, one way to change it, and no overlay to keep true.

mod import;
mod policy_change;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::answer::explain::Explanation;
use crate::answer::{Resolution, Uncommon};
use crate::call::Call;
use crate::decider::asked::{self, Asked};
use crate::decider::{Context, Decider, Decision, Encoder, Mark};
use crate::fault::Fault;
use crate::ids::{EntryId, Micros, Position};
use crate::keyed::digest::{Digest, Digester};
use crate::plan::{Decided, Effect, Entry, Plan, Serials, Verdict};
use crate::policy::{Policy, Strategy};
use crate::rules::common::c11_time::{self, Taken};
use crate::rules::common::{c7_once, c9_dry_run, prepare};
use crate::rules::{isolation, merge};
use crate::state::{Diverged, Head, State, Undo};

pub use import::{Imported, decide_import};
pub use policy_change::{decide_policy, returning_types};

/// A decoded call, or why it could not be taken.
pub type Submission<'c> = Result<Call<'c>, Fault>;

/// Decides calls on a state, which is left as it was.
///
/// `now` is the caller's one clock reading, `id` the fresh identity of the log entry.
pub fn decide<'c>(
    state: &mut State,
    calls: impl IntoIterator<Item = &'c Submission<'c>>,
    (now, id): (Micros, EntryId),
    encoder: &dyn Encoder,
) -> Plan {
    let policy = Arc::clone(&state.policy);
    let calls: Vec<&Submission<'_>> = calls.into_iter().collect();
    let mut ready = Ready::new(&policy, &calls, &state.digester);
    // All look-ups of the batch wait for memory together, not one after the other.
    ready.read_ahead(state);
    let mut run = Decider::new(state, calls.len(), now, encoder);
    let mut decided = Vec::with_capacity(calls.len());
    for (place, submission) in calls.into_iter().enumerate() {
        let position = Position(u32::try_from(place).unwrap_or(u32::MAX));
        let one = match submission {
            Ok(call) => run.decide_call((call, &policy, ready.asked(place)), position, &decided),
            Err(fault) => refused(fault.clone()),
        };
        decided.push(one);
    }
    run.finish(id, decided)
}

/// Decides calls on the state that another plan of this state leads to; the state is left as it was, without either.
///
/// While the other plan is committed the next one can be made: it stands if the other one does, and is of no use else.
///
/// # Errors
///
/// The other plan was not made on this state.
pub fn decide_after<'c>(
    state: &mut State,
    (entry, effects): (&Entry, &[Effect]),
    calls: impl IntoIterator<Item = &'c Submission<'c>>,
    stamp: (Micros, EntryId),
    encoder: &dyn Encoder,
) -> Result<Plan, Diverged> {
    let (at, head, hash) = (state.next_at(entry)?, state.head, state.hash);
    let journal: Vec<Undo> = effects.iter().map(|effect| state.apply_unhashed(effect, at)).collect();
    state.head = Head { seq: entry.seq, id: entry.id, commit_time: entry.commit_time };
    // Making the other plan has hashed its rows.
    state.hash = entry.state_hash;
    let plan = decide(state, calls, stamp, encoder);
    state.head = head;
    for undo in journal.into_iter().rev() {
        state.undo(undo);
    }
    state.hash = hash;
    Ok(plan)
}

/// The identifiers of a whole batch after C1 to C6.
struct Ready<'c> {
    asked: Vec<Asked<'c>>,
    /// Where the identifiers of each call end among all, or why they are refused.
    ends: Vec<Result<usize, Fault>>,
}

impl<'c> Ready<'c> {
    fn new(policy: &'c Policy, calls: &[&'c Submission<'c>], digester: &Digester) -> Self {
        let usual = calls.len() * 4;
        let (mut asked, mut ends) = (Vec::with_capacity(usual), Vec::with_capacity(calls.len()));
        for submission in calls {
            let prepared = match submission {
                Ok(call) => prepare::prepare_into(policy, &call.identifiers, digester, &mut asked),
                Err(_) => Ok(()),
            };
            ends.push(prepared.map(|()| asked.len()));
        }
        Self { asked, ends }
    }

    /// Reads ahead what is going to be looked up.
    fn read_ahead(&mut self, state: &State) {
        let mut digests: Vec<Digest> = Vec::with_capacity(self.asked.len());
        digests.extend(asked::usable(&self.asked).map(|(_, usable)| usable.digest));
        asked::note_near(&mut self.asked, state.warm(&digests));
    }

    fn asked(&self, place: usize) -> Result<&[Asked<'c>], &Fault> {
        let end = *self.ends[place].as_ref()?;
        // A call that is refused adds nothing, so the nearest end before is where this one begins.
        let begin = self.ends[..place].iter().rev().find_map(|end| end.as_ref().ok()).copied().unwrap_or(0);
        Ok(&self.asked[begin..end])
    }
}

fn refused(fault: Fault) -> Decided {
    Decided { verdict: Verdict::Fault(fault), touched: Serials::new(), writes: false }
}

/// A call with the policy in force and its identifiers after C1 to C6.
type Given<'c> = (&'c Call<'c>, &'c Policy, Result<&'c [Asked<'c>], &'c Fault>);

impl Decider<'_> {
    fn decide_call(&mut self, (call, policy, asked): Given<'_>, position: Position, earlier: &[Decided]) -> Decided {
        let fingerprint = match c7_once::check(self, call, earlier) {
            Ok(c7_once::Once::New(fingerprint)) => fingerprint,
            Ok(c7_once::Once::Repeated(verdict)) => {
                return Decided { verdict: *verdict, touched: Serials::new(), writes: false };
            }
            Err(fault) => return refused(fault),
        };
        let mark = self.mark();
        let Taken { time, sent } = c11_time::taken(policy, call.event_time, self.at.commit_time);
        let mut context = Context {
            call,
            policy,
            asked,
            time,
            time_sent: sent,
            position,
            rounds: call.explain.then(Vec::new),
            warnings: Vec::new(),
            replaced: Vec::new(),
        };
        match self.resolve(&mut context) {
            Ok(decision) => self.conclude(&mut context, decision, fingerprint, mark),
            Err(fault) => {
                self.roll_back(mark);
                refused(fault)
            }
        }
    }

    fn resolve(&mut self, context: &mut Context<'_>) -> Result<Decision, Fault> {
        match self.state.policy.strategy() {
            Strategy::Merge { .. } => merge::resolve(self, context),
            Strategy::Isolation { .. } => isolation::resolve(self, context),
        }
    }

    fn conclude(
        &mut self,
        context: &mut Context<'_>,
        decision: Decision,
        fingerprint: Option<c7_once::Fingerprint>,
        mark: Mark,
    ) -> Decided {
        let touched = self.touched(&decision, mark);
        let mut resolution = self.resolution_of(context, decision);
        if c9_dry_run::is_dry(context) {
            self.roll_back(mark);
            c9_dry_run::forget_created(&mut resolution);
        } else if let Some(fingerprint) = fingerprint {
            c7_once::remember(self, &fingerprint, context.position);
        }
        let writes = !self.effects_since(mark).is_empty();
        Decided {
            verdict: Verdict::Resolution(resolution),
            touched: if writes { touched } else { Serials::new() },
            writes,
        }
    }

    fn touched(&self, decision: &Decision, mark: Mark) -> Serials {
        let mut deeds = self.effects_since(mark).iter();
        if deeds.all(|effect| matches!(effect, Effect::Seen { .. })) {
            return Serials::new();
        }
        let mut touched: Serials = decision.serial.into_iter().collect();
        for serial in &decision.also_touched {
            if !touched.contains(serial) {
                touched.push(*serial);
            }
        }
        touched
    }

    fn resolution_of(&self, context: &mut Context<'_>, decision: Decision) -> Resolution {
        let state = &*self.state;
        let rounds = context.rounds.take();
        Resolution {
            profile: decision.serial.map(|serial| state.id_of(serial)),
            outcome: decision.outcome,
            known: decision.serial.is_some_and(|serial| state.is_known(serial)),
            source: decision.serial.and_then(|serial| state.profiles.source(serial)).map(|serial| state.id_of(serial)),
            merged: decision.merged.iter().map(|&serial| state.id_of(serial)).collect(),
            identifiers: decision.identifiers,
            demoted: decision.demoted,
            changes: decision.changes,
            uncommon: uncommon(context),
            warnings: std::mem::take(&mut context.warnings),
            explanation: rounds.map(|rounds| Box::new(Explanation { rounds, decided_by: decision.decided_by })),
            decided_by: decision.decided_by,
            policy_revision: state.policy_revision,
            revision: (state.head.seq, state.head.id),
        }
    }
}

/// What few answers tell, where this one does.
fn uncommon(context: &mut Context<'_>) -> Option<Box<Uncommon>> {
    if context.replaced.is_empty() && context.time_sent.is_none() {
        return None;
    }
    let event_time_adjusted = context.time_sent.map(|_| context.time);
    Some(Box::new(Uncommon { replaced: std::mem::take(&mut context.replaced), event_time_adjusted }))
}
