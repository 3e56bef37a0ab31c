//! I1 Guard: a profile is eligible for a call iff (it holds no login identifier, or the call carries one of its login
//! identifiers) and (it holds no immutable identifier, or the call carries one of them). One match is enough though
//! another login identifier differs.
//!
//! Source: the seed, "prevent anonymous data from being kept together with the data of logged in users" and "any time
//! an identity request includes an email address or customer ID, mParticle will return a unique Identity Profile".

use crate::digest::Digest;
use crate::ids::Serial;
use crate::rules::prepare::Usable;
use crate::state::State;
use crate::state::index::Holders;

/// What the call shows at the door.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    logins: Vec<Digest>,
    immutables: Vec<Digest>,
}

impl Guard {
    /// The guard of a call that carries these identifiers.
    pub fn new<'a>(usable: impl Iterator<Item = &'a Usable>) -> Self {
        let mut guard = Self::default();
        for usable in usable {
            if usable.settings.login {
                guard.logins.push(usable.digest);
            }
            if usable.settings.immutable {
                guard.immutables.push(usable.digest);
            }
        }
        guard
    }

    /// Whether the call carries a login identifier at all.
    pub fn carries_login(&self) -> bool {
        !self.logins.is_empty()
    }

    /// Whether the call may be answered with this profile.
    pub fn eligible(&self, state: &State, serial: Serial) -> bool {
        let holds = |digests: &[Digest]| digests.iter().any(|&digest| state.index.holds(digest, serial));
        let row = state.profiles.row(serial);
        let guarded = row.counts.iter().any(|(type_id, _)| state.types.flags(*type_id).immutable);
        (!row.known() || holds(&self.logins)) && (!guarded || holds(&self.immutables))
    }

    /// Every known profile that the call may be answered with, oldest first. Anonymous ones are all eligible, since
    /// an immutable identifier is a login identifier too.
    pub fn eligible_known(&self, state: &State) -> Vec<Serial> {
        let mut known: Vec<Serial> = Vec::new();
        for &digest in &self.logins {
            known.extend(state.index.newest_first(digest, Holders::Known, |serial| state.is_known(serial)));
        }
        known.sort_unstable();
        known.dedup();
        known.retain(|&serial| self.eligible(state, serial));
        known
    }
}
