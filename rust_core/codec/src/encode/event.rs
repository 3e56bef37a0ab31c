//! Stored events.

use utterson_engine::decider::{Encoder, StoredEvent};

use super::{put_demotions, put_identifier, put_timestamp};
use crate::proto::tags::v1::stored_event as tag;
use crate::wire::Wire;

/// Encodes events as they are stored.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventEncoder;

impl Encoder for EventEncoder {
    fn event(&self, event: &StoredEvent<'_>) -> Vec<u8> {
        let call = event.call;
        let mut bytes = Vec::new();
        let mut wire = Wire(&mut bytes);
        wire.text(tag::MESSAGE_ID, &call.event.message_id);
        wire.text(tag::NAME, &call.event.name);
        // A Struct, and encoded already.
        wire.bytes(tag::PROPERTIES, &call.event.properties);
        put_timestamp(&mut wire, tag::EVENT_TIME, event.time);
        for &index in &event.identifiers {
            put_identifier(&mut wire, tag::IDENTIFIERS, call, index);
        }
        put_demotions(&mut wire, tag::DEMOTED, call, event.demoted);
        if let Some(sent) = event.time_sent {
            put_timestamp(&mut wire, tag::EVENT_TIME_SENT, sent);
        }
        bytes
    }
}
