//! Entries of a profile's history.

use std::sync::Arc;

use prost::Message;
use utterson_engine::answer::Resolution;
use utterson_engine::answer::explain::RuleId;
use utterson_engine::answer::outcome::{ChangedProfile, Outcome};
use utterson_engine::call::{Call, CallKind};
use utterson_engine::ids::{Micros, ProfileId};
use utterson_engine::plan::Entry;

use super::{put_changes, put_demotions, put_timestamp, timestamp};
use crate::proto::tags::v1::history_entry as tag;
use crate::proto::v1;
use crate::wire::Wire;

/// Writes the entry of a call that touched profiles.
pub(super) fn of_call(call: &Call, resolution: &Resolution, (commit_time, token): (Micros, &str), bytes: &mut Vec<u8>) {
    let mut wire = Wire(bytes);
    wire.text(tag::REVISION, token);
    put_timestamp(&mut wire, tag::COMMIT_TIME, commit_time);
    wire.signed(tag::CALL, call.kind as i64);
    wire.signed(tag::OUTCOME, resolution.outcome as i64);
    wire.text(tag::DECIDED_BY, resolution.decided_by.as_str());
    wire.signed(tag::POLICY_REVISION, i64::from(resolution.policy_revision.0));
    wire.signed(tag::PROFILE_ID, resolution.profile.map_or(0, |id| id.0));
    wire.packed(tag::MERGED_PROFILE_IDS, resolution.merged.iter().map(|id| id.0.cast_unsigned()));
    put_changes(&mut wire, tag::CHANGES, &resolution.changes);
    put_replaced(&mut wire, call, resolution);
    put_demotions(&mut wire, tag::DEMOTED, call, &resolution.demoted);
}

/// Tells of which types the call replaced values, and never which.
fn put_replaced(wire: &mut Wire<'_>, call: &Call, resolution: &Resolution) {
    if resolution.replaced().is_empty() {
        return;
    }
    let mut places = resolution.replaced().iter().map(|one| one.index).collect::<Vec<_>>();
    places.dedup();
    let told = |place: usize| {
        let type_name = Arc::from(&*call.identifiers.get(place)?.type_name);
        Some(ChangedProfile { type_name, profile: resolution.profile?, now_orphaned: false })
    };
    let changes: Vec<ChangedProfile> = places.into_iter().filter_map(told).collect();
    put_changes(wire, tag::CHANGES, &changes);
}

/// Writes the entry of a profile that was taken over.
pub(super) fn of_import(profile: ProfileId, log: &Entry, token: &str, bytes: &mut Vec<u8>) {
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
    bytes.extend_from_slice(&entry.encode_to_vec());
}
