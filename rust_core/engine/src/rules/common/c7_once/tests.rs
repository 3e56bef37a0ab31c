//! Repeats against a memory of all accepted calls, within batches and across them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::answer::Resolution;
use crate::call::Consistency;
use crate::ids::{Micros, Seq};
use crate::normalize::Normalization;
use crate::plan::Plan;
use crate::policy::InvalidIdentifiers;
use crate::policy::spec::PolicySpec;
use crate::state::marks::Requests;
use crate::testing::calls::{MERGE, any_call, at, call, identify, modify};
use crate::testing::policies::{self, HOUR_US};
use crate::testing::{World, answer, cases, reason};

/// Which kind of id, and the id.
type Id = (IdKind, String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum IdKind {
    Request,
    Message,
}

/// What is remembered of an accepted call.
#[derive(Clone)]
struct Accepted {
    content: String,
    answer: Resolution,
    seq: Seq,
    time: Micros,
}

#[derive(Default)]
struct Memory(BTreeMap<Id, Accepted>);

fn ids(call: &Call) -> Vec<Id> {
    let ids = [(IdKind::Request, &*call.request_id), (IdKind::Message, &*call.event.message_id)];
    ids.into_iter().filter(|(_, id)| !id.is_empty()).map(|(kind, id)| (kind, id.to_owned())).collect()
}

/// The request without what is no content. The tests' values are normalised already.
fn content_of(call: &Call) -> String {
    let mut call = call.clone();
    call.request_id = "".into();
    (call.consistency, call.explain, call.validate_only) = (Consistency::Default, false, false);
    format!("{call:?}")
}

impl Memory {
    fn known(&self, call: &Call, now: Micros) -> Option<(Id, &Accepted)> {
        let fresh = |accepted: &&Accepted| now.0 - accepted.time.0 <= Requests::RETENTION_US;
        ids(call).into_iter().find_map(|id| self.0.get(&id).filter(fresh).map(|accepted| (id, accepted)))
    }

    /// Holds one decided call against the memory and takes it in. Answers how many ids it used up.
    fn judge(&mut self, world: &World, call: &Call, (plan, place): (&Plan, usize)) -> Result<usize, TestCaseError> {
        let one = &plan.decided[place];
        if call.kind == CallKind::Search {
            return Ok(0);
        }
        let (seq, time) = (plan.entry.seq, plan.entry.commit_time);
        if let Some((id, accepted)) = self.known(call, time) {
            prop_assert!(!one.writes && one.touched.is_empty(), "a repeat changes nothing");
            if accepted.content != content_of(call) {
                prop_assert_eq!(reason(&one.verdict), Some(Reason::RequestIdReused));
            } else if accepted.seq == seq {
                let mut expected = accepted.answer.clone();
                expected.explanation = expected.explanation.filter(|_| call.explain);
                prop_assert_eq!(answer(&one.verdict), Some(&expected));
            } else {
                let digest = match id.0 {
                    IdKind::Request => request_digest(&world.state, &id.1),
                    IdKind::Message => message_digest(&world.state, &id.1),
                };
                prop_assert!(matches!(one.verdict, Verdict::Repeat(told) if told == digest), "{:?}", one.verdict);
            }
            return Ok(0);
        }
        let Some(answer) = answer(&one.verdict).filter(|_| !call.validate_only) else { return Ok(0) };
        for id in ids(call) {
            let accepted = Accepted { content: content_of(call), answer: answer.clone(), seq, time };
            self.0.insert(id, accepted);
        }
        Ok(ids(call).len())
    }
}

/// The same few calls again and again, with ids of few names, asked in several ways.
fn repeats() -> impl Strategy<Value = Vec<Call<'static>>> {
    let bases = prop::collection::vec(any_call(MERGE), 3);
    let id = || select(vec!["", "", "r", "s"]);
    let sending = (0..3usize, id(), id(), any::<bool>(), prop::bool::weighted(0.2));
    (bases, prop::collection::vec(sending, 1..25)).prop_map(|(bases, sendings)| {
        let send = |(base, request, message, explain, dry): (usize, &str, &str, bool, bool)| {
            let mut call: Call<'_> = bases[base].clone();
            call.request_id = request.to_owned().into();
            if call.kind == CallKind::Track {
                message.clone_into(&mut call.event.message_id);
            }
            (call.explain, call.validate_only) = (explain, dry);
            call
        };
        sendings.into_iter().map(send).collect()
    })
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_repeat_answers_what_was_recorded_and_changes_nothing(
        calls in repeats(),
        sizes in prop::collection::vec((1..4usize, select(vec![0, 0, 0, 13])), 25),
    ) {
        let mut world = World::new(&policies::boundless());
        let mut memory = Memory::default();
        let mut left = &calls[..];
        for (size, hours) in sizes {
            let (batch, rest) = left.split_at(size.min(left.len()));
            left = rest;
            world.lead_us += hours * HOUR_US;
            let plan = world.plan(batch);
            let mut used = 0;
            for (place, call) in batch.iter().enumerate() {
                used += memory.judge(&world, call, (&plan, place))?;
            }
            let uses = plan.effects.iter().filter(|effect| matches!(effect, Effect::UseRequest { .. })).count();
            prop_assert_eq!(uses, used);
            world.commit(plan);
        }
    }
}

