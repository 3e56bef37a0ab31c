//! One call, and its message.

use prost::Message;
use prost_types::value::Kind as ValueKind;
use prost_types::{Struct, Value};
use utterson_codec::proto::v1;

use crate::calls_file::Kind;

/// One call of a workload.
#[derive(Debug)]
pub struct Request {
    /// What it asks for.
    pub kind: Kind,
    /// The identifiers it names.
    pub identifiers: Vec<v1::Identifier>,
    event: Option<v1::Event>,
    /// Whom a Modify changes: the number in the population.
    person: u64,
    changes: Vec<v1::Change>,
}

impl Request {
    /// A call that names identifiers and nothing else.
    pub fn of(kind: Kind, identifiers: Vec<v1::Identifier>) -> Self {
        Self { kind, identifiers, event: None, person: 0, changes: Vec::new() }
    }

    /// An Identify call.
    pub fn identify(identifiers: Vec<v1::Identifier>) -> Self {
        Self::of(Kind::Identify, identifiers)
    }

    /// A Modify call with one change.
    pub fn modify(person: u64, change: v1::Change) -> Self {
        Self { person, changes: vec![change], ..Self::of(Kind::Modify, Vec::new()) }
    }

    /// A Track call: somebody looked at something with a price.
    pub fn track(identifiers: Vec<v1::Identifier>, message_id: String, price_cents: u32) -> Self {
        let text = |text: &str| Value { kind: Some(ValueKind::StringValue(text.to_owned())) };
        let price = Value { kind: Some(ValueKind::NumberValue(f64::from(price_cents) / 100.0)) };
        let fields = [("currency", text("EUR")), ("page", text("/shop/shoes")), ("price", price)];
        let properties = Struct { fields: fields.map(|(name, value)| (name.to_owned(), value)).into() };
        let event = v1::Event { name: "product_viewed".to_owned(), properties: Some(properties), message_id };
        Self { event: Some(event), ..Self::of(Kind::Track, identifiers) }
    }

    /// Encodes the message of the unary call. A Modify's `profile_id` is only known once the population is loaded:
    /// the number in the population, from 1, stands in its place.
    pub fn encode(self, workspace: &str, request_id: String, out: &mut Vec<u8>) {
        let (workspace, identifiers) = (workspace.to_owned(), self.identifiers);
        macro_rules! message {
            ($message:ident { $($name:ident: $value:expr),* }) => {
                v1::$message { workspace, identifiers, request_id, $($name: $value,)* ..v1::$message::default() }
                    .encode(out).expect("a vector grows")
            };
        }
        match self.kind {
            Kind::Identify => message!(IdentifyRequest {}),
            Kind::Login => message!(LoginRequest {}),
            Kind::Logout => message!(LogoutRequest {}),
            Kind::Track => message!(TrackRequest { event: self.event }),
            Kind::Search => message!(SearchRequest {}),
            Kind::Modify => {
                let profile_id = i64::try_from(self.person).expect("a small number") + 1;
                message!(ModifyRequest { profile_id: profile_id, changes: self.changes });
            }
        }
    }
}
