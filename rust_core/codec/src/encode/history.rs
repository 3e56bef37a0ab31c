//! Entries of a profile's history.

use prost::Message;
use utterson_engine::call::{Call, CallKind};
use utterson_engine::explain::RuleId;
use utterson_engine::ids::{Micros, ProfileId};
use utterson_engine::outcome::Outcome;
use utterson_engine::plan::{Entry, Resolution};

use super::{change, demotion, timestamp};
use crate::proto::v1;

/// The entry of a call that touched profiles.
pub(super) fn of_call(call: &Call, resolution: &Resolution, commit_time: Micros, token: &str) -> Vec<u8> {
    let entry = v1::HistoryEntry {
        revision: token.to_owned(),
        commit_time: Some(timestamp(commit_time)),
        call: call.kind as i32,
        outcome: resolution.outcome as i32,
        decided_by: resolution.decided_by.as_str().to_owned(),
        policy_revision: resolution.policy_revision.0,
        profile_id: resolution.profile.map_or(0, |id| id.0),
        merged_profile_ids: resolution.merged.iter().map(|id| id.0).collect(),
        changes: resolution.changes.iter().map(change).collect(),
        demoted: resolution.demoted.iter().map(|one| demotion(call, one)).collect(),
    };
    entry.encode_to_vec()
}

/// The entry of a profile that was taken over.
pub(super) fn of_import(profile: ProfileId, log: &Entry, token: &str) -> Vec<u8> {
    let entry = v1::HistoryEntry {
        revision: token.to_owned(),
        commit_time: Some(timestamp(log.commit_time)),
        call: CallKind::Import as i32,
        outcome: Outcome::Created as i32,
        decided_by: RuleId::Import.as_str().to_owned(),
        policy_revision: log.policy_revision.0,
        profile_id: profile.0,
        ..v1::HistoryEntry::default()
    };
    entry.encode_to_vec()
}
