//! The answer to a call that was accepted.

use prost::Message;
use utterson_engine::answer::Resolution;
use utterson_engine::answer::explain::{Check, Explanation, Round};
use utterson_engine::answer::outcome::Replaced;
use utterson_engine::call::Call;
use utterson_engine::ids::ProfileId;

use super::left::Left;
use super::{demotion, identifier_at, put_changes, put_demotions, put_identifier, put_timestamp, sent_at};
use crate::proto::tags::v1::{identifier as identifier_tag, identifier_result as result_tag, resolution as tag};
use crate::proto::v1;
use crate::wire::Wire;

/// Answers of so many bytes together have no further explanations: those of one message can be a hundred times as long
/// as the message.
const MAX_EXPLAINED_BYTES: usize = 2 << 20;

/// Said where an explanation was asked for and is not told.
const UNEXPLAINED: &str = "The explanation is left out: those of the calls before it are too long already.";

/// Writes a resolution behind those of the calls before; `token` is that of its revision, `left` has the values that the
/// plan does not know itself.
pub(super) fn resolution(resolution: &Resolution, call: &Call, (token, left): (&str, &Left), bytes: &mut Vec<u8>) {
    let explanation = resolution.explanation.as_deref();
    let (told, left_out) = if bytes.len() < MAX_EXPLAINED_BYTES { (explanation, None) } else { (None, explanation) };
    let mut wire = Wire(bytes);
    wire.signed(tag::PROFILE_ID, number(resolution.profile));
    wire.signed(tag::OUTCOME, resolution.outcome as i64);
    wire.number(tag::KNOWN, u64::from(resolution.known));
    wire.signed(tag::SOURCE_PROFILE_ID, number(resolution.source));
    wire.packed(tag::MERGED_PROFILE_IDS, resolution.merged.iter().map(|id| id.0.cast_unsigned()));
    for result in &resolution.identifiers {
        wire.message(tag::IDENTIFIERS, |wire| {
            put_identifier(wire, result_tag::IDENTIFIER, call, result.index);
            wire.signed(result_tag::DISPOSITION, result.disposition as i64);
            wire.signed(result_tag::REASON, result.reason.map_or(0, |reason| reason as i64));
            wire.signed(result_tag::INVALID_REASON, result.invalid.map_or(0, |reason| reason as i64));
            for one in resolution.replaced().iter().filter(|one| one.index == result.index) {
                put_replaced(wire, call, one, left);
            }
        });
    }
    put_demotions(&mut wire, tag::DEMOTED, call, &resolution.demoted);
    put_changes(&mut wire, tag::CHANGES, &resolution.changes);
    for warning in &resolution.warnings {
        wire.present_bytes(tag::WARNINGS, warning.as_bytes());
    }
    if left_out.is_some() {
        wire.present_bytes(tag::WARNINGS, UNEXPLAINED.as_bytes());
    }
    if let Some(explanation) = told {
        wire.present_bytes(tag::EXPLANATION, &explained(explanation, call).encode_to_vec());
    }
    wire.signed(tag::POLICY_REVISION, i64::from(resolution.policy_revision.0));
    wire.text(tag::REVISION, token);
    if let Some(time) = resolution.event_time_adjusted() {
        put_timestamp(&mut wire, tag::EVENT_TIME_ADJUSTED, time);
    }
}

/// A value that left the profile, with the type of the one that took its place.
fn put_replaced(wire: &mut Wire<'_>, call: &Call, one: &Replaced, left: &Left) {
    let Some((type_name, _)) = sent_at(call, one.index) else { return };
    wire.message(result_tag::REPLACED, |wire| {
        wire.text(identifier_tag::TYPE, type_name);
        wire.text(identifier_tag::VALUE, left.value_of(one));
    });
}

fn number(profile: Option<ProfileId>) -> i64 {
    profile.map_or(0, |id| id.0)
}

fn explained(explanation: &Explanation, call: &Call) -> v1::Explanation {
    v1::Explanation {
        rounds: (1..).zip(&explanation.rounds).map(|(place, one)| round(place, one, call)).collect(),
        decided_by: explanation.decided_by.as_str().to_owned(),
    }
}

fn round(place: i32, round: &Round, call: &Call) -> v1::ExplanationRound {
    let found = round
        .found
        .iter()
        .map(|&(profile, index)| v1::FoundProfile { profile_id: profile.0, identifier: identifier_at(call, index) });
    v1::ExplanationRound {
        round: place,
        looked_for: round.looked_for.iter().filter_map(|&index| identifier_at(call, index)).collect(),
        found: found.collect(),
        found_count: signed(round.found_count),
        checks: round.checks.iter().map(check).collect(),
        demoted: round.demoted.as_ref().map(|one| demotion(call, one)),
    }
}

fn check(check: &Check) -> v1::RuleCheck {
    v1::RuleCheck {
        rule: check.rule.as_str().to_owned(),
        figure: signed(check.figure),
        limit: signed(check.limit),
        passed: check.passed,
    }
}

fn signed(figure: u64) -> i64 {
    i64::try_from(figure).unwrap_or(i64::MAX)
}
