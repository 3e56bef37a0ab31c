//! One scenario's workspace: a state, the symbols bound so far, and the values behind the digests.

use std::collections::BTreeMap;
use std::sync::Arc;

use utterson_engine::answer::Resolution;
use utterson_engine::call::{Call, CallKind, ImportPlace, ImportRow, RawChange, RawIdentifier};
use utterson_engine::decide::{Imported, decide, decide_import};
use utterson_engine::decider::{Encoder, StoredEvent};
use utterson_engine::fault::Fault;
use utterson_engine::ids::{EntryId, Micros, PolicyRevision, ProfileId, Seq, Serial};
use utterson_engine::plan::{Effect, Plan, Verdict};
use utterson_engine::policy::Policy;
use utterson_engine::rules::common::c2_refuse;
use utterson_engine::state::{Head, State, invariants};

use crate::file::{Given, Identifiers, Step};

const START_US: i64 = 1_800_000_000_000_000;

/// Stores nothing readable; the state hash still notices.
struct Nothing;

impl Encoder for Nothing {
    fn event(&self, event: &StoredEvent<'_>) -> Vec<u8> {
        event.call.event.name.clone().into_bytes()
    }
}

pub struct World {
    pub state: State,
    /// The value behind each attached identifier, by (serial, digest).
    values: BTreeMap<(Serial, [u8; 16]), (String, String)>,
    clock: i64,
}

impl World {
    pub fn new(policy: Arc<Policy>) -> Self {
        let head = Head { seq: Seq(0), id: EntryId([0; 16]), commit_time: Micros(0) };
        let policy = (PolicyRevision(1), policy, Vec::new());
        Self { state: State::empty(&[1; 16], &[2; 16], policy, head), values: BTreeMap::new(), clock: START_US }
    }

    /// The id behind a symbol such as P3: profiles are numbered in order of creation, as serials are.
    pub fn id(&self, symbol: &str) -> ProfileId {
        let number = symbol.strip_prefix('P').and_then(|number| number.parse().ok()).expect("a symbol P1, P2, …");
        self.state.id_of(Serial(number))
    }

    fn fresh(&mut self) -> (Micros, EntryId) {
        self.clock += 1_000_000;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.clock.to_be_bytes());
        (Micros(self.clock), EntryId(id))
    }

    pub fn give(&mut self, given: &Given) {
        let of_type = |(name, values): (&String, &Vec<String>)| {
            let one = |value: &String| RawIdentifier { type_name: name.clone().into(), value: value.clone().into() };
            values.iter().map(one).collect::<Vec<_>>()
        };
        let mut identifiers: Vec<RawIdentifier<'_>> = given.identifiers.iter().flat_map(of_type).collect();
        for number in 0..given.further_identifiers {
            let value = format!("{}-further-{number}", given.profile);
            identifiers.push(RawIdentifier { type_name: format!("further_{number}").into(), value: value.into() });
        }
        let create_time = given.created.as_deref().map(micros);
        let place = ImportPlace { message: 0, within: None };
        let row = ImportRow { place, identifiers, traits: Vec::new(), create_time, merges: given.merges };
        let fresh = self.fresh();
        match decide_import(&mut self.state, &[row], "", fresh, &Nothing) {
            Ok(Imported::New { plan, .. }) => self.commit(&plan),
            other => panic!("{}: {other:?}", given.profile),
        }
    }

    pub fn run(&mut self, step: &Step) -> Result<Resolution, Fault> {
        let submission = self.submission(step);
        let fresh = self.fresh();
        let before = (self.state.hash, invariants::check(&self.state));
        let mut plan = decide(&mut self.state, [&submission], fresh, &Nothing);
        assert_eq!(before, (self.state.hash, invariants::check(&self.state)), "deciding changed the state");
        let one = plan.decided.remove(0);
        if !plan.effects.is_empty() {
            self.commit(&plan);
        }
        match one.verdict {
            Verdict::Resolution(resolution) => Ok(resolution),
            Verdict::Fault(fault) => Err(fault),
            Verdict::Repeat(_) => panic!("no scenario repeats a call"),
        }
    }

    fn submission(&self, step: &Step) -> Result<Call<'static>, Fault> {
        let mut call = Call::new(match step.call.as_str() {
            "identify" => CallKind::Identify,
            "login" => CallKind::Login,
            "logout" => CallKind::Logout,
            "track" => CallKind::Track,
            "modify" => CallKind::Modify,
            "search" => CallKind::Search,
            other => panic!("no call {other}"),
        });
        let pair = |(name, value): (&String, &String)| RawIdentifier {
            type_name: name.clone().into(),
            value: value.clone().into(),
        };
        call.identifiers = step.identifiers.iter().flatten().map(pair).collect();
        call.event_time = step.time.as_deref().map(micros);
        call.previous_profile = step.previous_profile.as_deref().map(|symbol| self.id(symbol));
        call.changes = step
            .changes
            .iter()
            .map(|change| RawChange {
                type_name: change.type_name.clone(),
                old_value: change.old.clone().unwrap_or_default(),
                new_value: change.new.clone().unwrap_or_default(),
            })
            .collect();
        if let Some(symbol) = &step.profile {
            call.profile = self.id(symbol);
        } else {
            c2_refuse::check_shape(&call.identifiers, "identifiers")?;
        }
        Ok(call)
    }

    fn commit(&mut self, plan: &Plan) {
        for effect in &plan.effects {
            if let Effect::Attach(attachment) = effect {
                let value = (attachment.type_name.to_string(), attachment.normalized().to_owned());
                self.values.insert((attachment.serial, attachment.digest.to_bytes()), value);
            }
        }
        self.state.commit(&plan.entry, &plan.effects).expect("an own plan applies");
        assert_eq!(invariants::check(&self.state), Vec::<String>::new());
    }

    /// All live profiles with their values, sorted; generated further identifiers are left out.
    pub fn live(&self) -> BTreeMap<String, Identifiers> {
        let mut live = BTreeMap::new();
        for number in 1..=u32::try_from(self.state.profiles.len()).expect("few") {
            let serial = Serial(number);
            if self.state.profiles.redirect(serial).is_some() {
                continue;
            }
            let mut identifiers = Identifiers::new();
            for entry in self.state.entries(serial) {
                let (name, value) = self.values[&(entry.serial, entry.digest.to_bytes())].clone();
                if !name.starts_with("further_") {
                    identifiers.entry(name).or_default().push(value);
                }
            }
            for values in identifiers.values_mut() {
                values.sort();
            }
            live.insert(format!("P{number}"), identifiers);
        }
        live
    }
}

fn micros(text: &str) -> Micros {
    let time = chrono::DateTime::parse_from_rfc3339(text).expect("a time such as 2024-01-01T00:00:00Z");
    Micros(time.timestamp_micros())
}
