//! Answers: from the engine's types to bytes.

mod event;
mod history;
mod plan;
mod resolution;
mod response;
#[cfg(test)]
mod tests;

pub use event::EventEncoder;
pub use plan::{Answer, Encoded, Imported, decided, imported, policy_change};
pub use response::{batch, replay_answer, stream_message, unary};

use prost_types::Timestamp;
use utterson_engine::call::{Call, CallKind};
use utterson_engine::ids::Micros;
use utterson_engine::outcome::{ChangedProfile, Demotion};

use crate::proto::v1;

fn timestamp(time: Micros) -> Timestamp {
    let nanos = time.0.rem_euclid(1_000_000) * 1_000;
    Timestamp { seconds: time.0.div_euclid(1_000_000), nanos: i32::try_from(nanos).unwrap_or(0) }
}

/// Identifiers are answered as they were sent; of a Modify, the value that a change sets or else the one it removes.
fn identifier_at(call: &Call, index: usize) -> Option<v1::Identifier> {
    let (type_name, value) = if call.kind == CallKind::Modify {
        let change = call.changes.get(index)?;
        (&change.type_name, if change.new_value.is_empty() { &change.old_value } else { &change.new_value })
    } else {
        let sent = call.identifiers.get(index)?;
        (&sent.type_name, &sent.value)
    };
    Some(v1::Identifier { r#type: type_name.clone(), value: value.clone() })
}

fn demotion(call: &Call, demotion: &Demotion) -> v1::Demotion {
    v1::Demotion {
        identifier: identifier_at(call, demotion.index),
        reason: demotion.reason as i32,
        round: i32::try_from(demotion.round).unwrap_or(i32::MAX),
    }
}

fn change(change: &ChangedProfile) -> v1::IdentifierChange {
    v1::IdentifierChange {
        r#type: change.type_name.to_string(),
        profile_id: change.profile.0,
        now_orphaned: change.now_orphaned,
    }
}
