//! The state hash: a keyed digest of every row, summed. Adding and removing a row costs the same whatever the
//! size of the state, order does not matter, and two replicas that differ in one row differ in the sum.
//!
//! Three sums, so that a load can prove the graph and the traits without reading the events.

use crate::ids::{Micros, Position, Seq, Serial};
use crate::keyed::digest::{Digest, Digester, Domain};

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

/// The kinds of rows; keeps equal numbers of different kinds apart.
#[derive(Clone, Copy)]
enum Row {
    Identifier = 1,
    Profile = 2,
    Merges = 3,
    Redirect = 4,
    Trait = 5,
    Event = 6,
}

/// Digests of single rows.
pub(crate) struct Rows<'a>(pub &'a Digester);

impl Rows<'_> {
    pub fn identifier(&self, digest: Digest, serial: Serial, add_time: Micros) -> u128 {
        self.start(Row::Identifier, serial).digest(digest).signed(add_time.0).finish().0
    }

    pub fn profile(&self, serial: Serial, create_time: Micros, source: Option<Serial>) -> u128 {
        let source = source.map_or(0, |source| u64::from(source.0));
        self.start(Row::Profile, serial).signed(create_time.0).number(source).finish().0
    }

    /// A profile without merges has no such row.
    pub fn merges(&self, serial: Serial, merges: u32) -> u128 {
        if merges == 0 { 0 } else { self.start(Row::Merges, serial).number(u64::from(merges)).finish().0 }
    }

    pub fn redirect(&self, loser: Serial, survivor: Serial) -> u128 {
        self.start(Row::Redirect, loser).number(u64::from(survivor.0)).finish().0
    }

    pub fn set_trait(&self, key: Digest, value: Option<&[u8]>, mark: (Micros, Seq, Position)) -> u128 {
        let (time, seq, position) = mark;
        let parts = self.start(Row::Trait, Serial(0)).digest(key).signed(time.0).number(seq.0);
        let parts = parts.number(u64::from(position.0));
        match value {
            Some(value) => parts.bytes(value).finish().0,
            None => parts.finish().0,
        }
    }

    pub fn event(&self, serial: Option<Serial>, mark: (Micros, Seq, Position), record: &[u8]) -> u128 {
        let (time, seq, position) = mark;
        let parts = self.start(Row::Event, serial.unwrap_or(Serial(0))).signed(time.0).number(seq.0);
        parts.number(u64::from(position.0)).bytes(record).finish().0
    }

    fn start(&self, row: Row, serial: Serial) -> crate::keyed::digest::Parts {
        self.0.start(Domain::StateRow).number(row as u64).number(u64::from(serial.0))
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

    #[test]
    fn rows_of_different_kinds_differ() {
        let digester = Digester::new(&[3; 16]);
        let rows = Rows(&digester);
        assert_ne!(rows.merges(Serial(1), 2), rows.redirect(Serial(1), Serial(2)));
        assert_eq!(rows.merges(Serial(1), 0), 0);
    }
}
