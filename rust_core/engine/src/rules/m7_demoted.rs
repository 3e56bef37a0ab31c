//! M7 Demoted identifiers leave the event's identity only: their owner keeps them, an unowned one is linked to nobody.
//! A Track's event is still stored on the profile found, with what was demoted and why (M3.1 `MERGE_LIMIT`; M3.2 and
//! M3.3 `VALUE_LIMIT`; M3.4 `IDENTIFIER_LIMIT`).
//!
//! Source: the seed, "demote that inputted externalId and try to find matching profiles with the remaining".

use crate::plan::{Demotion, Disposition};
use crate::rules::dispositions::Told;

/// What became of an identifier if it was demoted.
pub(crate) fn disposition(demoted: &[Demotion], index: usize) -> Option<Told> {
    let demotion = demoted.iter().find(|demotion| demotion.index == index)?;
    Some((Disposition::Demoted, Some(demotion.reason)))
}
