//! The answer to a call that was accepted.

use prost::Message;
use utterson_engine::call::Call;
use utterson_engine::explain::{Check, Explanation, Round};
use utterson_engine::ids::ProfileId;
use utterson_engine::plan::Resolution;

use super::{change, demotion, identifier_at};
use crate::proto::v1;

/// Encodes a resolution; `token` is that of its revision.
pub(super) fn resolution(resolution: &Resolution, call: &Call, token: &str) -> Vec<u8> {
    let identifiers = resolution.identifiers.iter().map(|result| v1::IdentifierResult {
        identifier: identifier_at(call, result.index),
        disposition: result.disposition as i32,
        reason: result.reason.map_or(0, |reason| reason as i32),
    });
    let message = v1::Resolution {
        profile_id: number(resolution.profile),
        outcome: resolution.outcome as i32,
        known: resolution.known,
        source_profile_id: number(resolution.source),
        merged_profile_ids: resolution.merged.iter().map(|id| id.0).collect(),
        identifiers: identifiers.collect(),
        demoted: resolution.demoted.iter().map(|one| demotion(call, one)).collect(),
        changes: resolution.changes.iter().map(change).collect(),
        warnings: resolution.warnings.clone(),
        explanation: resolution.explanation.as_ref().map(|explanation| explained(explanation, call)),
        policy_revision: resolution.policy_revision.0,
        revision: token.to_owned(),
    };
    message.encode_to_vec()
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
