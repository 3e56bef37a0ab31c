//! The log's records: the effects of one commit, versioned.

mod read;
#[cfg(test)]
mod tests;

use utterson_engine::ids::Serial;
use utterson_engine::plan::{Attachment, Effect};

pub use read::{Unreadable, decode};

use crate::encode::wire::Wire;

/// The version of the format that this build writes, and the only one that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// About how many bytes an effect takes.
const EFFECT_BYTES: usize = 128;

/// Encodes the effects of a commit.
#[must_use]
pub fn encode(effects: &[Effect]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(effects.len() * EFFECT_BYTES);
    let mut wire = Wire(&mut bytes);
    wire.number(1, u64::from(FORMAT_VERSION));
    for effect in effects {
        wire.message(2, |wire| put(wire, effect));
    }
    bytes
}

fn number(serial: Serial) -> u64 {
    u64::from(serial.0)
}

fn put(wire: &mut Wire<'_>, effect: &Effect) {
    match effect {
        Effect::CreateProfile { serial, create_time, source, merges } => wire.message(1, |wire| {
            wire.number(1, number(*serial));
            wire.zigzag(2, create_time.0);
            wire.number(3, source.map_or(0, number));
            wire.number(4, u64::from(*merges));
        }),
        Effect::Attach(attachment) => wire.message(2, |wire| put_attachment(wire, attachment)),
        Effect::Detach { digest, serial, .. } => wire.message(3, |wire| {
            wire.bytes(1, &digest.to_bytes());
            wire.number(2, number(*serial));
        }),
        Effect::Seen { digest, serial, day, .. } => wire.message(4, |wire| {
            wire.bytes(1, &digest.to_bytes());
            wire.number(2, number(*serial));
            wire.signed(3, i64::from(day.0));
        }),
        Effect::Merge { loser, survivor, merges } => wire.message(5, |wire| {
            wire.number(1, number(*loser));
            wire.number(2, number(*survivor));
            wire.number(3, u64::from(*merges));
        }),
        Effect::SetTrait { serial, name, value, time, position } => wire.message(6, |wire| {
            wire.number(1, number(*serial));
            wire.text(2, name);
            if let Some(value) = value {
                wire.present_bytes(3, value);
            }
            wire.zigzag(4, time.0);
            wire.number(5, u64::from(position.0));
        }),
        Effect::StoreEvent { serial, time, position, record } => wire.message(7, |wire| {
            wire.number(1, serial.map_or(0, number));
            wire.number(2, u64::from(position.0));
            wire.zigzag(3, time.0);
            wire.bytes(4, record);
        }),
        Effect::UseRequest { digest, fingerprint, position } => wire.message(8, |wire| {
            wire.bytes(1, &digest.to_bytes());
            wire.bytes(2, &fingerprint.to_bytes());
            wire.number(3, u64::from(position.0));
        }),
        Effect::ChangePolicy { revision, encoded, .. } => wire.message(9, |wire| {
            wire.signed(1, i64::from(revision.0));
            wire.bytes(2, encoded);
        }),
    }
}

fn put_attachment(wire: &mut Wire<'_>, attachment: &Attachment) {
    wire.bytes(1, &attachment.digest.to_bytes());
    wire.number(2, number(attachment.serial));
    wire.text(3, &attachment.type_name);
    wire.zigzag(4, attachment.add_time.0);
    wire.signed(5, i64::from(attachment.seen_day.0));
    wire.text(6, attachment.normalized());
    wire.text(7, &attachment.raw);
    wire.number(8, u64::from(attachment.exclusive));
}
