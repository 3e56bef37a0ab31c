//! One call under decision, and what a rule decides about it.

use crate::answer::explain::{Round, RuleId};
use crate::answer::outcome::{ChangedProfile, Demotion, IdentifierResults, Outcome, Replaced};
use crate::call::Call;
use crate::decider::asked::Asked;
use crate::fault::Fault;
use crate::ids::{Micros, Position, Serial};
use crate::plan::Serials;
use crate::policy::Policy;

/// One call under decision.
pub(crate) struct Context<'c> {
    pub call: &'c Call<'c>,
    /// The policy in force.
    pub policy: &'c Policy,
    /// The call's identifiers after C1 to C6, or why they are refused.
    pub asked: Result<&'c [Asked<'c>], &'c Fault>,
    /// Event time, else now; of one too far ahead the commit time (rule C11).
    pub time: Micros,
    /// The event time as sent, where the commit time was taken instead.
    pub time_sent: Option<Micros>,
    pub position: Position,
    /// The trace, kept only where the call asks why.
    pub rounds: Option<Vec<Round>>,
    pub warnings: Vec<String>,
    /// Values that left the profile for the call's (rule I5).
    pub replaced: Vec<Replaced>,
}

impl<'c> Context<'c> {
    /// The call's identifiers after C1 to C6.
    pub fn asked(&self) -> Result<&'c [Asked<'c>], Fault> {
        self.asked.map_err(Clone::clone)
    }

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
    pub merged: Serials,
    pub identifiers: IdentifierResults,
    pub demoted: Vec<Demotion>,
    pub changes: Vec<ChangedProfile>,
    pub decided_by: RuleId,
    /// Other profiles whose history gets an entry.
    pub also_touched: Serials,
}
