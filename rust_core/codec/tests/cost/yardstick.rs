//! Work of the core's kind that has nothing of the core in it: texts, hashes, maps and small pieces of memory. A faster
//! machine or another compiler changes both alike.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// A fixed amount of work.
pub fn work() {
    let mut by_text: HashMap<String, Vec<u8>, BuildHasherDefault<DefaultHasher>> = HashMap::default();
    let mut by_hash: BTreeMap<u64, usize> = BTreeMap::new();
    for round in 0..4_000_usize {
        let text = format!("person.{:08}@example.com", round.wrapping_mul(2_654_435_761) % 5_000);
        let hash = by_text.hasher().hash_one(&text);
        by_hash.insert(hash, round);
        let value = by_text.entry(text).or_default();
        value.extend_from_slice(&hash.to_le_bytes());
        std::hint::black_box(std::str::from_utf8(value).is_ok());
    }
    std::hint::black_box((by_text, by_hash));
}
