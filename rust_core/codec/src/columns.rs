//! The flat columns of one commit: the net effect of a batch on each table, in the order of `commit_batch`.

pub mod array;
mod netting;
#[cfg(test)]
mod tests;

use array::{Array, Bigint, Bytea, Integer, Text};
use utterson_engine::ids::{Position, Serial};
use utterson_engine::plan::Effect;

/// One entry of a profile's history: profile, place of the call within the commit, encoded record.
pub type History = (Serial, u32, Vec<u8>);

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
    pub survivor_serials: Array<Bigint>,
    pub survivor_merges: Array<Integer>,
    pub detached_digests: Array<Bytea>,
    pub detached_slots: Array<Bigint>,
    pub attached_digests: Array<Bytea>,
    pub attached_slots: Array<Bigint>,
    pub attached_profiles: Array<Bigint>,
    pub attached_types: Array<Text>,
    pub attached_normalized: Array<Text>,
    pub attached_raw: Array<Text>,
    pub attached_added_us: Array<Bigint>,
    pub attached_seen_day: Array<Integer>,
    pub seen_digests: Array<Bytea>,
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
    pub request_digests: Array<Bytea>,
    pub request_fingerprints: Array<Bytea>,
    pub request_positions: Array<Integer>,
    pub request_answers: Array<Bytea>,
    pub policy_revisions: Array<Integer>,
    pub policies: Array<Bytea>,
}

/// How many columns there are.
pub const COLUMN_COUNT: usize = 39;

/// The net effect of a batch. `answer` gives the encoded answer to the call at a place, for the table of requests.
pub fn net<A: AsRef<[u8]>>(effects: &[Effect], history: Vec<History>, answer: impl Fn(Position) -> A) -> Columns {
    let mut columns = Columns::default();
    netting::profiles(effects, &mut columns);
    netting::identifiers(effects, &mut columns);
    netting::traits(effects, &mut columns);
    for effect in effects {
        columns.take_single(effect, &answer);
    }
    for (serial, position, record) in history {
        columns.history_profiles.push(&number(serial));
        columns.history_positions.push(&small(position));
        columns.history_records.push(&record);
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
            survivor_serials,
            survivor_merges,
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
    fn take_single<A: AsRef<[u8]>>(&mut self, effect: &Effect, answer: &impl Fn(Position) -> A) {
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
                self.request_answers.push(answer(*position).as_ref());
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
