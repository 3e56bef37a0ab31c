//! The test kit of the rules: a small workspace in memory, random policies and calls of few values, so that merges,
//! demotions, guards and stealing happen all the time, and a view of what is stored that knows no index.

pub(crate) mod calls;
pub(crate) mod dump;
pub(crate) mod histories;
pub(crate) mod merging;
pub(crate) mod naive;
pub(crate) mod policies;
pub(crate) mod view;

use std::sync::Arc;

use proptest::test_runner::{Config, TestCaseError, TestCaseResult};

use crate::answer::Resolution;
use crate::answer::outcome::Outcome;
use crate::call::Call;
use crate::decide::{decide, decide_policy};
use crate::decider::asked::{self, Usable};
use crate::decider::{Encoder, StoredEvent};
use crate::fault::{Fault, Reason};
use crate::ids::{EntryId, Micros, PolicyRevision, ProfileId, Seq, Serial};
use crate::keyed::permutation::Permutation;
use crate::plan::{Effect, Plan, Verdict};
use crate::policy::Policy;
use crate::policy::spec::PolicySpec;
use crate::rules::common::{c11_time, prepare};
use crate::state::{Head, State, invariants};
use view::View;

/// The time around which all calls lie.
pub(crate) const START_US: i64 = 1_800_000_000_000_000;
/// The clock is so much later: nearly all calls tell of the past (rule C11).
pub(crate) const CLOCK_US: i64 = START_US + 45 * Micros::DAY_US;
pub(crate) const DIGEST_KEY: [u8; 16] = [1; 16];
pub(crate) const ID_KEY: [u8; 16] = [2; 16];

/// How many random cases a property gets: histories are long, so few of them see much.
pub(crate) fn cases(cases: u32) -> Config {
    Config { failure_persistence: None, ..Config::with_cases(cases) }
}

/// The public id that a profile will have in every test's workspace.
pub(crate) fn id_of(serial: u32) -> ProfileId {
    Permutation::new(&ID_KEY).id_of(Serial(serial))
}

/// Stores what a test wants to read again: who sent what, and what was demoted.
pub(crate) struct Readable;

impl Encoder for Readable {
    fn event(&self, event: &StoredEvent<'_>) -> Vec<u8> {
        let call = event.call;
        let demoted: Vec<_> = event.demoted.iter().map(|one| (one.index, one.reason)).collect();
        format!("{} {:?} {:?}", call.event.name, event.identifiers, demoted).into_bytes()
    }
}

/// One call that was run, with what was stored before and after it.
pub(crate) struct Step<'a> {
    pub before: &'a View,
    pub policy: &'a Policy,
    pub call: &'a Call<'a>,
    pub verdict: &'a Verdict,
    pub effects: &'a [Effect],
    pub after: &'a View,
    pub world: &'a World,
}

impl Step<'_> {
    /// The answer, if the call was accepted.
    pub fn answer(&self) -> Option<&Resolution> {
        answer(self.verdict)
    }

    /// Why the call was refused, if it was.
    pub fn reason(&self) -> Option<Reason> {
        reason(self.verdict)
    }

    /// The serial behind the answer's profile.
    pub fn serial(&self) -> Option<Serial> {
        self.answer()?.profile.and_then(|id| self.world.state.serial_of(id))
    }

    /// The event time of a call that was committed, as the rules see it.
    pub fn time(&self) -> Micros {
        c11_time::taken(self.policy, self.call.event_time, self.world.state.head.commit_time).time
    }

    /// The call's identifiers that take part, with their places; none where the call's own fields are refused.
    pub fn usable(&self) -> Vec<(usize, Usable<'_>)> {
        usable(self.policy, self.call, &self.world.state)
    }
}

pub(crate) fn answer(verdict: &Verdict) -> Option<&Resolution> {
    match verdict {
        Verdict::Resolution(resolution) => Some(resolution),
        Verdict::Fault(_) | Verdict::Repeat(_) => None,
    }
}

pub(crate) fn reason(verdict: &Verdict) -> Option<Reason> {
    match verdict {
        Verdict::Fault(fault) => Some(fault.reason),
        Verdict::Resolution(_) | Verdict::Repeat(_) => None,
    }
}

/// A call's identifiers after C1 to C6, each with its place; none where C2 or C4 refuse the call.
pub(crate) fn usable<'c>(policy: &'c Policy, call: &'c Call<'c>, state: &State) -> Vec<(usize, Usable<'c>)> {
    let mut asked = Vec::new();
    // After a refusal there are none.
    let _ = prepare::prepare_into(policy, &call.identifiers, &state.digester, &mut asked);
    asked::usable(&asked).map(|(index, one)| (index, one.clone())).collect()
}

/// Borrows what [`usable`] made, in the form that the rules take.
pub(crate) fn borrowed<'a, 'c>(usable: &'a [(usize, Usable<'c>)]) -> Vec<(usize, &'a Usable<'c>)> {
    usable.iter().map(|(index, one)| (*index, one)).collect()
}

pub(crate) fn compiled(spec: &PolicySpec) -> Arc<Policy> {
    Arc::new(Policy::compile(spec).expect("a good policy").0)
}

/// A workspace in memory whose plans are committed at once.
#[derive(Clone)]
pub(crate) struct World {
    pub state: State,
    /// What the effects made, told without the engine's index.
    pub view: View,
    /// Everything that was committed.
    pub log: Vec<Plan>,
    policy: Arc<Policy>,
    /// The clock's lead over one second a commit.
    pub lead_us: i64,
}

