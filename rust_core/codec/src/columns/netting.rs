//! Effects on the same row, taken together: each table's statement touches a row at most once.

use utterson_engine::ids::{Day, Serial};
use utterson_engine::keyed::digest::Digest;
use utterson_engine::plan::{Attachment, Effect};

use super::{Columns, number, small};

/// Profiles made and joined. How many merges a survivor has behind it follows from that.
pub(super) fn profiles(effects: &[Effect], columns: &mut Columns) {
    for effect in effects {
        match effect {
            Effect::CreateProfile { serial, create_time, source, merges } => {
                columns.created_serials.push(&number(*serial));
                columns.created_create_time_us.push(&create_time.0);
                columns.created_source.push(&source.map_or(0, number));
                columns.created_merges.push(&small(*merges));
            }
            Effect::Merge { loser, survivor, .. } => {
                columns.loser_serials.push(&number(*loser));
                columns.loser_merged_into.push(&number(*survivor));
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
}

/// A row of the table of identifiers: whose, and which.
type Row = (Serial, Digest);

/// An effect on a row, in short: the profile and the upper quarter of the digest tell nearly all rows apart.
struct Touch {
    high: u64,
    place: u32,
}

fn high((serial, digest): Row) -> u64 {
    u64::from(serial.0) << 32 | Digest(digest.0 >> 96).low()
}

/// What became of one row within the batch.
#[derive(Default)]
struct Net<'a> {
    /// The slot of the row that was there before and is gone.
    detached: Option<i64>,
    /// A row that is there afterwards, and the day it was last seen.
    attached: Option<(&'a Attachment, Day)>,
    /// The slot of the row that was there before and stays, and the later day on which it was seen.
    seen: Option<(i64, Day)>,
}

/// How a row says whether it is exclusive: by 0, or else by its profile again.
fn slot(exclusive: bool, serial: Serial) -> i64 {
    if exclusive { 0 } else { number(serial) }
}

/// The row of identifiers that an effect touches.
fn row(effect: &Effect) -> Option<Row> {
    match effect {
        Effect::Attach(attachment) => Some((attachment.serial, attachment.digest)),
        Effect::Detach { digest, serial, .. } | Effect::Seen { digest, serial, .. } => Some((*serial, *digest)),
        Effect::CreateProfile { .. }
        | Effect::Merge { .. }
        | Effect::SetTrait { .. }
        | Effect::StoreEvent { .. }
        | Effect::UseRequest { .. }
        | Effect::ChangePolicy { .. } => None,
    }
}

/// Identifiers that a batch took away, put down and saw again.
pub(super) fn identifiers(effects: &[Effect], columns: &mut Columns) {
    let mut touched: Vec<Touch> = Vec::with_capacity(effects.len());
    touched.extend((0..).zip(effects).filter_map(|(place, effect)| Some(Touch { high: high(row(effect)?), place })));
    let row_at = |touch: &Touch| row(&effects[touch.place as usize]);
    // In the order of the key: two replicas that write the same rows lock them in the same order, and neighbours in
    // the index are written together. Effects on one row stay in their order.
    touched.sort_unstable_by(|one, other| {
        let same = || row_at(one).cmp(&row_at(other)).then(one.place.cmp(&other.place));
        one.high.cmp(&other.high).then_with(same)
    });
    for group in touched.chunk_by(|one, other| one.high == other.high && row_at(one) == row_at(other)) {
        let mut net = Net::default();
        for touch in group {
            net.take(&effects[touch.place as usize]);
        }
        if let Some(row) = group.first().and_then(row_at) {
            net.put(row, columns);
        }
    }
}

impl<'a> Net<'a> {
    fn take(&mut self, effect: &'a Effect) {
        match effect {
            Effect::Attach(attachment) => self.attached = Some((attachment, attachment.seen_day)),
            Effect::Detach { serial, exclusive, .. } => {
                if self.attached.take().is_none() {
                    *self = Net { detached: Some(slot(*exclusive, *serial)), ..Net::default() };
                }
            }
            Effect::Seen { serial, day, exclusive, .. } => match &mut self.attached {
                Some((_, seen)) => *seen = *day,
                None => self.seen = Some((slot(*exclusive, *serial), *day)),
            },
            Effect::CreateProfile { .. }
            | Effect::Merge { .. }
            | Effect::SetTrait { .. }
            | Effect::StoreEvent { .. }
            | Effect::UseRequest { .. }
            | Effect::ChangePolicy { .. } => {}
        }
    }

    fn put(&self, (serial, digest): Row, columns: &mut Columns) {
        let (profile, digest) = (number(serial), digest.to_bytes());
        if let Some(slot) = self.detached {
            columns.detached_profiles.push(&profile);
            columns.detached_digests.push(&digest);
            columns.detached_slots.push(&slot);
        }
        if let Some((attachment, seen_day)) = self.attached {
            columns.attached_profiles.push(&profile);
            columns.attached_digests.push(&digest);
            columns.attached_slots.push(&slot(attachment.exclusive, serial));
            columns.attached_types.push(&attachment.type_name);
            columns.attached_normalized.push(attachment.normalized());
            columns.attached_raw.push(&attachment.raw);
            columns.attached_added_us.push(&attachment.add_time.0);
            columns.attached_seen_day.push(&seen_day.0);
        } else if let Some((slot, day)) = self.seen {
            columns.seen_profiles.push(&profile);
            columns.seen_digests.push(&digest);
            columns.seen_slots.push(&slot);
            columns.seen_days.push(&day.0);
        }
    }
}

/// Traits written: the last write of each row. The engine lets a write through only where it wins.
pub(super) fn traits(effects: &[Effect], columns: &mut Columns) {
    let mut written: Vec<((Serial, &str), &Effect)> = Vec::new();
    for effect in effects {
        if let Effect::SetTrait { serial, name, .. } = effect {
            written.push(((*serial, name), effect));
        }
    }
    written.sort_by_key(|(row, _)| *row);
    for group in written.chunk_by(|(one, _), (other, _)| one == other) {
        if let Some((_, Effect::SetTrait { serial, name, value, time, position })) = group.last() {
            columns.trait_profiles.push(&number(*serial));
            columns.trait_names.push(name);
            columns.trait_values.push_optional(value.as_deref());
            columns.trait_time_us.push(&time.0);
            columns.trait_positions.push(&small(position.0));
        }
    }
}
