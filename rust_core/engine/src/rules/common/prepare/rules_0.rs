//! The order of 0.1: every value is judged by C2, whatever becomes of it, before C3 looks at its form, and C3 looks at
//! nothing else.

use crate::decider::asked::Fate;
use crate::keyed::digest::Digester;
use crate::policy::{Policy, TypeStatus};
use crate::rules::common::c3_block;

use super::{Judged, Refusal, by_type, good_form};

pub(super) fn judge<'c>(
    policy: &'c Policy,
    digester: &Digester,
    (status, type_name): (TypeStatus<'c>, &'c str),
    value: &'c str,
) -> Judged<'c> {
    let settings = status.settings();
    let form = good_form(policy, settings, value).map_err(|fault| Refusal::Value(fault.description()))?;
    let digest = digester.identifier(type_name, &form);
    if c3_block::is_blocked(policy, settings, &form) {
        return Ok((digest, Fate::Blocked));
    }
    by_type(status, (type_name, form), digest)
}
