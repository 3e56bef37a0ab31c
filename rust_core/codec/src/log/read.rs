//! Reading records that this or another replica wrote.

use std::sync::Arc;

use prost::Message;
use utterson_engine::ids::{Day, Micros, PolicyRevision, Position, Serial};
use utterson_engine::keyed::digest::Digest;
use utterson_engine::plan::{Attachment, Effect};

use super::{CHECKSUM_BYTES, FORMAT_VERSION};
use crate::policy;
use crate::proto::internal::{self, effect};
use crate::proto::tags::internal::log_record;
use crate::wire::{FIXED32, LENGTH_DELIMITED, VARINT, key};

/// Why a record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Another version of the format, or a policy that this build does not know: only a newer build can read it.
    Unknown,
    /// The bytes are no record.
    Broken,
}

/// Decodes the effects of a commit. How an identifier that is detached or seen was attached is not in the record:
/// only the tables' columns need it, and those were written with the record.
pub fn decode(record: &[u8]) -> Result<Vec<Effect>, Unreadable> {
    if record.is_empty() {
        return Err(Unreadable::Broken);
    }
    let checksum = checksum(record)?;
    let record = internal::LogRecord::decode(record).map_err(|_| Unreadable::Broken)?;
    if record.format_version != FORMAT_VERSION {
        return Err(Unreadable::Unknown);
    }
    if record.checksum != checksum {
        // It does not stand where it is written.
        return Err(Unreadable::Broken);
    }
    // An effect of a kind that this build does not know decodes as none.
    record.effects.into_iter().map(|one| one.effect.ok_or(Unreadable::Unknown).and_then(read)).collect()
}

/// The checksum of a record of this format, which holds; `None` if it has none, as those of older builds.
fn checksum(record: &[u8]) -> Result<Option<u32>, Unreadable> {
    const VERSION: u8 = key(log_record::FORMAT_VERSION, VARINT);
    const EFFECT: u8 = key(log_record::EFFECTS, LENGTH_DELIMITED);
    const CHECKSUM: u8 = key(log_record::CHECKSUM, FIXED32);
    let rest = match record {
        [VERSION, version, rest @ ..] if u32::from(*version) == FORMAT_VERSION => rest,
        // Of another format, or broken: whoever reads it sees which.
        _ => return Ok(None),
    };
    match rest {
        [EFFECT, ..] => Ok(None),
        [CHECKSUM, rest @ ..] => {
            let (checksum, effects) = rest.split_first_chunk::<CHECKSUM_BYTES>().ok_or(Unreadable::Broken)?;
            let checksum = u32::from_le_bytes(*checksum);
            if crc32fast::hash(effects) == checksum { Ok(Some(checksum)) } else { Err(Unreadable::Broken) }
        }
        // An entry has effects: what ends here was cut.
        _ => Err(Unreadable::Broken),
    }
}

fn read(one: effect::Effect) -> Result<Effect, Unreadable> {
    Ok(match one {
        effect::Effect::CreateProfile(made) => Effect::CreateProfile {
            serial: serial(made.serial)?,
            create_time: Micros(made.create_time_us),
            source: optional_serial(made.source)?,
            merges: made.merges,
        },
        effect::Effect::Attach(attach) => Effect::Attach(read_attachment(attach)?),
        effect::Effect::Detach(detach) => {
            Effect::Detach { digest: digest(&detach.digest)?, serial: serial(detach.serial)?, exclusive: false }
        }
        effect::Effect::Seen(seen) => Effect::Seen {
            digest: digest(&seen.digest)?,
            serial: serial(seen.serial)?,
            day: Day(seen.day),
            exclusive: false,
        },
        effect::Effect::Merge(merge) => {
            Effect::Merge { loser: serial(merge.loser)?, survivor: serial(merge.survivor)?, merges: merge.merges }
        }
        effect::Effect::SetTrait(set) => Effect::SetTrait {
            serial: serial(set.serial)?,
            name: set.name,
            value: set.value,
            time: Micros(set.time_us),
            position: Position(set.position),
        },
        effect::Effect::StoreEvent(store) => Effect::StoreEvent {
            serial: optional_serial(store.serial)?,
            time: Micros(store.time_us),
            position: Position(store.position),
            record: store.event,
        },
        effect::Effect::UseRequest(used) => Effect::UseRequest {
            digest: digest(&used.digest)?,
            fingerprint: digest(&used.fingerprint)?,
            position: Position(used.position),
        },
        effect::Effect::ChangePolicy(change) => {
            let checked = policy::stored(&change.policy).map_err(|_| Unreadable::Unknown)?;
            let revision = PolicyRevision(change.policy_revision);
            Effect::ChangePolicy { revision, policy: checked.policy, encoded: change.policy }
        }
    })
}

fn read_attachment(attach: internal::Attach) -> Result<Attachment, Unreadable> {
    Ok(Attachment {
        digest: digest(&attach.digest)?,
        serial: serial(attach.serial)?,
        type_name: Arc::from(attach.r#type),
        add_time: Micros(attach.add_time_us),
        seen_day: Day(attach.seen_day),
        changed: (attach.normalized_value != attach.raw_value).then(|| attach.normalized_value.into()),
        raw: attach.raw_value.into(),
        exclusive: attach.exclusive,
    })
}

fn digest(bytes: &[u8]) -> Result<Digest, Unreadable> {
    bytes.try_into().map(Digest::from_bytes).map_err(|_| Unreadable::Broken)
}

fn serial(number: u64) -> Result<Serial, Unreadable> {
    optional_serial(number)?.ok_or(Unreadable::Broken)
}

fn optional_serial(number: u64) -> Result<Option<Serial>, Unreadable> {
    let number = u32::try_from(number).map_err(|_| Unreadable::Broken)?;
    Ok((number != 0).then_some(Serial(number)))
}
