//! Effects on the same row, taken together: each table's statement touches a row at most once.

use std::collections::BTreeMap;

use utterson_engine::digest::Digest;
use utterson_engine::ids::{Day, Serial};
use utterson_engine::plan::{Attachment, Effect};

use super::{Columns, number};

/// Profiles made, joined and counted up. A survivor's merges are those after its last merge.
pub(super) fn profiles(effects: &[Effect], columns: &mut Columns) {
    let mut survivors: BTreeMap<Serial, u32> = BTreeMap::new();
    for effect in effects {
        match effect {
            Effect::CreateProfile { serial, create_time, source, merges } => {
                columns.created_serials.push(number(*serial));
                columns.created_create_time_us.push(create_time.0);
                columns.created_source.push(source.map_or(0, number));
                columns.created_merges.push(i64::from(*merges));
            }
            Effect::Merge { loser, survivor, merges } => {
                columns.loser_serials.push(number(*loser));
                columns.loser_merged_into.push(number(*survivor));
                survivors.insert(*survivor, *merges);
            }
            Effect::Attach(_)
            | Effect::Detach { .. }
            | Effect::Seen { .. }
            | Effect::SetTrait { .. }
            | Effect::StoreEvent { .. }
            | Effect::UseRequest { .. }
            | Effect::ChangePolicy { .. } => {}
        }
    }
    for (survivor, merges) in survivors {
        columns.survivor_serials.push(number(survivor));
        columns.survivor_merges.push(i64::from(merges));
    }
}

/// A row of the table of identifiers: digest and slot.
type Row = (Digest, i64);

/// What became of one row within the batch.
#[derive(Default)]
struct Net<'a> {
    /// The row that was there before is gone.
    detached: bool,
    /// A row that is there afterwards, and the day it was last seen.
    attached: Option<(&'a Attachment, Day)>,
    /// The row that was there before stays, and was seen on a later day.
    seen: Option<Day>,
}

/// Rows of exclusive identifiers share slot 0, so that the table's key keeps them to one owner.
fn slot(exclusive: bool, serial: Serial) -> i64 {
    if exclusive { 0 } else { number(serial) }
}

/// Identifiers that a batch took away, put down and saw again.
pub(super) fn identifiers(effects: &[Effect], columns: &mut Columns) {
    let mut rows: BTreeMap<Row, Net<'_>> = BTreeMap::new();
    for effect in effects {
        match effect {
            Effect::Attach(attachment) => {
                let row = (attachment.digest, slot(attachment.exclusive, attachment.serial));
                rows.entry(row).or_default().attached = Some((attachment, attachment.seen_day));
            }
            Effect::Detach { digest, serial, exclusive } => {
                let net = rows.entry((*digest, slot(*exclusive, *serial))).or_default();
                if net.attached.take().is_none() {
                    *net = Net { detached: true, ..Net::default() };
                }
            }
            Effect::Seen { digest, serial, day, exclusive } => {
                let net = rows.entry((*digest, slot(*exclusive, *serial))).or_default();
                match &mut net.attached {
                    Some((_, seen)) => *seen = *day,
                    None => net.seen = Some(*day),
                }
            }
            Effect::CreateProfile { .. }
            | Effect::Merge { .. }
            | Effect::SetTrait { .. }
            | Effect::StoreEvent { .. }
            | Effect::UseRequest { .. }
            | Effect::ChangePolicy { .. } => {}
        }
    }
    // In the order of the key: two replicas that write the same rows lock them in the same order.
    for (row, net) in rows {
        put(row, &net, columns);
    }
}

fn put((digest, slot): Row, net: &Net<'_>, columns: &mut Columns) {
    if net.detached {
        columns.detached_digests.push(digest.to_bytes());
        columns.detached_slots.push(slot);
    }
    if let Some((attachment, seen_day)) = net.attached {
        columns.attached_digests.push(digest.to_bytes());
        columns.attached_slots.push(slot);
        columns.attached_profiles.push(number(attachment.serial));
        columns.attached_types.push(attachment.type_name.to_string());
        columns.attached_normalized.push(attachment.normalized.clone());
        columns.attached_raw.push(attachment.raw.clone());
        columns.attached_added_us.push(attachment.add_time.0);
        columns.attached_seen_day.push(i64::from(seen_day.0));
    } else if let Some(day) = net.seen {
        columns.seen_digests.push(digest.to_bytes());
        columns.seen_slots.push(slot);
        columns.seen_days.push(i64::from(day.0));
    }
}

/// Traits written: the last write of each row. The engine lets a write through only where it wins.
pub(super) fn traits(effects: &[Effect], columns: &mut Columns) {
    let mut rows: BTreeMap<(Serial, &str), &Effect> = BTreeMap::new();
    for effect in effects {
        if let Effect::SetTrait { serial, name, .. } = effect {
            rows.insert((*serial, name), effect);
        }
    }
    for effect in rows.into_values() {
        if let Effect::SetTrait { serial, name, value, time, position } = effect {
            columns.trait_profiles.push(number(*serial));
            columns.trait_names.push(name.clone());
            columns.trait_values.push(value.clone());
            columns.trait_time_us.push(time.0);
            columns.trait_positions.push(i64::from(position.0));
        }
    }
}
