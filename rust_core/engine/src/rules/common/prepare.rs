//! What both families do to a call's identifiers before any profile is looked for: C1 to C6, in this order.
//!
//! Faults of values are told before types that the policy rejects, and each kind all at once.

use crate::call::RawIdentifier;
use crate::decider::asked::{Asked, Fate, Usable};
use crate::fault::{Fault, Reason, Violation};
use crate::keyed::digest::{Digest, Digester};
use crate::policy::Policy;
use crate::rules::common::c4_unlisted::{self, Verdict};
use crate::rules::common::c6_duplicates::Seen;
use crate::rules::common::{c2_refuse, c3_block};
use crate::state::index::Near;

/// A call's identifiers after C1 to C6.
#[derive(Clone, Debug)]
pub struct Prepared<'c> {
    /// In the call's order; duplicates are left out (C6).
    pub asked: Vec<Asked<'c>>,
}

/// Applies C1 to C6 to a call's identifiers, whose shape is checked already.
///
/// # Errors
///
/// A value that C2 refuses, or a type that the policy rejects (C4); every field of the kind is named.
pub fn prepare<'c>(
    policy: &'c Policy,
    identifiers: &'c [RawIdentifier<'c>],
    digester: &Digester,
) -> Result<Prepared<'c>, Fault> {
    let mut asked = Vec::with_capacity(identifiers.len());
    prepare_into(policy, identifiers, digester, &mut asked)?;
    Ok(Prepared { asked })
}

/// As [`prepare`], behind what is `asked` already; after an error nothing was added.
///
/// # Errors
///
/// As [`prepare`].
pub fn prepare_into<'c>(
    policy: &'c Policy,
    identifiers: &'c [RawIdentifier<'c>],
    digester: &Digester,
    asked: &mut Vec<Asked<'c>>,
) -> Result<(), Fault> {
    let before = asked.len();
    let mut seen = Seen::with_capacity(identifiers.len());
    let mut refused = Vec::new();
    let mut rejected = Vec::new();
    for (position, identifier) in identifiers.iter().enumerate() {
        match judge(policy, digester, &identifier.type_name, &identifier.value) {
            Ok((digest, fate)) => {
                if seen.is_first(digest) {
                    asked.push(Asked { position, fate });
                }
            }
            Err(Refusal::Value(description)) => {
                refused.push(Violation::new(format!("identifiers[{position}].value"), description));
            }
            Err(Refusal::Type) => {
                rejected.push(Violation::new(format!("identifiers[{position}].type"), c4_unlisted::REJECTED));
            }
        }
    }
    if refused.is_empty() && rejected.is_empty() {
        return Ok(());
    }
    asked.truncate(before);
    if !refused.is_empty() {
        return Err(Fault::fields(Reason::FieldInvalid, refused));
    }
    Err(Fault::fields(Reason::TypeRejected, rejected))
}

/// Applies C1 to C4 to one value of a Modify, for example the `new_value` of `changes[2]`.
///
/// # Errors
///
/// A value that C2 refuses, or a type that the policy rejects (C4).
pub fn prepare_value<'c>(
    policy: &'c Policy,
    digester: &Digester,
    (type_name, value): (&'c str, &'c str),
    (path, value_field): (&str, &str),
) -> Result<Fate<'c>, Fault> {
    match judge(policy, digester, type_name, value) {
        Ok((_, fate)) => Ok(fate),
        Err(Refusal::Value(description)) => Err(Fault::field(format!("{path}.{value_field}"), description)),
        Err(Refusal::Type) => {
            let violation = Violation::new(format!("{path}.type"), c4_unlisted::REJECTED);
            Err(Fault::fields(Reason::TypeRejected, vec![violation]))
        }
    }
}

/// Applies C1, C2 and C4 to a value that a Modify is to replace or remove. A held value stays removable though it is
/// blocked by now, so C3 does not judge it. `None` if the policy ignores the type.
///
/// # Errors
///
/// As [`prepare_value`].
pub fn prepare_held<'c>(
    policy: &'c Policy,
    digester: &Digester,
    (type_name, value): (&'c str, &'c str),
    (path, value_field): (&str, &str),
) -> Result<Option<Usable<'c>>, Fault> {
    let status = policy.settings_of(type_name);
    let settings = status.settings();
    let normalized = c2_refuse::normalised(settings, value)
        .map_err(|fault| Fault::field(format!("{path}.{value_field}"), fault.description()))?;
    match c4_unlisted::judge(status, type_name) {
        Verdict::Taken(taken) => Ok(Some(Usable {
            digest: digester.identifier(type_name, &normalized),
            rank: taken.rank,
            settings: taken.settings,
            type_name,
            normalized,
            near: Near::UNKNOWN,
        })),
        Verdict::Ignored => Ok(None),
        Verdict::Rejected => {
            let violation = Violation::new(format!("{path}.type"), c4_unlisted::REJECTED);
            Err(Fault::fields(Reason::TypeRejected, vec![violation]))
        }
    }
}

/// Why an identifier makes its call be refused.
enum Refusal {
    Value(&'static str),
    Type,
}

fn judge<'c>(
    policy: &'c Policy,
    digester: &Digester,
    type_name: &'c str,
    value: &'c str,
) -> Result<(Digest, Fate<'c>), Refusal> {
    let status = policy.settings_of(type_name);
    let settings = status.settings();
    let normalized = c2_refuse::normalised(settings, value).map_err(|fault| Refusal::Value(fault.description()))?;
    let digest = digester.identifier(type_name, &normalized);
    if c3_block::is_blocked(policy, settings, &normalized) {
        return Ok((digest, Fate::Blocked));
    }
    let fate = match c4_unlisted::judge(status, type_name) {
        Verdict::Taken(taken) => {
            let (rank, settings, near) = (taken.rank, taken.settings, Near::UNKNOWN);
            Fate::Usable(Usable { rank, settings, type_name, normalized, digest, near })
        }
        Verdict::Ignored => Fate::IgnoredType,
        Verdict::Rejected => return Err(Refusal::Type),
    };
    Ok((digest, fate))
}

#[cfg(test)]
mod tests;
