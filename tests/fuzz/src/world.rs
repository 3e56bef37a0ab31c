//! A small workspace that random calls were decided on, and all that it committed.

use std::borrow::Cow;

use prost::Message;
use prost_types::Value;
use prost_types::value::Kind;
use utterson_codec::encode::{self, EventEncoder};
use utterson_codec::policy;
use utterson_engine::call::{Call, CallKind, RawChange, RawEvent, RawIdentifier, RawTrait};
use utterson_engine::decide::{Submission, decide, decide_policy};
use utterson_engine::ids::{EntryId, Micros, PolicyRevision, ProfileId, Seq, Serial};
use utterson_engine::plan::{Effect, Entry, Plan};
use utterson_engine::policy::Policy;
use utterson_engine::state::{Head, State};

use crate::drawing::Draw;

/// The workspace's secrets.
pub const DIGEST_KEY: [u8; 16] = [1; 16];
/// The same.
pub const ID_KEY: [u8; 16] = [2; 16];
/// The time around which all calls lie.
const START_US: i64 = 1_800_000_000_000_000;
const HOUR_US: i64 = 3_600_000_000;

/// Types of both families' presets, and one that no policy lists.
const TYPES: [&str; 6] = ["customer_id", "user_id", "email", "idfv", "gaid", "other.type"];
/// So few values that they meet.
const VALUES: [&str; 6] = ["1", "2", "3", "4", "Ed@Hyde.example", "ß 7"];
const KINDS: [CallKind; 8] = [
    CallKind::Identify,
    CallKind::Identify,
    CallKind::Login,
    CallKind::Logout,
    CallKind::Track,
    CallKind::Track,
    CallKind::Modify,
    CallKind::Identify,
];
/// Presets of each family: a policy changes within its family only.
const FAMILIES: [&[&str]; 2] =
    [&["unify", "identity_graph_rules"], &["profile_isolation", "profile_link", "profile_conversion", "default"]];

/// One entry of the log.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Its row of the chain.
    pub entry: Entry,
    /// What became of things.
    pub effects: Vec<Effect>,
    /// The same as bytes.
    pub payload: Vec<u8>,
}

/// A workspace in memory.
#[derive(Clone, Debug)]
pub struct World {
    /// All of it.
    pub state: State,
    /// All that it committed.
    pub log: Vec<Committed>,
    presets: &'static [&'static str],
    first: &'static str,
}

/// A state that nothing was called on.
fn empty(preset: &str) -> State {
    let checked = policy::preset(preset).expect("a preset");
    let head = Head { seq: Seq(0), id: EntryId([0; 16]), commit_time: Micros(START_US) };
    State::empty(&DIGEST_KEY, &ID_KEY, (PolicyRevision(1), checked.policy, checked.encoded), head)
}

impl World {
    /// A workspace that some batches were committed on, at most so many.
    pub fn drawn(draw: &mut Draw<'_>, most: usize) -> Self {
        let presets = draw.pick(&FAMILIES);
        let first = draw.pick(presets);
        let mut world = Self { state: empty(first), log: Vec::new(), presets, first };
        for _ in 0..=draw.below(most) {
            world.step(draw);
        }
        world
    }

    /// The state before anything was committed.
    #[must_use]
    pub fn fresh(&self) -> State {
        empty(self.first)
    }

    /// Decides some calls or another policy, and commits what comes of it.
    pub fn step(&mut self, draw: &mut Draw<'_>) {
        let seq = self.state.head.seq.0 + 1;
        let hours = [0, 1, 23, 24, 25].map(|hours| hours * HOUR_US);
        let now = self.state.head.commit_time.0 + 1_000_000 + draw.pick(&hours);
        let stamp = (Micros(now), EntryId(u128::from(seq).to_be_bytes()));
        if draw.below(12) == 11 {
            self.change_policy(draw, stamp);
            return;
        }
        let calls: Vec<Submission<'_>> = (0..=draw.below(4)).map(|_| Ok(self.call(draw))).collect();
        let plan = decide(&mut self.state, &calls, stamp, &EventEncoder);
        let payload = encode::decided(&plan, &calls[..], &self.state.digester).payload;
        self.commit(plan, payload);
    }

