//! Profile ids: a keyed permutation of the workspace's counter, so that ids are unique for ever, positive,
//! below 2^53 and not guessable from one another.
//!
//! A balanced Feistel network over 52 bits with `SipHash` as its round function; 0 is left out by walking the cycle. What
//! is permuted is the era's number and the serial: ids of another era are never met (`eras.rs`).

use siphasher::sip::SipHasher13;

use crate::ids::{ProfileId, Serial};
use crate::keyed::eras::Eras;

const HALF_BITS: u32 = 26;
const HALF_MASK: u64 = (1 << HALF_BITS) - 1;
const ROUNDS: u64 = 6;

/// Turns serials into profile ids and back, under one workspace's key.
#[derive(Clone, Debug)]
pub struct Permutation {
    hasher: SipHasher13,
    eras: Eras,
}

impl Permutation {
    /// A permutation under a 16-byte secret key, for a workspace of one era.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Self { hasher: SipHasher13::new_with_key(key), eras: Eras::default() }
    }

    /// Numbers ids by these eras: the workspace's history was lost in part, each time with a new one.
    pub fn set_eras(&mut self, eras: Eras) {
        self.eras = eras;
    }

    /// The public id of a profile.
    #[must_use]
    pub fn id_of(&self, serial: Serial) -> ProfileId {
        let mut id = self.forward(self.eras.numbered(serial));
        if id == 0 {
            id = self.forward(0);
        }
        ProfileId(id.cast_signed())
    }

    /// The serial behind a public id; `None` if no serial can have that id, or only one of a history that was lost.
    #[must_use]
    pub fn serial_of(&self, id: ProfileId) -> Option<Serial> {
        let id = u64::try_from(id.0).ok().filter(|&id| id != 0 && id >> (2 * HALF_BITS) == 0)?;
        let mut numbered = self.backward(id);
        if numbered == 0 {
            numbered = self.backward(0);
        }
        self.eras.serial(numbered)
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
    use crate::keyed::eras::NUMBER_MAX;
    use proptest::prelude::*;

    /// What a copy of a workspace knows that has so many profiles, restored so many times.
    fn restored(key: [u8; 16], first: u32, numbers: &[u64]) -> Permutation {
        let packed: Vec<u64> = numbers.iter().map(|number| number << 32 | u64::from(first)).collect();
        let mut permutation = Permutation::new(&key);
        permutation.set_eras(Eras::from_packed(&packed).unwrap_or_default());
        permutation
    }

    proptest! {
        #[test]
        fn ids_of_a_lost_history_are_nobodys(
            key: [u8; 16], first in 1u32.., number in 1..=NUMBER_MAX, lost: u32, later: u32,
        ) {
            let (before, after) = (Permutation::new(&key), restored(key, first, &[number]));
            let (lost, later) = (Serial(lost.max(first)), Serial(later.max(first)));
            prop_assert_eq!(after.serial_of(before.id_of(lost)), None);
            prop_assert_ne!(after.id_of(later), before.id_of(lost));
            prop_assert_eq!(after.serial_of(after.id_of(later)), Some(later));
            if first > 1 {
                let kept = Serial(first - 1);
                prop_assert_eq!(after.id_of(kept), before.id_of(kept));
                prop_assert_eq!(after.serial_of(before.id_of(kept)), Some(kept));
            }
        }

        #[test]
        fn a_second_restore_keeps_apart_from_the_first(
            key: [u8; 16], first in 1u32.., numbers in prop::collection::hash_set(1..=NUMBER_MAX, 2), serial: u32,
        ) {
            let numbers: Vec<u64> = numbers.into_iter().collect();
            let serial = Serial(serial.max(first));
            let (once, twice) = (restored(key, first, &numbers[..1]), restored(key, first, &numbers));
            prop_assert_eq!(twice.serial_of(once.id_of(serial)), None);
            prop_assert_eq!(twice.serial_of(twice.id_of(serial)), Some(serial));
        }

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
