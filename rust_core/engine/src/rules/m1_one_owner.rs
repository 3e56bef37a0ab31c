//! M1 One owner: an identifier belongs to at most one profile of the workspace.
//!
//! Source: the seed, "pre-existing user profiles with one or more matching externalIds". The index keeps one holder
//! an identifier, the table's key forbids a second, and nothing of this family attaches an identifier that has one.

use crate::digest::Digest;
use crate::ids::Serial;
use crate::state::State;

/// The live profile that owns an identifier.
pub(crate) fn owner(state: &State, digest: Digest) -> Option<Serial> {
    state.index.first(digest).map(|entry| state.profiles.root(entry.serial))
}
