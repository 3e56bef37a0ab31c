//! What both families do to a call's identifiers before any profile is looked for: C1, C3, C4, C12 and C6, in this
//! order. Workspaces of 0.1 judge in another one ([`rules_0`]).
//!
//! Types that the policy rejects are told before faults of values, as C4 comes before C12, and each kind all at once.

mod rules_0;

use std::borrow::Cow;

use crate::call::RawIdentifier;
use crate::decider::asked::{Asked, Fate, Usable};
use crate::fault::{Fault, Reason, Violation};
use crate::keyed::digest::{Digest, Digester};
use crate::normalize::{ValueFault, is_plain, judge as judge_form, trim};
use crate::policy::{InvalidIdentifiers, Policy, TypeSettings, TypeStatus};
use crate::rules::common::c4_unlisted::{self, Verdict};
use crate::rules::common::c6_duplicates::Seen;
use crate::rules::common::{c1_normalise, c3_block, c12_invalid};
use crate::rules_version::RulesVersion;
use crate::state::index::Near;

/// A call's identifiers after C1 to C6 and C12.
#[derive(Clone, Debug)]
pub struct Prepared<'c> {
    /// In the call's order; duplicates are left out (C6).
    pub asked: Vec<Asked<'c>>,
}

/// Prepares the identifiers of an imported profile, whose shape is checked already: invalid values are refused whatever
/// the policy says (C12).
///
/// # Errors
///
/// An invalid value, or a type that the policy rejects (C4); every field of the kind is named.
pub fn prepare<'c>(
    policy: &'c Policy,
    identifiers: &'c [RawIdentifier<'c>],
    digester: &Digester,
) -> Result<Prepared<'c>, Fault> {
    let mut asked = Vec::with_capacity(identifiers.len());
    let judged = (policy, InvalidIdentifiers::Refuse);
    add_prepared(judged, identifiers, digester, &mut asked)?;
    Ok(Prepared { asked })
}

/// As [`prepare`], for a call, and behind what is `asked` already; after an error nothing was added.
///
/// # Errors
///
/// As [`prepare`]; an invalid value only where the policy refuses such.
pub fn prepare_into<'c>(
    policy: &'c Policy,
    identifiers: &'c [RawIdentifier<'c>],
    digester: &Digester,
    asked: &mut Vec<Asked<'c>>,
) -> Result<(), Fault> {
    add_prepared((policy, policy.invalid_identifiers()), identifiers, digester, asked)
}

fn add_prepared<'c>(
    judged_by: (&'c Policy, InvalidIdentifiers),
    identifiers: &'c [RawIdentifier<'c>],
    digester: &Digester,
    asked: &mut Vec<Asked<'c>>,
) -> Result<(), Fault> {
    let before = asked.len();
    let mut seen = Seen::with_capacity(identifiers.len());
    let mut refused = Vec::new();
    let mut rejected = Vec::new();
    for (position, identifier) in identifiers.iter().enumerate() {
        match judge(judged_by, digester, &identifier.type_name, &identifier.value) {
            Ok((digest, fate)) => {
                if seen.is_first(of_its_kind(digest, &fate)) {
                    asked.push(Asked { position, fate });
                }
            }
            Err(Refusal::Value(description)) => {
                refused.push(Violation::new(format!("identifiers[{position}].value"), description));
            }
            Err(Refusal::Type) => {
                let description = c4_unlisted::rejected(judged_by.0, &identifier.type_name);
                rejected.push(Violation::new(format!("identifiers[{position}].type"), description));
            }
        }
    }
    if refused.is_empty() && rejected.is_empty() {
        return Ok(());
    }
    asked.truncate(before);
    let types_first = match judged_by.0.rules_version() {
        RulesVersion::Zero => refused.is_empty(),
        RulesVersion::One => !rejected.is_empty(),
    };
    if types_first {
        return Err(Fault::fields(Reason::TypeRejected, rejected));
    }
    Err(Fault::fields(Reason::FieldInvalid, refused))
}

/// C6 looks for duplicates among identifiers of which the same became: what is blocked as it was sent must not take a good
/// spelling of itself along.
#[inline]
pub(crate) fn of_its_kind(digest: Digest, fate: &Fate<'_>) -> Digest {
    let kind = match fate {
        Fate::Usable(_) => 0,
        Fate::Blocked => 1,
        Fate::IgnoredType => 2,
        Fate::Invalid(_) => 3,
    };
    Digest(digest.0 ^ kind)
}

/// Prepares one value of a Modify, for example the `new_value` of `changes[2]`; gives also what stands for it among its
/// duplicates (C6).
///
/// # Errors
///
/// A value that the policy refuses (C12), or a type that it rejects (C4).
pub fn prepare_value<'c>(
    policy: &'c Policy,
    digester: &Digester,
    (type_name, value): (&'c str, &'c str),
    (path, value_field): (&str, &str),
) -> Result<(Digest, Fate<'c>), Fault> {
    match judge((policy, policy.invalid_identifiers()), digester, type_name, value) {
        Ok((digest, fate)) => Ok((of_its_kind(digest, &fate), fate)),
        Err(Refusal::Value(description)) => Err(Fault::field(format!("{path}.{value_field}"), description)),
        Err(Refusal::Type) => Err(rejected_type(policy, type_name, path)),
    }
}

/// A value that a Modify is to replace or remove.
#[derive(Clone, Debug)]
pub enum Held<'c> {
    /// A profile may hold it.
    Usable(Usable<'c>),
    /// Nobody can hold it: it is invalid (C12).
    Invalid,
    /// The policy ignores the type (C4); with what stands for the value among its duplicates (C6).
    IgnoredType(Digest),
}

