//! Where a policy contradicts itself, every fault named at once.

use std::collections::BTreeMap;

use crate::fault::Violation;
use crate::normalize::Region;
use crate::policy::spec::{PolicySpec, StrategySpec, TypeSpec};

/// The most types that a policy lists.
pub const MAX_TYPES: usize = 1000;
/// The most blocked patterns of a policy, over all its lists.
pub const MAX_PATTERNS: usize = 1000;

/// The furthest ahead of the commit time that a policy may let event times be, in microseconds: 7 days (rule C11).
pub const MAX_FUTURE_TOLERANCE_US: i64 = 7 * crate::ids::Micros::DAY_US;

const TYPE_NAME: &str = "must match [a-z][a-z0-9_.]{0,62}";

/// The bytes that names of types are made of: every call's types are looked at.
const OF_A_NAME: [bool; 256] = {
    let mut good = [false; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        good[byte as usize] = matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
        byte += 1;
    }
    good
};

/// Whether a type's name is well formed: `[a-z][a-z0-9_.]{0,62}` (rule C2).
#[must_use]
pub fn is_type_name(name: &str) -> bool {
    let begins_well = name.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
    begins_well && name.len() <= 63 && name.bytes().fold(true, |all, byte| all & OF_A_NAME[usize::from(byte)])
}

/// How many blocked patterns a policy holds in all, named lists apart.
pub fn pattern_count(spec: &PolicySpec) -> usize {
    let types = spec.identifier_types.iter().chain(&spec.default_type);
    types.fold(spec.blocked.len(), |count, written| count.saturating_add(written.blocked.len()))
}

fn check_lists(spec: &PolicySpec, root: &str, violations: &mut Vec<Violation>) {
    for (position, list) in spec.blocked_lists.iter().enumerate() {
        if spec.blocked_lists[..position].contains(list) {
            violations.push(Violation::new(format!("{root}.blocked_lists[{position}]"), "must be named once"));
        }
    }
    for (position, given) in spec.expanded_lists.iter().enumerate() {
        if spec.expanded_lists[..position].iter().any(|other| other.list == given.list) {
            violations.push(Violation::new(format!("{root}.expanded_lists[{position}]"), "must be given once"));
        }
    }
}

/// Adds every fault of the policy at `root` but those of its patterns.
pub fn check(spec: &PolicySpec, root: &str, violations: &mut Vec<Violation>) {
    check_strategy(spec.strategy.as_ref(), root, violations);
    if spec.future_tolerance_us.is_some_and(|tolerance| !(0..=MAX_FUTURE_TOLERANCE_US).contains(&tolerance)) {
        violations.push(Violation::new(format!("{root}.future_tolerance"), "must be between 0s and 604800s (7 days)"));
    }
    check_lists(spec, root, violations);
    if pattern_count(spec) > MAX_PATTERNS {
        violations.push(Violation::new(root, format!("must hold at most {MAX_PATTERNS} blocked patterns in all")));
    }
    if spec.identifier_types.len() > MAX_TYPES {
        let path = format!("{root}.identifier_types");
        violations.push(Violation::new(path, format!("must list at most {MAX_TYPES} types")));
        return;
    }
    let mut first_positions: BTreeMap<&str, usize> = BTreeMap::new();
    for (position, written) in spec.identifier_types.iter().enumerate() {
        let path = format!("{root}.identifier_types[{position}]");
        if !is_type_name(&written.name) {
            violations.push(Violation::new(format!("{path}.name"), TYPE_NAME));
        }
        let first = *first_positions.entry(&written.name).or_insert(position);
        if first != position {
            let description = format!("must differ from identifier_types[{first}].name");
            violations.push(Violation::new(format!("{path}.name"), description));
        }
        check_type(written, spec.strategy.as_ref(), &path, violations);
    }
    if let Some(written) = &spec.default_type {
        let path = format!("{root}.default_type");
        if !written.name.is_empty() {
            violations.push(Violation::new(format!("{path}.name"), "must be empty: it stands for every unlisted type"));
        }
        check_type(written, spec.strategy.as_ref(), &path, violations);
    }
}

fn check_strategy(strategy: Option<&StrategySpec>, root: &str, violations: &mut Vec<Violation>) {
    match strategy {
        None => violations.push(Violation::new(root, "must hold a strategy: either merge or isolation")),
        Some(StrategySpec::Merge { .. }) => {}
        Some(StrategySpec::Isolation { on_new_known_user, on_logout, login_match: _ }) => {
            let unset = [("on_new_known_user", on_new_known_user.is_none()), ("on_logout", on_logout.is_none())];
            for (field, _) in unset.into_iter().filter(|&(_, unset)| unset) {
                let path = format!("{root}.isolation.{field}");
                // A number that the decoder could not read is told already.
                if violations.iter().all(|violation| violation.field != path) {
                    violations.push(Violation::new(path, "must be given"));
                }
            }
        }
    }
}

fn check_type(written: &TypeSpec, strategy: Option<&StrategySpec>, path: &str, violations: &mut Vec<Violation>) {
    let mut refuse = |field: &str, description: &str| {
        violations.push(Violation::new(format!("{path}.{field}"), description));
    };
    if !written.region.is_empty() && Region::parse(&written.region).is_none() {
        refuse("region", "must be an ISO 3166 code of two capital letters that has phone numbers, such as GB");
    }
    match strategy {
        Some(StrategySpec::Merge { .. }) => {
            let flags = [("unique", written.unique), ("login", written.login), ("immutable", written.immutable)];
            for (field, _) in flags.into_iter().filter(|&(_, set)| set) {
                refuse(field, "must not be set in a merge policy; it belongs to the isolation family");
            }
        }
        Some(StrategySpec::Isolation { .. }) => {
            if written.limit.is_some() {
                refuse("limit", "must not be set in an isolation policy; it belongs to the merge family");
            }
            if written.immutable && !(written.unique && written.login) {
                refuse("immutable", "must not be set without both unique and login");
            }
        }
        None => {}
    }
}

#[cfg(test)]
mod tests;