    fn change_policy(&mut self, draw: &mut Draw<'_>, stamp: (Micros, EntryId)) {
        let checked = policy::preset(draw.pick(self.presets)).expect("a preset");
        let policies = self.log.iter().flat_map(|one| &one.effects);
        let earlier: Vec<Policy> = policies
            .filter_map(|effect| if let Effect::ChangePolicy { policy, .. } = effect { Some(&**policy) } else { None })
            .cloned()
            .collect();
        if let Ok(plan) = decide_policy(&self.state, (checked.policy, checked.encoded), &earlier, stamp) {
            let payload = encode::policy_change(&plan).payload;
            self.commit(plan, payload);
        }
    }

    fn commit(&mut self, plan: Plan, payload: Vec<u8>) {
        if plan.effects.is_empty() {
            return;
        }
        self.state.commit_own(&plan.entry, &plan.effects).expect("an own plan applies");
        self.log.push(Committed { entry: plan.entry, effects: plan.effects, payload });
    }

    fn call(&self, draw: &mut Draw<'_>) -> Call<'static> {
        let kind = draw.pick(&KINDS);
        let mut call = Call::new(kind);
        call.event_time = draw.flag().then(|| Micros(START_US + time(draw)));
        if draw.below(4) == 3 {
            call.request_id = Cow::Owned(format!("request {}", draw.below(4)));
        }
        if kind == CallKind::Modify {
            call.profile = self.profile(draw);
            call.changes = (0..=draw.below(3)).map(|_| change(draw)).collect();
            return call;
        }
        call.identifiers = (0..=draw.below(5)).map(|_| identifier(draw)).collect();
        call.previous_profile = draw.flag().then(|| self.profile(draw));
        match kind {
            CallKind::Track => {
                let message_id = if draw.flag() { format!("message {}", draw.below(4)) } else { String::new() };
                let name = format!("event {}", draw.below(4));
                call.event = RawEvent { name, properties: Vec::new(), message_id };
            }
            CallKind::Identify | CallKind::Login if draw.flag() => call.traits = vec![set_trait(draw)],
            CallKind::Identify
            | CallKind::Login
            | CallKind::Logout
            | CallKind::Modify
            | CallKind::Search
            | CallKind::Import => {}
        }
        call
    }

    fn profile(&self, draw: &mut Draw<'_>) -> ProfileId {
        let made = self.state.profiles.len().clamp(1, 200);
        self.state.id_of(Serial(1 + u32::try_from(draw.below(made)).unwrap_or(0)))
    }
}

/// Mostly near, now and then where no row of the index has room for it.
fn time(draw: &mut Draw<'_>) -> i64 {
    draw.pick(&[0, HOUR_US, 24 * HOUR_US, 25 * HOUR_US, 7 * 24 * HOUR_US, -HOUR_US, -800 * 365 * 24 * HOUR_US, 1])
}

fn identifier(draw: &mut Draw<'_>) -> RawIdentifier<'static> {
    RawIdentifier { type_name: Cow::Borrowed(draw.pick(&TYPES)), value: Cow::Borrowed(draw.pick(&VALUES)) }
}

fn change(draw: &mut Draw<'_>) -> RawChange {
    let mut side = || if draw.flag() { draw.pick(&VALUES).to_owned() } else { String::new() };
    let (old_value, new_value) = (side(), side());
    RawChange { type_name: draw.pick(&TYPES).to_owned(), old_value, new_value }
}

fn set_trait(draw: &mut Draw<'_>) -> RawTrait {
    let number = draw.byte();
    let value = Value { kind: Some(Kind::NumberValue(f64::from(number))) };
    RawTrait { name: draw.pick(&["x", "y"]).to_owned(), value: (number != 0).then(|| value.encode_to_vec()) }
}

/// A policy that a log's entry puts in force.
#[must_use]
pub fn preset_change(name: &str, revision: PolicyRevision) -> Effect {
    let checked = policy::preset(name).expect("a preset");
    Effect::ChangePolicy { revision, policy: checked.policy, encoded: checked.encoded }
}
