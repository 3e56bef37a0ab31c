//! The state hash: a keyed digest of every row, summed. Adding and removing a row costs the same whatever the
//! size of the state, order does not matter, and two replicas that differ in one row differ in the sum.
//!
//! Three sums, so that a load can prove the graph and the traits without reading the events.

/// The running hash of a workspace's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateHash {
    /// Identifiers, profiles, merges and redirects.
    pub graph: u128,
    /// Traits.
    pub traits: u128,
    /// Events.
    pub events: u128,
}

impl StateHash {
    /// The hash as 48 bytes: graph, traits, events, each big endian.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 48] {
        let mut bytes = [0; 48];
        bytes[..16].copy_from_slice(&self.graph.to_be_bytes());
        bytes[16..32].copy_from_slice(&self.traits.to_be_bytes());
        bytes[32..].copy_from_slice(&self.events.to_be_bytes());
        bytes
    }

    /// The hash from its 48 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 48]) -> Self {
        let part = |from: usize| {
            let mut part = [0; 16];
            part.copy_from_slice(&bytes[from..from + 16]);
            u128::from_be_bytes(part)
        };
        Self { graph: part(0), traits: part(16), events: part(32) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_survives_its_bytes() {
        let hash = StateHash { graph: 1, traits: 2 << 100, events: u128::MAX };
        assert_eq!(hash, StateHash::from_bytes(&hash.to_bytes()));
    }
}
