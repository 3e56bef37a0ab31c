//! Maps by numbers that nobody outside can choose: counted by us, or digests under a key of ours. They need no hash that
//! withstands an attacker, which takes longer than the look-up itself.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by such numbers.
pub type NumberedMap<K, V> = HashMap<K, V, BuildHasherDefault<Spread>>;

/// Spreads numbers that follow one another over the whole table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread(u64);

/// 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let product = (self.0 ^ number).wrapping_mul(GOLDEN);
        self.0 = product ^ (product >> 32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_one_another_fall_apart() {
        let hashed = |number| {
            let mut spread = Spread::default();
            spread.write_u64(number);
            spread.finish()
        };
        // A table looks at the lowest bits for the place, and at the highest to tell neighbours apart.
        let mut places: Vec<_> = (0..1024).map(|number| hashed(number) & 1023).collect();
        let mut tags: Vec<_> = (0..128).map(|number| hashed(number) >> 57).collect();
        for found in [&mut places, &mut tags] {
            found.sort_unstable();
            found.dedup();
        }
        assert!(places.len() > 512, "{}", places.len());
        assert!(tags.len() > 64, "{}", tags.len());
    }
}
