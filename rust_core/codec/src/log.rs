//! The log's records: the effects of one commit, versioned.

mod read;
#[cfg(test)]
mod tests;

use prost::Message;
use utterson_engine::ids::Serial;
use utterson_engine::plan::{Attachment, Effect};

pub use read::{Unreadable, decode};

use crate::proto::internal::{self, effect};

/// The version of the format that this build writes, and the only one that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// Encodes the effects of a commit.
#[must_use]
pub fn encode(effects: &[Effect]) -> Vec<u8> {
    let effects = effects.iter().map(|one| internal::Effect { effect: Some(write(one)) }).collect();
    internal::LogRecord { format_version: FORMAT_VERSION, effects }.encode_to_vec()
}

fn number(serial: Serial) -> u64 {
    u64::from(serial.0)
}

fn write(one: &Effect) -> effect::Effect {
    match one {
        Effect::CreateProfile { serial, create_time, source, merges } => {
            effect::Effect::CreateProfile(internal::CreateProfile {
                serial: number(*serial),
                create_time_us: create_time.0,
                source: source.map_or(0, number),
                merges: *merges,
            })
        }
        Effect::Attach(attachment) => effect::Effect::Attach(write_attachment(attachment)),
        Effect::Detach { digest, serial, .. } => {
            effect::Effect::Detach(internal::Detach { digest: digest.to_bytes().to_vec(), serial: number(*serial) })
        }
        Effect::Seen { digest, serial, day, .. } => effect::Effect::Seen(internal::Seen {
            digest: digest.to_bytes().to_vec(),
            serial: number(*serial),
            day: day.0,
        }),
        Effect::Merge { loser, survivor, merges } => effect::Effect::Merge(internal::Merge {
            loser: number(*loser),
            survivor: number(*survivor),
            merges: *merges,
        }),
        Effect::SetTrait { serial, name, value, time, position } => effect::Effect::SetTrait(internal::SetTrait {
            serial: number(*serial),
            name: name.clone(),
            value: value.clone(),
            time_us: time.0,
            position: position.0,
        }),
        Effect::StoreEvent { serial, time, position, record } => effect::Effect::StoreEvent(internal::StoreEvent {
            serial: serial.map_or(0, number),
            position: position.0,
            time_us: time.0,
            event: record.clone(),
        }),
        Effect::UseRequest { digest, fingerprint, position } => effect::Effect::UseRequest(internal::UseRequest {
            digest: digest.to_bytes().to_vec(),
            fingerprint: fingerprint.to_bytes().to_vec(),
            position: position.0,
        }),
        Effect::ChangePolicy { revision, encoded, .. } => effect::Effect::ChangePolicy(internal::ChangePolicy {
            policy_revision: revision.0,
            policy: encoded.clone(),
        }),
    }
}

fn write_attachment(attachment: &Attachment) -> internal::Attach {
    internal::Attach {
        digest: attachment.digest.to_bytes().to_vec(),
        serial: number(attachment.serial),
        r#type: attachment.type_name.to_string(),
        add_time_us: attachment.add_time.0,
        seen_day: attachment.seen_day.0,
        normalized_value: attachment.normalized.clone(),
        raw_value: attachment.raw.clone(),
        exclusive: attachment.exclusive,
    }
}
