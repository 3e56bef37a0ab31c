use proptest::prelude::*;
use prost::Message;
use utterson_engine::answer::explain::{Explanation, RuleId};
use utterson_engine::answer::outcome::{
    ChangedProfile, Demotion, DemotionReason, Disposition, IdentifierResult, InvalidReason, Outcome, Replaced,
};
use utterson_engine::answer::{Resolution, Uncommon};
use utterson_engine::call::{Call, CallKind, RawEvent, RawIdentifier};
use utterson_engine::decider::{Encoder, StoredEvent};
use utterson_engine::ids::{EntryId, Micros, PolicyRevision, ProfileId, Seq, Serial};
use utterson_engine::keyed::digest::Digest;

use super::*;
use crate::proto::v1;

fn resolution() -> v1::Resolution {
    let explanation = Some(v1::Explanation { decided_by: "M6".into(), rounds: Vec::new() });
    v1::Resolution { profile_id: 5, explanation, warnings: vec!["w".repeat(300)], ..v1::Resolution::default() }
}

#[test]
fn responses_wrap_answers_as_they_are() {
    let encoded = resolution().encode_to_vec();
    let response = v1::TrackResponse::decode(&*unary(&encoded)).expect("a response");
    assert_eq!(response.resolution, Some(resolution()));

    let results = [(true, encoded), (false, vec![0x08, 3]), (true, Vec::new())];
    let batch = Results::of_batch(results.to_vec());
    let encoded = batch.encode_to_vec();
    assert_eq!(encoded.len(), batch.encoded_len());
    let answered = v1::BatchResolveResponse::decode(&*encoded).expect("a response");
    let kinds = answered.results.iter().map(|result| match &result.result {
        Some(v1::call_result::Result::Resolution(resolution)) => (true, resolution.profile_id),
        Some(v1::call_result::Result::Error(status)) => (false, i64::from(status.code)),
        None => (false, -1),
    });
    assert_eq!(kinds.collect::<Vec<_>>(), [(true, 5), (false, 3), (true, 0)]);

    for sequence in [0, 1, -1, i64::MAX] {
        let message = Results::of_stream_message(sequence, results.to_vec());
        let encoded = message.encode_to_vec();
        assert_eq!(encoded.len(), message.encoded_len());
        let message = v1::StreamResolveResponse::decode(&*encoded).expect("a response");
        assert_eq!((message.sequence, message.results.len()), (sequence, 3));
    }
}

#[test]
fn a_repeated_call_is_explained_only_where_it_asks() {
    let recorded = resolution().encode_to_vec();
    assert_eq!(repeated_answer(&recorded, true).as_deref(), Ok(&*recorded));
    let plain = v1::Resolution::decode(&*repeated_answer(&recorded, false).expect("an answer")).expect("a resolution");
    assert_eq!(plain, v1::Resolution { explanation: None, ..resolution() });
}

#[test]
fn times_survive_their_message() {
    let parts = |micros| {
        let Timestamp { seconds, nanos } = timestamp(Micros(micros));
        (seconds, nanos)
    };
    assert_eq!(parts(-1), (-1, 999_999_000));
    assert_eq!(parts(1_000_001), (1, 1_000));
}

