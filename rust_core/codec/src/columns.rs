//! The flat columns of one commit: the net effect of a batch on each table, in the order of `commit_batch`.

mod netting;
#[cfg(test)]
mod tests;

use utterson_engine::ids::{Position, Serial};
use utterson_engine::plan::Effect;

/// One entry of a profile's history: profile, place of the call within the commit, encoded record.
pub type History = (Serial, u32, Vec<u8>);

/// A digest as the tables keep it.
pub type DigestBytes = [u8; 16];

/// The columns. The order of the fields is the order of the arguments; times are microseconds, days days since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the tables' columns")]
pub struct Columns {
    pub created_serials: Vec<i64>,
    pub created_create_time_us: Vec<i64>,
    pub created_source: Vec<i64>,
    pub created_merges: Vec<i64>,
    pub loser_serials: Vec<i64>,
    pub loser_merged_into: Vec<i64>,
    pub survivor_serials: Vec<i64>,
    pub survivor_merges: Vec<i64>,
    pub detached_digests: Vec<DigestBytes>,
    pub detached_slots: Vec<i64>,
    pub attached_digests: Vec<DigestBytes>,
    pub attached_slots: Vec<i64>,
    pub attached_profiles: Vec<i64>,
    pub attached_types: Vec<String>,
    pub attached_normalized: Vec<String>,
    pub attached_raw: Vec<String>,
    pub attached_added_us: Vec<i64>,
    pub attached_seen_day: Vec<i64>,
    pub seen_digests: Vec<DigestBytes>,
    pub seen_slots: Vec<i64>,
    pub seen_days: Vec<i64>,
    pub trait_profiles: Vec<i64>,
    pub trait_names: Vec<String>,
    pub trait_values: Vec<Option<Vec<u8>>>,
    pub trait_time_us: Vec<i64>,
    pub trait_positions: Vec<i64>,
    pub event_profiles: Vec<i64>,
    pub event_time_us: Vec<i64>,
    pub event_positions: Vec<i64>,
    pub event_records: Vec<Vec<u8>>,
    pub history_profiles: Vec<i64>,
    pub history_positions: Vec<i64>,
    pub history_records: Vec<Vec<u8>>,
    pub request_digests: Vec<DigestBytes>,
    pub request_fingerprints: Vec<DigestBytes>,
    pub request_positions: Vec<i64>,
    pub request_answers: Vec<Vec<u8>>,
    pub policy_revisions: Vec<i64>,
    pub policies: Vec<Vec<u8>>,
}

/// The net effect of a batch. `answer` gives the encoded answer to the call at a place, for the table of requests.
pub fn net(effects: &[Effect], history: Vec<History>, answer: impl Fn(Position) -> Vec<u8>) -> Columns {
    let mut columns = Columns::default();
    netting::profiles(effects, &mut columns);
    netting::identifiers(effects, &mut columns);
    netting::traits(effects, &mut columns);
    for effect in effects {
        columns.take_single(effect, &answer);
    }
    for (serial, position, record) in history {
        columns.history_profiles.push(number(serial));
        columns.history_positions.push(i64::from(position));
        columns.history_records.push(record);
    }
    columns
}

fn number(serial: Serial) -> i64 {
    i64::from(serial.0)
}

impl Columns {
    /// Takes effects that never touch the same row twice.
    fn take_single(&mut self, effect: &Effect, answer: &impl Fn(Position) -> Vec<u8>) {
        match effect {
            Effect::StoreEvent { serial, time, position, record } => {
                self.event_profiles.push(serial.map_or(0, number));
                self.event_time_us.push(time.0);
                self.event_positions.push(i64::from(position.0));
                self.event_records.push(record.clone());
            }
            Effect::UseRequest { digest, fingerprint, position } => {
                self.request_digests.push(digest.to_bytes());
                self.request_fingerprints.push(fingerprint.to_bytes());
                self.request_positions.push(i64::from(position.0));
                self.request_answers.push(answer(*position));
            }
            Effect::ChangePolicy { revision, encoded, .. } => {
                self.policy_revisions.push(i64::from(revision.0));
                self.policies.push(encoded.clone());
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