/// Prepares a value that a Modify is to replace or remove. A held value stays removable though it is blocked by now, so
/// C3 does not judge it.
///
/// # Errors
///
/// A type that the policy rejects (C4); in workspaces of 0.1 an invalid value.
pub fn prepare_held<'c>(
    policy: &'c Policy,
    digester: &Digester,
    (type_name, value): (&'c str, &'c str),
    (path, value_field): (&str, &str),
) -> Result<Held<'c>, Fault> {
    let status = policy.settings_of(type_name);
    let normalized = good_form(policy, status.settings(), value);
    if let (RulesVersion::Zero, Err(fault)) = (policy.rules_version(), &normalized) {
        return Err(Fault::field(format!("{path}.{value_field}"), fault.description()));
    }
    match c4_unlisted::judge(status, type_name) {
        Verdict::Taken(taken) => Ok(normalized.map_or(Held::Invalid, |normalized| {
            let digest = digester.identifier(type_name, &normalized);
            let (rank, settings, near) = (taken.rank, taken.settings, Near::UNKNOWN);
            Held::Usable(Usable { rank, settings, type_name, normalized, digest, near })
        })),
        Verdict::Ignored => {
            let digest = digester.identifier(type_name, normalized.as_deref().unwrap_or(value));
            Ok(Held::IgnoredType(of_its_kind(digest, &Fate::IgnoredType)))
        }
        Verdict::Rejected => Err(rejected_type(policy, type_name, path)),
    }
}

fn rejected_type(policy: &Policy, type_name: &str, path: &str) -> Fault {
    let violation = Violation::new(format!("{path}.type"), c4_unlisted::rejected(policy, type_name));
    Fault::fields(Reason::TypeRejected, vec![violation])
}

/// C1, then what C2 says of the form that it makes.
pub(crate) fn good_form<'a>(
    policy: &Policy,
    settings: Option<&TypeSettings>,
    raw: &'a str,
) -> Result<Cow<'a, str>, ValueFault> {
    if is_plain(raw) && settings.is_none_or(|settings| settings.normalization.keeps_plain()) {
        return Ok(Cow::Borrowed(raw));
    }
    let rules = policy.rules_version();
    let form = c1_normalise::normalise(rules, settings, raw)?;
    judge_form(rules, &form)?;
    Ok(form)
}

/// Why an identifier makes its call be refused.
enum Refusal {
    Value(&'static str),
    Type,
}

/// What becomes of one identifier, and what stands for it among its duplicates.
type Judged<'c> = Result<(Digest, Fate<'c>), Refusal>;

fn judge<'c>(
    judged_by: (&'c Policy, InvalidIdentifiers),
    digester: &Digester,
    type_name: &'c str,
    value: &'c str,
) -> Judged<'c> {
    let (policy, _) = judged_by;
    let status = policy.settings_of(type_name);
    let settings = status.settings();
    // Nearly every value is its own form, and good: then there is one text to look at.
    if is_plain(value) && settings.is_none_or(|settings| settings.normalization.keeps_plain()) {
        let digest = digester.identifier(type_name, value);
        if c3_block::is_blocked(policy, settings, value) {
            return Ok((digest, Fate::Blocked));
        }
        return by_type(status, (type_name, Cow::Borrowed(value)), digest);
    }
    match policy.rules_version() {
        RulesVersion::Zero => rules_0::judge(policy, digester, (status, type_name), value),
        RulesVersion::One => judge_at_length(judged_by, digester, (status, type_name), value),
    }
}

/// C3 on the value as sent and on its form, C4, C12.
fn judge_at_length<'c>(
    (policy, invalid): (&'c Policy, InvalidIdentifiers),
    digester: &Digester,
    (status, type_name): (TypeStatus<'c>, &'c str),
    value: &'c str,
) -> Judged<'c> {
    let (rules, settings, sent) = (policy.rules_version(), status.settings(), trim(value));
    let form = if sent.is_empty() {
        Err(ValueFault::Empty)
    } else {
        let form = c1_normalise::normalise(rules, settings, value);
        if c3_block::is_either_blocked(policy, settings, (sent, form.as_deref().ok())) {
            let good = form.as_deref().ok().filter(|form| judge_form(rules, form).is_ok());
            return Ok((digester.identifier(type_name, good.unwrap_or(value)), Fate::Blocked));
        }
        form
    };
    let form = match form {
        // Too long to be given a form: an unfit character is told before the length, of the value as sent.
        Err(ValueFault::TooLong) => judge_form(rules, sent).and(Err(ValueFault::TooLong)),
        form => form.and_then(|form| judge_form(rules, &form).map(|()| form)),
    };
    match form {
        Ok(form) => {
            let digest = digester.identifier(type_name, &form);
            by_type(status, (type_name, form), digest)
        }
        Err(fault) => {
            let digest = digester.identifier(type_name, value);
            match c4_unlisted::judge(status, type_name) {
                Verdict::Taken(_) => {
                    let fate = c12_invalid::follow(invalid, fault).map_err(Refusal::Value)?;
                    Ok((digest, fate))
                }
                Verdict::Ignored => Ok((digest, Fate::IgnoredType)),
                Verdict::Rejected => Err(Refusal::Type),
            }
        }
    }
}

/// C4 for a value that is not blocked.
#[inline]
fn by_type<'c>(status: TypeStatus<'c>, (type_name, normalized): (&'c str, Cow<'c, str>), digest: Digest) -> Judged<'c> {
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
