//! The flat columns of one commit: the net effect of a batch on each table, in the order of `commit_batch`.

pub mod array;
mod netting;
#[cfg(test)]
mod tests;

use std::ops::Range;

use array::{Array, Bigint, Bytea, Integer, Text, Uuid};
use utterson_engine::ids::{Position, Serial};
use utterson_engine::plan::Effect;

/// New entries of profiles' histories.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Profile, place of the call within the commit, where its record is.
    pub entries: Vec<(Serial, u32, Range<usize>)>,
    /// Encoded records, one after the other.
    pub records: Vec<u8>,
}

impl History {
    /// Adds a record and answers where it is.
    pub fn record(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
        let begin = self.records.len();
        write(&mut self.records);
        begin..self.records.len()
    }
}

/// The columns. The order of the fields is the order of the arguments; times are microseconds, days days since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the tables' columns")]
pub struct Columns {
    pub created_serials: Array<Bigint>,
    pub created_create_time_us: Array<Bigint>,
    pub created_source: Array<Bigint>,
    pub created_merges: Array<Integer>,
    pub loser_serials: Array<Bigint>,
    pub loser_merged_into: Array<Bigint>,
    pub detached_digests: Array<Uuid>,
    pub detached_slots: Array<Bigint>,
    pub attached_digests: Array<Uuid>,
    pub attached_slots: Array<Bigint>,
    pub attached_profiles: Array<Bigint>,
    pub attached_types: Array<Text>,
    pub attached_normalized: Array<Text>,
    pub attached_raw: Array<Text>,
    pub attached_added_us: Array<Bigint>,
    pub attached_seen_day: Array<Integer>,
    pub seen_digests: Array<Uuid>,
    pub seen_slots: Array<Bigint>,
    pub seen_days: Array<Integer>,
    pub trait_profiles: Array<Bigint>,
    pub trait_names: Array<Text>,
    pub trait_values: Array<Bytea>,
    pub trait_time_us: Array<Bigint>,
    pub trait_positions: Array<Integer>,
    pub event_profiles: Array<Bigint>,
    pub event_time_us: Array<Bigint>,
    pub event_positions: Array<Integer>,
    pub event_records: Array<Bytea>,
    pub history_profiles: Array<Bigint>,
    pub history_positions: Array<Integer>,
    pub history_records: Array<Bytea>,
    pub request_digests: Array<Uuid>,
    pub request_fingerprints: Array<Bytea>,
    pub request_positions: Array<Integer>,
    pub request_answers: Array<Bytea>,
    pub policy_revisions: Array<Integer>,
    pub policies: Array<Bytea>,
}

/// About how many bytes a type's name, a value and an entry of a history take.
const TYPE_BYTES: usize = 12;
const VALUE_BYTES: usize = 32;
const ENTRY_BYTES: usize = 80;

/// How many columns there are.
pub const COLUMN_COUNT: usize = 37;

/// The net effect of a batch. `answer` gives the encoded answer to the call at a place, for the table of requests.
pub fn net<'a>(effects: &[Effect], history: &History, answer: impl Fn(Position) -> &'a [u8]) -> Columns {
    let mut columns = Columns::with_room(effects, history.entries.len());
    netting::profiles(effects, &mut columns);
    netting::identifiers(effects, &mut columns);
    netting::traits(effects, &mut columns);
    for effect in effects {
        columns.take_single(effect, &answer);
    }
    for (serial, position, record) in &history.entries {
        columns.history_profiles.push(&number(*serial));
        columns.history_positions.push(&small(*position));
        columns.history_records.push(&history.records[record.clone()]);
    }
    columns
}

fn number(serial: Serial) -> i64 {
    i64::from(serial.0)
}

/// Counts that no batch reaches; one past the column's type would be refused by a constraint, not wrap around.
fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

impl Columns {
    /// Columns that need not grow for the effects that nearly every batch has.
    fn with_room(effects: &[Effect], entries: usize) -> Self {
        let created = effects.iter().filter(|effect| matches!(effect, Effect::CreateProfile { .. })).count();
        let attached = effects.iter().filter(|effect| matches!(effect, Effect::Attach(_))).count();
        Self {
            created_serials: Array::with_room(created, 8),
            created_create_time_us: Array::with_room(created, 8),
            created_source: Array::with_room(created, 8),
            created_merges: Array::with_room(created, 4),
            attached_digests: Array::with_room(attached, 16),
            attached_slots: Array::with_room(attached, 8),
            attached_profiles: Array::with_room(attached, 8),
            attached_types: Array::with_room(attached, TYPE_BYTES),
            attached_normalized: Array::with_room(attached, VALUE_BYTES),
            attached_raw: Array::with_room(attached, VALUE_BYTES),
            attached_added_us: Array::with_room(attached, 8),
            attached_seen_day: Array::with_room(attached, 4),
            history_profiles: Array::with_room(entries, 8),
            history_positions: Array::with_room(entries, 4),
            history_records: Array::with_room(entries, ENTRY_BYTES),
            ..Self::default()
        }
    }

    /// Every column as Postgres reads it, in order. Taken apart by name, so that a column that is added cannot be forgotten here.
    #[must_use]
    pub fn as_arrays(&self) -> [&[u8]; COLUMN_COUNT] {
        macro_rules! arrays {
            ($($name:ident),+ $(,)?) => {{
                let Self { $($name),+ } = self;
                [$($name.as_bytes()),+]
            }};
        }
        arrays!(
            created_serials,
            created_create_time_us,
            created_source,
            created_merges,
            loser_serials,
            loser_merged_into,
            detached_digests,
            detached_slots,
            attached_digests,
            attached_slots,
            attached_profiles,
            attached_types,
            attached_normalized,
            attached_raw,
            attached_added_us,
            attached_seen_day,
            seen_digests,
            seen_slots,
            seen_days,
            trait_profiles,
            trait_names,
            trait_values,
            trait_time_us,
            trait_positions,
            event_profiles,
            event_time_us,
            event_positions,
            event_records,
            history_profiles,
            history_positions,
            history_records,
            request_digests,
            request_fingerprints,
            request_positions,
            request_answers,
            policy_revisions,
            policies,
        )
    }

    /// Takes effects that never touch the same row twice.
    fn take_single<'a>(&mut self, effect: &Effect, answer: &impl Fn(Position) -> &'a [u8]) {
        match effect {
            Effect::StoreEvent { serial, time, position, record } => {
                self.event_profiles.push(&serial.map_or(0, number));
                self.event_time_us.push(&time.0);
                self.event_positions.push(&small(position.0));
                self.event_records.push(record);
            }
            Effect::UseRequest { digest, fingerprint, position } => {
                self.request_digests.push(&digest.to_bytes());
                self.request_fingerprints.push(&fingerprint.to_bytes());
                self.request_positions.push(&small(position.0));
                self.request_answers.push(answer(*position));
            }
            Effect::ChangePolicy { revision, encoded, .. } => {
                self.policy_revisions.push(&revision.0);
                self.policies.push(encoded);
            }
            Effect::CreateProfile { .. }
            | Effect::Attach(_)
            | Effect::Detach { .. }
            | Effect::Seen { .. }
            | Effect::Merge { .. }
            | Effect::SetTrait { .. } => {}
        }
    }
}
