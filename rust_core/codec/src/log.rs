//! The log's records: the effects of one commit, versioned.

mod read;
#[cfg(test)]
mod tests;

use utterson_engine::ids::Serial;
use utterson_engine::plan::{Attachment, Effect};

pub use read::{Unreadable, decode};

use crate::proto::tags::internal::{
    attach, change_policy, create_profile, detach, effect as effect_tag, log_record, merge, seen, set_trait,
    store_event, use_request,
};
use crate::wire::Wire;

/// The version of the format that this build writes, and the only one that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// About how many bytes an effect takes.
const EFFECT_BYTES: usize = 128;

/// How many bytes the checksum takes.
const CHECKSUM_BYTES: usize = 4;

/// Encodes the effects of a commit, behind their checksum: the state hash leaves out what no answer is made of, such as
/// days and used ids, and a bit that turned over there must be noticed as well.
#[must_use]
pub fn encode(effects: &[Effect]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(effects.len() * EFFECT_BYTES);
    let mut wire = Wire(&mut bytes);
    wire.number(log_record::FORMAT_VERSION, u64::from(FORMAT_VERSION));
    wire.present_fixed32(log_record::CHECKSUM, 0);
    let begin = wire.0.len();
    for effect in effects {
        wire.message(log_record::EFFECTS, |wire| put(wire, effect));
    }
    let checksum = crc32fast::hash(&bytes[begin..]);
    bytes[begin - CHECKSUM_BYTES..begin].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn number(serial: Serial) -> u64 {
    u64::from(serial.0)
}

fn put(wire: &mut Wire<'_>, effect: &Effect) {
    match effect {
        Effect::CreateProfile { serial, create_time, source, merges } => {
            wire.message(effect_tag::CREATE_PROFILE, |wire| {
                wire.number(create_profile::SERIAL, number(*serial));
                wire.zigzag(create_profile::CREATE_TIME_US, create_time.0);
                wire.number(create_profile::SOURCE, source.map_or(0, number));
                wire.number(create_profile::MERGES, u64::from(*merges));
            });
        }
        Effect::Attach(attachment) => wire.message(effect_tag::ATTACH, |wire| put_attachment(wire, attachment)),
        Effect::Detach { digest, serial, .. } => wire.message(effect_tag::DETACH, |wire| {
            wire.bytes(detach::DIGEST, &digest.to_bytes());
            wire.number(detach::SERIAL, number(*serial));
        }),
        Effect::Seen { digest, serial, day, .. } => wire.message(effect_tag::SEEN, |wire| {
            wire.bytes(seen::DIGEST, &digest.to_bytes());
            wire.number(seen::SERIAL, number(*serial));
            wire.signed(seen::DAY, i64::from(day.0));
        }),
        Effect::Merge { loser, survivor, merges } => wire.message(effect_tag::MERGE, |wire| {
            wire.number(merge::LOSER, number(*loser));
            wire.number(merge::SURVIVOR, number(*survivor));
            wire.number(merge::MERGES, u64::from(*merges));
        }),
        Effect::SetTrait { serial, name, value, time, position } => wire.message(effect_tag::SET_TRAIT, |wire| {
            wire.number(set_trait::SERIAL, number(*serial));
            wire.text(set_trait::NAME, name);
            if let Some(value) = value {
                wire.present_bytes(set_trait::VALUE, value);
            }
            wire.zigzag(set_trait::TIME_US, time.0);
            wire.number(set_trait::POSITION, u64::from(position.0));
        }),
        Effect::StoreEvent { serial, time, position, record } => wire.message(effect_tag::STORE_EVENT, |wire| {
            wire.number(store_event::SERIAL, serial.map_or(0, number));
            wire.number(store_event::POSITION, u64::from(position.0));
            wire.zigzag(store_event::TIME_US, time.0);
            wire.bytes(store_event::EVENT, record);
        }),
        Effect::UseRequest { digest, fingerprint, position } => wire.message(effect_tag::USE_REQUEST, |wire| {
            wire.bytes(use_request::DIGEST, &digest.to_bytes());
            wire.bytes(use_request::FINGERPRINT, &fingerprint.to_bytes());
            wire.number(use_request::POSITION, u64::from(position.0));
        }),
        Effect::ChangePolicy { revision, encoded, .. } => wire.message(effect_tag::CHANGE_POLICY, |wire| {
            wire.signed(change_policy::POLICY_REVISION, i64::from(revision.0));
            wire.bytes(change_policy::POLICY, encoded);
        }),
    }
}

fn put_attachment(wire: &mut Wire<'_>, attachment: &Attachment) {
    wire.bytes(attach::DIGEST, &attachment.digest.to_bytes());
    wire.number(attach::SERIAL, number(attachment.serial));
    wire.text(attach::TYPE, &attachment.type_name);
    wire.zigzag(attach::ADD_TIME_US, attachment.add_time.0);
    wire.signed(attach::SEEN_DAY, i64::from(attachment.seen_day.0));
    wire.text(attach::NORMALIZED_VALUE, attachment.normalized());
    wire.text(attach::RAW_VALUE, &attachment.raw);
    wire.number(attach::EXCLUSIVE, u64::from(attachment.exclusive));
}
