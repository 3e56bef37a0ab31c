//! Single fields: what C2 says of them without a policy.

use prost_types::Timestamp;
use utterson_engine::call::{Consistency, RawIdentifier};
use utterson_engine::fault::{Fault, Violation};
use utterson_engine::ids::{Micros, ProfileId};
use utterson_engine::rules::common::c2_refuse;

use crate::proto::v1;

/// The most bytes of a name or an id.
pub(super) const MAX_TEXT_BYTES: usize = 256;
/// What the id of a profile must be.
pub(super) const PROFILE_ID: &str = "must be above 0 and below 2^53";
/// What the id of the profile before must be.
pub(super) const PREVIOUS_PROFILE_ID: &str = "must be 0 (none), or above 0 and below 2^53";

const WORKSPACE: &str = "must match [a-z][a-z0-9-]{0,62}";
const TIME: &str = "must be a time from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z";
const FIRST_SECOND: i64 = -62_135_596_800;
const LAST_SECOND: i64 = 253_402_300_799;

pub(super) fn check_workspace(workspace: &str, path: &str) -> Result<(), Violation> {
    let tail = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let good = match workspace.as_bytes() {
        [first, rest @ ..] => first.is_ascii_lowercase() && rest.len() <= 62 && rest.iter().all(tail),
        [] => false,
    };
    if good { Ok(()) } else { Err(Violation::new(path, WORKSPACE)) }
}

pub(super) fn check_identifiers(identifiers: &[RawIdentifier<'_>], path: &str, violations: &mut Vec<Violation>) {
    take_over(c2_refuse::check_shape(identifiers, path), violations);
}

fn take_over(checked: Result<(), Fault>, violations: &mut Vec<Violation>) {
    if let Err(fault) = checked {
        violations.extend(fault.violations);
    }
}

/// A profile's id, 0 not included.
pub(super) fn profile_id(id: i64) -> Option<ProfileId> {
    (id > 0 && id < 1 << 53).then_some(ProfileId(id))
}

/// A time, cut to microseconds.
pub(super) fn time(sent: Option<Timestamp>, path: &str, violations: &mut Vec<Violation>) -> Option<Micros> {
    let Timestamp { seconds, nanos } = sent?;
    if !(FIRST_SECOND..=LAST_SECOND).contains(&seconds) || !(0..1_000_000_000).contains(&nanos) {
        violations.push(Violation::new(path, TIME));
        return None;
    }
    // Nanoseconds count forward also before 1970, so cutting rounds down.
    Some(Micros(seconds * 1_000_000 + i64::from(nanos / 1_000)))
}

pub(super) fn check_text(text: &str, path: &str, violations: &mut Vec<Violation>) {
    if text.len() > MAX_TEXT_BYTES {
        violations.push(Violation::new(path, format!("must be at most {MAX_TEXT_BYTES} bytes long")));
    }
    if text.contains('\0') {
        violations.push(Violation::new(path, "must not hold U+0000"));
    }
}

pub(super) fn consistency(number: i32) -> Option<Consistency> {
    match v1::Consistency::try_from(number) {
        Ok(v1::Consistency::Unspecified) => Some(Consistency::Default),
        Ok(v1::Consistency::Strong) => Some(Consistency::Strong),
        Ok(v1::Consistency::Local) => Some(Consistency::Local),
        Err(_) => None,
    }
}
