//! I4 Login without any login identifier left after C3 and C4, where the policy has login types (a default type's
//! `login` under ACCEPT counts): `INVALID_ARGUMENT`.
//!
//! Source: the vendor's SDK, which refuses a login request without a login identifier.

use crate::fault::{Fault, Reason};
use crate::policy::Policy;
use crate::rules::isolation;
use crate::rules::prepare::Asked;

/// Refuses a Login that logs nobody in.
pub(crate) fn check(policy: &Policy, asked: &[Asked]) -> Result<(), Fault> {
    let carries = isolation::usable(asked).iter().any(|(_, usable)| usable.settings.login);
    if carries || !policy.has_login_types() {
        return Ok(());
    }
    let mut fault = Fault::field("identifiers", "a Login needs a login identifier: send one, or call Identify");
    fault.reason = Reason::LoginIdentifierRequired;
    Err(fault)
}
