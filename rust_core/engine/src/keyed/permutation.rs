//! Profile ids: a keyed permutation of the workspace's counter, so that ids are unique for ever, positive,
//! below 2^53 and not guessable from one another.
//!
//! A balanced Feistel network over 52 bits with `SipHash` as its round function; 0 is left out by walking the cycle.

use siphasher::sip::SipHasher13;

use crate::ids::{ProfileId, Serial};

const HALF_BITS: u32 = 26;
const HALF_MASK: u64 = (1 << HALF_BITS) - 1;
const ROUNDS: u64 = 6;

/// Turns serials into profile ids and back, under one workspace's key.
#[derive(Clone, Debug)]
pub struct Permutation {
    hasher: SipHasher13,
}

impl Permutation {
    /// A permutation under a 16-byte secret key.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Self { hasher: SipHasher13::new_with_key(key) }
    }

    /// The public id of a profile.
    #[must_use]
    pub fn id_of(&self, serial: Serial) -> ProfileId {
        let mut id = self.forward(u64::from(serial.0));
        if id == 0 {
            id = self.forward(0);
        }
        ProfileId(id.cast_signed())
    }

    /// The serial behind a public id; `None` if no serial can have that id.
    #[must_use]
    pub fn serial_of(&self, id: ProfileId) -> Option<Serial> {
        let id = u64::try_from(id.0).ok().filter(|&id| id != 0 && id >> (2 * HALF_BITS) == 0)?;
        let mut serial = self.backward(id);
        if serial == 0 {
            serial = self.backward(0);
        }
        u32::try_from(serial).ok().map(Serial)
    }

    fn round(&self, round: u64, half: u64) -> u64 {
        self.hasher.hash(&(round << HALF_BITS | half).to_le_bytes()) & HALF_MASK
    }

    fn forward(&self, value: u64) -> u64 {
        let (mut left, mut right) = (value >> HALF_BITS, value & HALF_MASK);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.round(round, right));
        }
        left << HALF_BITS | right
    }

    fn backward(&self, value: u64) -> u64 {
        let (mut left, mut right) = (value >> HALF_BITS, value & HALF_MASK);
        for round in (0..ROUNDS).rev() {
            (left, right) = (right ^ self.round(round, left), left);
        }
        left << HALF_BITS | right
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_serial_comes_back(key: [u8; 16], serial in 1u32..) {
            let permutation = Permutation::new(&key);
            let id = permutation.id_of(Serial(serial));
            prop_assert!(id.0 > 0 && id.0 < 1 << 53);
            prop_assert_eq!(permutation.serial_of(id), Some(Serial(serial)));
        }

        #[test]
        fn strange_ids_are_nobody(key: [u8; 16], id in prop::num::i64::ANY) {
            if let Some(serial) = Permutation::new(&key).serial_of(ProfileId(id)) {
                prop_assert_eq!(Permutation::new(&key).id_of(serial), ProfileId(id));
            }
        }
    }
}
