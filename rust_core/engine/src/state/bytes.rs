//! How much memory a state takes, so that whoever keeps many can keep to a bound.

use crate::state::State;

/// What the system's allocator takes for itself of each piece of memory.
const PIECE_BYTES: usize = 16;

/// What a piece of memory of so many bytes takes; nothing is no piece.
pub(crate) const fn allocated(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { bytes + PIECE_BYTES }
}

impl State {
    /// How many bytes of memory the state takes, as they were asked of the allocator: nearly exact, but for the holders
    /// of shared identifiers and the compiled policy, which are estimated. Cost: a thousand instructions, however large
    /// the state is.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let graph = self.types.bytes() + self.profiles.bytes() + self.index.bytes() + self.scrub.bytes();
        let marks = self.traits.bytes() + self.requests.bytes();
        size_of::<Self>() + graph + marks + self.policy_encoded.len() + self.policy.bytes()
    }
}