fn with_id<'c>(mut call: Call<'c>, request_id: &'c str) -> Call<'c> {
    call.request_id = request_id.into();
    call
}

fn is_replay(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Repeat(_))
}

#[test]
fn content_is_compared_after_normalisation() {
    let mut spec = policies::boundless();
    spec.identifier_types[1].normalization = Some(Normalization::Lower);
    let mut world = World::new(&spec);
    world.accept(&with_id(identify("email=ED"), "r"));
    assert!(is_replay(&world.run(&with_id(identify("email=ed"), "r"))));
    assert_eq!(world.refuse(&with_id(call(CallKind::Track, "email=ed"), "r")), Reason::RequestIdReused);
    assert_eq!(
        world.refuse(&with_id(at(identify("email=ed"), 0), "r")),
        Reason::RequestIdReused,
        "absent stays absent"
    );
}

#[test]
fn refused_calls_and_dry_runs_use_up_no_id() {
    let mut world = World::new(&policies::boundless());
    assert_eq!(world.refuse(&with_id(modify(7, &[("a", "", "1")]), "r")), Reason::ProfileNotFound);
    let mut dry = with_id(identify("a=1"), "r");
    dry.validate_only = true;
    world.accept(&dry);
    world.accept(&with_id(identify("a=2"), "r"));
    assert_eq!(world.refuse(&dry), Reason::RequestIdReused);
}

#[test]
fn an_id_is_kept_for_a_day() {
    let mut world = World::new(&policies::boundless());
    world.accept(&with_id(identify("a=1"), "r"));
    // The clock moves on by a second an entry.
    world.lead_us = Requests::RETENTION_US - 1_000_000;
    assert!(is_replay(&world.run(&with_id(identify("a=1"), "r"))));
    world.lead_us += 1;
    world.accept(&with_id(identify("a=1"), "r"));
    assert_eq!(world.state.requests.len(), 1);
}

#[test]
fn a_reused_id_is_told_before_a_value_is_judged_but_not_in_0_1() {
    let invalid_identifiers = Some(InvalidIdentifiers::Refuse);
    let expected = [(RulesVersion::One, Reason::RequestIdReused), (RulesVersion::Zero, Reason::FieldInvalid)];
    for (rules_version, reason) in expected {
        let mut world = World::new(&PolicySpec { invalid_identifiers, rules_version, ..policies::boundless() });
        world.accept(&with_id(identify("a=1"), "r"));
        let mut bad = with_id(identify("a=1"), "r");
        bad.identifiers[0].value.to_mut().push('\u{200b}');
        assert_eq!(world.refuse(&bad), reason);
    }
}
