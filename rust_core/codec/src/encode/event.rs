//! Stored events.

use utterson_engine::decider::{Encoder, StoredEvent};

use super::wire::Wire;
use super::{put_demotions, put_identifier, put_timestamp};

/// Encodes events as they are stored.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventEncoder;

impl Encoder for EventEncoder {
    fn event(&self, event: &StoredEvent<'_>) -> Vec<u8> {
        let call = event.call;
        let mut bytes = Vec::new();
        let mut wire = Wire(&mut bytes);
        wire.text(1, &call.event.message_id);
        wire.text(2, &call.event.name);
        // A Struct, and encoded already.
        wire.bytes(3, &call.event.properties);
        put_timestamp(&mut wire, 4, event.time);
        for &index in &event.identifiers {
            put_identifier(&mut wire, 5, call, index);
        }
        put_demotions(&mut wire, 6, call, event.demoted);
        bytes
    }
}
