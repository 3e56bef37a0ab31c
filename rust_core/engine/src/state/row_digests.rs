//! The keyed digest of each row of the state, which the state hash sums.

use crate::digest::{Digest, Digester, Domain};
use crate::ids::{Micros, Position, Seq, Serial};

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

    fn start(&self, row: Row, serial: Serial) -> crate::digest::Parts {
        self.0.start(Domain::StateRow).number(row as u64).number(u64::from(serial.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_different_kinds_differ() {
        let digester = Digester::new(&[3; 16]);
        let rows = Rows(&digester);
        assert_ne!(rows.merges(Serial(1), 2), rows.redirect(Serial(1), Serial(2)));
        assert_eq!(rows.merges(Serial(1), 0), 0);
    }
}
