//! The flat columns of one commit: the net effect of a batch on each table, in the order of `commit_batch`.

pub mod array;
mod netting;
#[cfg(test)]
mod tests;

use std::ops::Range;

use array::{Array, Bigint, Bytea, Element, Integer, Text, Uuid};
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

/// Makes [`Columns`], and what follows from the list of its fields.
macro_rules! columns {
    ($($name:ident: $element:ident),+ $(,)?) => {
        /// The columns; times are microseconds, days days since 1970.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names are those of the arguments of `commit_batch`")]
        pub struct Columns {
            $(pub $name: Array<$element>),+
        }

        /// Each column's name and the type of its elements, in order.
        pub const COLUMNS: &[(&str, &str)] = &[$((stringify!($name), $element::TYPE_NAME)),+];

        impl Columns {
            /// Every column as Postgres reads it, in order.
            #[must_use]
            pub fn as_arrays(&self) -> [&[u8]; COLUMNS.len()] {
                [$(self.$name.as_bytes()),+]
            }
        }
    };
}

// The one list of columns. Their order is that of the arguments of `commit_batch`, which a test of the store holds
// against this list.
columns! {
    created_serials: Bigint,
    created_create_time_us: Bigint,
    created_source: Bigint,
    created_merges: Integer,
    loser_serials: Bigint,
    loser_merged_into: Bigint,
    detached_profiles: Bigint,
    detached_digests: Uuid,
    detached_slots: Bigint,
    attached_profiles: Bigint,
    attached_digests: Uuid,
    attached_slots: Bigint,
    attached_types: Text,
    attached_normalized: Text,
    attached_raw: Text,
    attached_added_us: Bigint,
    attached_seen_day: Integer,
    seen_profiles: Bigint,
    seen_digests: Uuid,
    seen_slots: Bigint,
    seen_days: Integer,
    trait_profiles: Bigint,
    trait_names: Text,
    trait_values: Bytea,
    trait_time_us: Bigint,
    trait_positions: Integer,
    event_profiles: Bigint,
    event_time_us: Bigint,
    event_positions: Integer,
    event_records: Bytea,
    history_profiles: Bigint,
    history_positions: Integer,
    history_records: Bytea,
    request_digests: Uuid,
    request_fingerprints: Bytea,
    request_positions: Integer,
    request_answers: Bytea,
    policy_revisions: Integer,
    policies: Bytea,
}

/// About how many bytes a type's name, a value and an entry of a history take.
const TYPE_BYTES: usize = 12;
const VALUE_BYTES: usize = 32;
const ENTRY_BYTES: usize = 80;

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
            attached_profiles: Array::with_room(attached, 8),
            attached_digests: Array::with_room(attached, 16),
            attached_slots: Array::with_room(attached, 8),
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