impl World {
    pub fn new(spec: &PolicySpec) -> Self {
        let policy = compiled(spec);
        let head = Head { seq: Seq(0), id: EntryId([0; 16]), commit_time: Micros(START_US) };
        let first = (PolicyRevision(1), Arc::clone(&policy), Vec::new());
        let state = State::empty(&DIGEST_KEY, &ID_KEY, first, head);
        Self { state, view: View::default(), log: Vec::new(), policy, lead_us: 0 }
    }

    /// An empty workspace whose policy was this one's first.
    pub fn fresh(&self) -> State {
        let head = Head { seq: Seq(0), id: EntryId([0; 16]), commit_time: Micros(START_US) };
        let first = (PolicyRevision(1), Arc::clone(&self.policy), Vec::new());
        State::empty(&DIGEST_KEY, &ID_KEY, first, head)
    }

    /// Time and identity of the next entry; the same however often asked.
    pub fn next(&self) -> (Micros, EntryId) {
        let seq = self.state.head.seq.0 + 1;
        let now = CLOCK_US + i64::try_from(seq).unwrap_or(i64::MAX) * 1_000_000 + self.lead_us;
        (Micros(now), EntryId(u128::from(seq).to_be_bytes()))
    }

    /// Decides calls as one batch; nothing is committed.
    pub fn plan(&mut self, calls: &[Call<'_>]) -> Plan {
        let submissions: Vec<Result<Call<'_>, Fault>> = calls.iter().cloned().map(Ok).collect();
        let next = self.next();
        decide(&mut self.state, &submissions, next, &Readable)
    }

    /// Decides one call; nothing is committed.
    pub fn tell(&mut self, call: &Call) -> Verdict {
        self.plan(std::slice::from_ref(call)).decided.remove(0).verdict
    }

    /// Takes a plan in. A plan without effects leaves no entry.
    pub fn commit(&mut self, plan: Plan) {
        if plan.effects.is_empty() {
            return;
        }
        self.state.commit_own(&plan.entry, &plan.effects).expect("an own plan applies");
        assert_eq!(invariants::check(&self.state), Vec::<String>::new());
        // A few rows each time, so that a round lasts over many commits.
        assert_eq!(self.state.scrub(3).finding, None);
        self.view.take(&plan.entry, &plan.effects);
        self.log.push(plan);
    }

    /// Decides and commits one call.
    pub fn run(&mut self, call: &Call) -> Verdict {
        let plan = self.plan(std::slice::from_ref(call));
        let verdict = plan.decided[0].verdict.clone();
        self.commit(plan);
        verdict
    }

    /// Runs calls one after another, whatever comes of them.
    pub fn run_all(&mut self, calls: &[Call<'_>]) {
        for call in calls {
            self.run(call);
        }
    }

    /// Runs a call that must be accepted.
    pub fn accept(&mut self, call: &Call) -> Resolution {
        match self.run(call) {
            Verdict::Resolution(resolution) => resolution,
            Verdict::Fault(fault) => panic!("refused: {fault:?}"),
            Verdict::Repeat(_) => panic!("repeated"),
        }
    }

    /// Runs a call that must be accepted, and answers the number of its profile.
    pub fn serial(&mut self, call: &Call) -> u32 {
        let profile = self.accept(call).profile.expect("a profile");
        self.state.serial_of(profile).expect("its own id").0
    }

    /// Runs a call that must be refused.
    pub fn refuse(&mut self, call: &Call) -> Reason {
        reason(&self.run(call)).expect("a refusal")
    }

    /// Puts another policy in force.
    pub fn change_policy(&mut self, spec: &PolicySpec) {
        let plan = self.try_policy(spec).expect("a lawful change");
        self.commit(plan);
    }

    /// Plans another policy, or says why stored data forbids it; nothing is committed.
    pub fn try_policy(&self, spec: &PolicySpec) -> Result<Plan, Fault> {
        let policies =
            self.log.iter().flat_map(|plan| &plan.effects).filter_map(|effect| {
                if let Effect::ChangePolicy { policy, .. } = effect { Some(policy) } else { None }
            });
        let mut policies: Vec<Policy> =
            std::iter::once(&self.policy).chain(policies).map(|one| (**one).clone()).collect();
        // The last one is in force.
        policies.pop();
        policies.reverse();
        decide_policy(&self.state, (compiled(spec), Vec::new()), &policies, self.next())
    }

    /// Runs calls one after another and shows each with what it found and left.
    pub fn watch(&mut self, calls: &[Call<'_>], mut look: impl FnMut(&Step<'_>) -> TestCaseResult) -> TestCaseResult {
        for call in calls {
            let (before, policy) = (self.view.clone(), Arc::clone(&self.state.policy));
            let plan = self.plan(std::slice::from_ref(call));
            let (verdict, effects) = (plan.decided[0].verdict.clone(), plan.effects.clone());
            self.commit(plan);
            let (after, world, policy) = (&self.view, &*self, &*policy);
            let (before, verdict, effects) = (&before, &verdict, &effects[..]);
            look(&Step { before, policy, call, verdict, effects, after, world })?;
        }
        Ok(())
    }
}

/// Fails a property with what was wanted.
pub(crate) fn fail(why: impl Into<String>) -> TestCaseError {
    TestCaseError::fail(why.into())
}

/// Whether an answer made a profile.
pub(crate) fn created(resolution: &Resolution) -> bool {
    resolution.outcome == Outcome::Created
}
