//! Stored events.

use prost::Message;
use prost_types::Timestamp;
use utterson_engine::decider::{Encoder, StoredEvent};

use super::{demotion, identifier_at, timestamp};
use crate::proto::v1;

/// Encodes events as they are stored.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventEncoder;

/// `v1.StoredEvent` with its properties left as the bytes that they are.
#[derive(Clone, PartialEq, Message)]
struct Record {
    #[prost(string, tag = "1")]
    message_id: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(bytes = "vec", tag = "3")]
    properties: Vec<u8>,
    #[prost(message, optional, tag = "4")]
    event_time: Option<Timestamp>,
    #[prost(message, repeated, tag = "5")]
    identifiers: Vec<v1::Identifier>,
    #[prost(message, repeated, tag = "6")]
    demoted: Vec<v1::Demotion>,
}

impl Encoder for EventEncoder {
    fn event(&self, event: &StoredEvent<'_>) -> Vec<u8> {
        let call = event.call;
        let record = Record {
            message_id: call.event.message_id.clone(),
            name: call.event.name.clone(),
            properties: call.event.properties.clone(),
            event_time: Some(timestamp(event.time)),
            identifiers: event.identifiers.iter().filter_map(|&index| identifier_at(call, index)).collect(),
            demoted: event.demoted.iter().map(|one| demotion(call, one)).collect(),
        };
        record.encode_to_vec()
    }
}
