use prost::Message;
use utterson_engine::call::{Call, CallKind, RawIdentifier};
use utterson_engine::ids::{PolicyRevision, Seq};
use utterson_engine::state::Head;

use super::*;
use crate::policy;
use crate::proto::v1;

const NOW: Micros = Micros(1_000_000);
const LOCAL: Freshness = Freshness::Local { default_strong: false };

fn state() -> State {
    let encoded = policy::preset("identity_graph_rules").expect("a preset").encoded;
    let checked = policy::stored(&encoded).expect("a good policy");
    let head = Head { seq: Seq(0), id: EntryId([1; 16]), commit_time: Micros(0) };
    State::empty(&[7; 16], &[8; 16], (PolicyRevision(1), checked.policy, checked.encoded), head)
}

fn call(kind: CallKind, value: &str) -> Call<'_> {
    let identifiers = vec![RawIdentifier { type_name: "email".into(), value: value.into() }];
    Call { identifiers, ..Call::new(kind) }
}

/// A state that knows one person.
fn served() -> (State, v1::Resolution) {
    let mut state = state();
    let calls = [Ok(call(CallKind::Identify, "a@b"))];
    let plan = decide(&mut state, &calls, (NOW, EntryId([2; 16])), &EventEncoder);
    let encoded = decided(&plan, &calls, &state.digester);
    state.commit(&plan.entry, &plan.effects).expect("it fits");
    (state, v1::Resolution::decode(&encoded.accepted[..]).expect("a resolution"))
}

#[test]
fn a_hit_is_answered_from_memory() {
    let (mut state, first) = served();
    let answer = answer(&mut state, &Ok(call(CallKind::Identify, "a@b")), NOW, LOCAL).expect("a hit");
    let response = v1::IdentifyResponse::decode(&answer[..]).expect("a response").resolution.expect("a resolution");
    assert_eq!(response.profile_id, first.profile_id);
    assert_eq!(response.outcome, v1::Outcome::Matched as i32);
    assert_eq!(response.revision, first.revision, "the state that it rests on");
}

#[test]
fn whatever_writes_or_is_refused_goes_the_ordinary_way() {
    let (mut state, _) = served();
    let hash = state.hash;
    let tomorrow = Micros(NOW.0 + 2 * Micros::DAY_US);
    let mut repeatable = call(CallKind::Identify, "a@b");
    repeatable.request_id = "once".into();
    assert_eq!(answer(&mut state, &Ok(call(CallKind::Identify, "new@b")), NOW, LOCAL), None);
    assert_eq!(answer(&mut state, &Ok(call(CallKind::Track, "a@b")), NOW, LOCAL), None);
    assert_eq!(answer(&mut state, &Ok(call(CallKind::Search, "new@b")), NOW, LOCAL), None, "refused");
    assert_eq!(answer(&mut state, &Ok(call(CallKind::Identify, "a@b")), tomorrow, LOCAL), None, "seen on a later day");
    assert_eq!(answer(&mut state, &Ok(repeatable), NOW, LOCAL), None, "uses up an id");
    assert_eq!(state.hash, hash);
}

#[test]
fn what_is_held_back_until_it_is_confirmed_suits_every_call() {
    let (mut state, _) = served();
    for consistency in [Consistency::Local, Consistency::Default, Consistency::Strong] {
        let asked = Call { consistency, ..call(CallKind::Identify, "a@b") };
        assert!(answer(&mut state, &Ok(asked), NOW, Freshness::Confirmed).is_some(), "{consistency:?}");
    }
    assert_eq!(answer(&mut state, &Ok(call(CallKind::Identify, "new@b")), NOW, Freshness::Confirmed), None, "writes");
}

#[test]
fn the_consistency_asked_for_is_kept() {
    let (mut state, _) = served();
    let mut hit = |consistency, default_strong| {
        let call = Call { consistency, ..call(CallKind::Identify, "a@b") };
        answer(&mut state, &Ok(call), NOW, Freshness::Local { default_strong }).is_some()
    };
    assert_eq!((hit(Consistency::Local, true), hit(Consistency::Local, false)), (true, true));
    assert_eq!((hit(Consistency::Default, true), hit(Consistency::Default, false)), (false, true));
    assert_eq!((hit(Consistency::Strong, true), hit(Consistency::Strong, false)), (false, false));
}

#[test]
fn a_message_is_answered_whole_unless_a_call_of_it_repeats_another() {
    let (mut state, _) = served();
    let once = || Ok(Call { request_id: "once".into(), ..call(CallKind::Identify, "once@b") });
    let plan = decide(&mut state, &[once()], (NOW, EntryId([3; 16])), &EventEncoder);
    state.commit(&plan.entry, &plan.effects).expect("it fits");
    let calls = [
        Ok(call(CallKind::Identify, "a@b")),
        Ok(call(CallKind::Identify, "new@b")),
        Ok(call(CallKind::Search, "nobody@b")),
        once(),
    ];
    let plan = decide(&mut state, &calls, (NOW, EntryId([4; 16])), &EventEncoder);
    let encoded = decided(&plan, &calls, &state.digester);
    let message = encoded.stream_message(7, 0..3).expect("none repeats another");
    let message = v1::StreamResolveResponse::decode(&*message.encode_to_vec()).expect("a response");
    let accepted: Vec<_> = message
        .results
        .iter()
        .map(|result| matches!(result.result, Some(v1::call_result::Result::Resolution(_))))
        .collect();
    assert_eq!((message.sequence, accepted), (7, vec![true, true, false]));
    let batch = encoded.batch(0..3).expect("the same").encode_to_vec();
    let batch = v1::BatchResolveResponse::decode(&*batch).expect("a response");
    assert_eq!(batch.results, message.results);
    assert!(
        encoded.batch(2..4).is_none() && encoded.stream_message(7, 3..4).is_none() && encoded.batch(4..6).is_none()
    );
}
