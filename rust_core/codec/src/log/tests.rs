use std::sync::Arc;

use proptest::prelude::*;
use prost::Message;
use utterson_engine::ids::{Day, Micros, PolicyRevision, Position};
use utterson_engine::keyed::digest::Digest;

use super::*;
use crate::policy;
use crate::proto::internal::{self, effect};

fn serial() -> impl Strategy<Value = Serial> {
    (1u32..).prop_map(Serial)
}

fn effect() -> impl Strategy<Value = Effect> {
    let digest = || any::<u128>().prop_map(Digest);
    let bytes = || prop::collection::vec(any::<u8>(), 0..20);
    let time = || any::<i64>().prop_map(Micros);
    let attachment = (digest(), serial(), ".*", time(), any::<i32>(), ".*", ".*", any::<bool>());
    prop_oneof![
        (serial(), time(), prop::option::of(serial()), any::<u32>()).prop_map(
            |(serial, create_time, source, merges)| { Effect::CreateProfile { serial, create_time, source, merges } }
        ),
        attachment.prop_map(|(digest, serial, name, add_time, day, normalized, raw, exclusive)| {
            let (type_name, seen_day) = (Arc::from(name), Day(day));
            let (changed, raw) = ((normalized != raw).then(|| normalized.into()), raw.into());
            Effect::Attach(Attachment { digest, serial, type_name, add_time, seen_day, changed, raw, exclusive })
        }),
        (digest(), serial()).prop_map(|(digest, serial)| Effect::Detach { digest, serial, exclusive: false }),
        (digest(), serial(), any::<i32>()).prop_map(|(digest, serial, day)| Effect::Seen {
            digest,
            serial,
            day: Day(day),
            exclusive: false
        }),
        (serial(), serial(), any::<u32>()).prop_map(|(loser, survivor, merges)| Effect::Merge {
            loser,
            survivor,
            merges
        }),
        (serial(), ".*", prop::option::of(bytes()), time(), any::<u32>()).prop_map(
            |(serial, name, value, time, position)| {
                Effect::SetTrait { serial, name, value, time, position: Position(position) }
            }
        ),
        (prop::option::of(serial()), time(), any::<u32>(), bytes()).prop_map(|(serial, time, position, record)| {
            Effect::StoreEvent { serial, time, position: Position(position), record }
        }),
        (digest(), digest(), any::<u32>()).prop_map(|(digest, fingerprint, position)| Effect::UseRequest {
            digest,
            fingerprint,
            position: Position(position)
        }),
        (any::<i32>()).prop_map(|revision| {
            let encoded = policy::preset("unify").expect("a preset").encoded;
            let policy = policy::stored(&encoded).expect("good").policy;
            Effect::ChangePolicy { revision: PolicyRevision(revision), policy, encoded }
        }),
    ]
}

proptest! {
    #[test]
    fn effects_survive_their_record(effects in prop::collection::vec(effect(), 0..6)) {
        let bytes = encode(&effects);
        let mut as_prost_has_it = internal::LogRecord::decode(&bytes[..]).expect("a message");
        // Ours stands before the effects, of which it is the sum.
        prop_assert!(as_prost_has_it.checksum.take().is_some());
        prop_assert_eq!(as_prost_has_it.encode_to_vec(), [&bytes[..2], &bytes[7..]].concat());
        let read = decode(&bytes).expect("a record");
        // A compiled policy has no equality of its own, but says all that it holds.
        prop_assert_eq!(format!("{read:?}"), format!("{effects:?}"));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = decode(&bytes);
    }
}

#[test]
fn other_formats_are_told_from_broken_bytes() {
    let record =
        |format_version, effects| internal::LogRecord { format_version, effects, checksum: None }.encode_to_vec();
    let outcome = |bytes: &[u8]| decode(bytes).err();
    assert_eq!(outcome(&encode(&[])), None);
    assert_eq!(outcome(&record(1, Vec::new())), Some(Unreadable::Broken));
    assert_eq!(outcome(&record(2, Vec::new())), Some(Unreadable::Unknown));
    assert_eq!(outcome(&record(1, vec![internal::Effect { effect: None }])), Some(Unreadable::Unknown));
    assert_eq!(outcome(b""), Some(Unreadable::Broken));
    assert_eq!(outcome(&[0xff, 0xff]), Some(Unreadable::Broken));
    let detach = internal::Detach { digest: vec![1; 15], serial: 1 };
    let effect = internal::Effect { effect: Some(effect::Effect::Detach(detach)) };
    assert_eq!(outcome(&record(1, vec![effect])), Some(Unreadable::Broken));
}

#[test]
fn a_spoilt_record_is_refused_wherever_it_is_spoilt() {
    let seen = Effect::Seen { digest: Digest(7), serial: Serial(1), day: Day(20_000), exclusive: false };
    let used = Effect::UseRequest { digest: Digest(8), fingerprint: Digest(9), position: Position(0) };
    let record = encode(&[seen, used]);
    let told = format!("{:?}", decode(&record));
    for place in 0..record.len() {
        for bit in 0..8 {
            let mut spoilt = record.clone();
            spoilt[place] ^= 1 << bit;
            assert!(decode(&spoilt).is_err() || format!("{:?}", decode(&spoilt)) == told, "bit {bit} of byte {place}");
        }
        assert!(decode(&record[..place]).is_err(), "cut behind {place}");
    }
}

#[test]
fn records_of_older_builds_have_no_checksum() {
    let detach = Effect::Detach { digest: Digest(7), serial: Serial(1), exclusive: false };
    let record = encode(std::slice::from_ref(&detach));
    let older = [&record[..2], &record[7..]].concat();
    assert_eq!(format!("{:?}", decode(&older)), format!("{:?}", decode(&record)));
    // A checksum that stands elsewhere is none of ours.
    let elsewhere = [&record[..2], &record[7..], &record[2..7]].concat();
    assert_eq!(decode(&elsewhere).err(), Some(Unreadable::Broken));
}
