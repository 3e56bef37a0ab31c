//! Answers: from the engine's types to bytes.

mod event;
mod history;
mod left;
mod plan;
mod refusal;
mod resolution;
mod response;
#[cfg(test)]
mod tests;

pub use event::EventEncoder;
pub use left::{Left, unknown};
pub use plan::{Answer, Encoded, Imported, decided, decided_with, imported, policy_change};
pub use refusal::status;
pub use response::{Results, repeated_answer, unary};

use prost_types::Timestamp;
use utterson_engine::answer::outcome::{ChangedProfile, Demotion};
use utterson_engine::call::{Call, CallKind};
use utterson_engine::ids::Micros;
use utterson_engine::rules::common::c1_normalise::raw_form;

use crate::proto::tags::v1::{demotion as demotion_tag, identifier as identifier_tag, identifier_change as change_tag};
use crate::proto::v1;
use crate::wire::Wire;

/// `google.protobuf.Timestamp`.
const TIMESTAMP_SECONDS: u32 = 1;
const TIMESTAMP_NANOS: u32 = 2;

fn timestamp(time: Micros) -> Timestamp {
    let nanos = time.0.rem_euclid(1_000_000) * 1_000;
    Timestamp { seconds: time.0.div_euclid(1_000_000), nanos: i32::try_from(nanos).unwrap_or(0) }
}

/// Identifiers are answered as they were sent, up to a bound (C1); of a Modify, the value that a change sets or else the one it removes.
fn sent_at<'c>(call: &'c Call<'_>, index: usize) -> Option<(&'c str, &'c str)> {
    if call.kind == CallKind::Modify {
        let change = call.changes.get(index)?;
        let value = if change.new_value.is_empty() { &change.old_value } else { &change.new_value };
        return Some((&change.type_name, raw_form(value)));
    }
    let sent = call.identifiers.get(index)?;
    Some((&sent.type_name, raw_form(&sent.value)))
}

fn identifier_at(call: &Call, index: usize) -> Option<v1::Identifier> {
    let (type_name, value) = sent_at(call, index)?;
    Some(v1::Identifier { r#type: type_name.to_owned(), value: value.to_owned() })
}

fn demotion(call: &Call, demotion: &Demotion) -> v1::Demotion {
    v1::Demotion {
        identifier: identifier_at(call, demotion.index),
        reason: demotion.reason as i32,
        round: i32::try_from(demotion.round).unwrap_or(i32::MAX),
    }
}

fn put_identifier(wire: &mut Wire<'_>, tag: u32, call: &Call, index: usize) {
    let Some((type_name, value)) = sent_at(call, index) else { return };
    if wire.short_identifier(tag, (type_name, value)) {
        return;
    }
    wire.message(tag, |wire| {
        wire.text(identifier_tag::TYPE, type_name);
        wire.text(identifier_tag::VALUE, value);
    });
}

fn put_demotions(wire: &mut Wire<'_>, tag: u32, call: &Call, demoted: &[Demotion]) {
    for one in demoted {
        wire.message(tag, |wire| {
            put_identifier(wire, demotion_tag::IDENTIFIER, call, one.index);
            wire.signed(demotion_tag::REASON, one.reason as i64);
            wire.signed(demotion_tag::ROUND, i64::from(one.round));
        });
    }
}

fn put_changes(wire: &mut Wire<'_>, tag: u32, changes: &[ChangedProfile]) {
    for change in changes {
        wire.message(tag, |wire| {
            wire.text(change_tag::TYPE, &change.type_name);
            wire.signed(change_tag::PROFILE_ID, change.profile.0);
            wire.number(change_tag::NOW_ORPHANED, u64::from(change.now_orphaned));
        });
    }
}

fn put_timestamp(wire: &mut Wire<'_>, tag: u32, time: Micros) {
    let Timestamp { seconds, nanos } = timestamp(time);
    wire.message(tag, |wire| {
        wire.signed(TIMESTAMP_SECONDS, seconds);
        wire.signed(TIMESTAMP_NANOS, i64::from(nanos));
    });
}