#[test]
fn an_event_is_stored_as_the_api_answers_it() {
    let properties = prost_types::Struct { fields: [("a".to_owned(), prost_types::Value { kind: None })].into() };
    let mut call = Call::new(CallKind::Track);
    call.event = RawEvent { name: "n".into(), properties: properties.encode_to_vec(), message_id: "m".into() };
    call.identifiers = ["x", "X", "y"].map(|value| RawIdentifier { type_name: "a".into(), value: value.into() }).into();
    let (time, time_sent) = (Micros(1_000_000), Some(Micros(5_000_000)));
    let sent = StoredEvent { call: &call, time, time_sent, identifiers: vec![0, 2], demoted: &[] };
    let bytes = EventEncoder.event(&sent);
    let expected = v1::StoredEvent {
        event_time_sent: Some(Timestamp { seconds: 5, nanos: 0 }),
        message_id: "m".into(),
        name: "n".into(),
        properties: Some(properties),
        event_time: Some(Timestamp { seconds: 1, nanos: 0 }),
        identifiers: ["x", "y"].map(|value| v1::Identifier { r#type: "a".into(), value: value.into() }).into(),
        ..v1::StoredEvent::default()
    };
    assert_eq!(bytes, expected.encode_to_vec());
}

fn replaced() -> Vec<Replaced> {
    let of = |digest, raw: Option<&str>| Replaced {
        index: 0,
        digest: Digest(digest),
        holder: Serial(1),
        raw: raw.map(Into::into),
    };
    vec![of(1, Some("same@commit.example")), of(2, None), of(3, None)]
}

fn left() -> Left {
    [((Digest(2), Serial(1)), String::from("of@tables.example"))].into_iter().collect()
}

fn resolutions() -> impl Strategy<Value = (Resolution, Call<'static>)> {
    let identifiers = prop::collection::vec(("[a-z]{1,9}", "\\PC{1,150}"), 1..5);
    let number = prop::option::of((1i64..1 << 53).prop_map(ProfileId));
    let merged = prop::collection::vec((1i64..1 << 53).prop_map(ProfileId), 0..40);
    let others =
        (any::<bool>(), any::<bool>(), any::<bool>(), prop::collection::vec("\\PC{0,200}", 0..3), any::<i32>());
    (identifiers, number.clone(), number, merged, others).prop_map(|(sent, profile, source, merged, others)| {
        let (known, demotes, explains, warnings, revision) = others;
        let mut call = Call::new(CallKind::Identify);
        let raw =
            |(type_name, value): (String, String)| RawIdentifier { type_name: type_name.into(), value: value.into() };
        call.identifiers = sent.into_iter().map(raw).collect();
        let demotion = Demotion { index: 0, reason: DemotionReason::ValueLimit, round: 300 };
        let told = |index| IdentifierResult {
            index,
            disposition: Disposition::Demoted,
            reason: demotes.then_some(DemotionReason::MergeLimit),
            invalid: (!demotes).then_some(InvalidReason::NotAPhoneNumber),
        };
        let changed = ChangedProfile { type_name: "email".into(), profile: ProfileId(5), now_orphaned: known };
        let resolution = Resolution {
            profile,
            outcome: Outcome::Merged,
            known,
            source,
            merged,
            identifiers: (0..call.identifiers.len()).map(told).collect(),
            demoted: if demotes { vec![demotion] } else { Vec::new() },
            changes: if known { vec![changed] } else { Vec::new() },
            uncommon: demotes
                .then(|| Box::new(Uncommon { replaced: replaced(), event_time_adjusted: known.then_some(Micros(7)) })),
            warnings,
            explanation: explains.then(|| Box::new(Explanation { rounds: Vec::new(), decided_by: RuleId::M6 })),
            decided_by: RuleId::M6,
            policy_revision: PolicyRevision(revision),
            revision: (Seq(0), EntryId([0; 16])),
        };
        (resolution, call)
    })
}

proptest! {
    #[test]
    fn answers_and_histories_have_the_bytes_that_prost_gives_them((resolution, call) in resolutions(), time: i64) {
        let mut bytes = Vec::new();
        resolution::resolution(&resolution, &call, ("token", &left()), &mut bytes);
        let decoded = v1::Resolution::decode(&bytes[..]).expect("a message");
        prop_assert_eq!(decoded.encode_to_vec(), bytes);
        prop_assert_eq!(decoded.profile_id, resolution.profile.map_or(0, |id| id.0));
        prop_assert_eq!(decoded.merged_profile_ids.len(), resolution.merged.len());
        prop_assert_eq!(decoded.warnings, resolution.warnings.clone());
        let sent = decoded.identifiers.iter().map(|one| one.identifier.clone().expect("told"));
        let reasons = decoded.identifiers.iter().map(|one| one.invalid_reason);
        prop_assert!(reasons.eq(resolution.identifiers.iter().map(|one| one.invalid.map_or(0, |why| why as i32))));
        prop_assert!(sent.zip(&call.identifiers).all(|(told, sent)| told.value == sent.value));
        prop_assert_eq!(decoded.demoted.len(), resolution.demoted.len());
        let told: Vec<&str> = decoded.identifiers[0].replaced.iter().map(|one| &*one.value).collect();
        let values = ["same@commit.example", "of@tables.example", ""];
        prop_assert_eq!(&told[..], if resolution.replaced().is_empty() { &[] } else { &values[..] });
        prop_assert_eq!(decoded.event_time_adjusted, resolution.event_time_adjusted().map(timestamp));

        let mut bytes = Vec::new();
        history::of_call(&call, &resolution, (Micros(time), "token"), &mut bytes);
        let decoded = v1::HistoryEntry::decode(&bytes[..]).expect("a message");
        prop_assert_eq!(decoded.encode_to_vec(), bytes);
        prop_assert_eq!((decoded.call, &*decoded.decided_by), (CallKind::Identify as i32, "M6"));
        prop_assert_eq!(decoded.commit_time, Some(timestamp(Micros(time))));
        // Of what was replaced the type, once, and no value.
        let replaced = usize::from(!resolution.replaced().is_empty() && resolution.profile.is_some());
        prop_assert_eq!(decoded.changes.len(), resolution.changes.len() + replaced);
    }
}
