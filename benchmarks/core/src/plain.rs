//! What a team would otherwise write: a plain map, by digest or by the bytes of type and value.

use std::hint::black_box;

use hashbrown::HashMap;
use utterson_engine::keyed::digest::Digest;

use crate::time::nanoseconds;

/// A map from digests to profiles.
pub fn by_digest(entries: impl Iterator<Item = (Digest, u32)>) -> HashMap<u128, u32> {
    let mut map = HashMap::new();
    for (digest, serial) in entries {
        map.insert(digest.0, serial);
    }
    map
}

/// A map from boxed bytes to profiles.
pub fn by_bytes(entries: impl Iterator<Item = (Box<[u8]>, u32)>) -> HashMap<Box<[u8]>, u32> {
    let mut map = HashMap::new();
    for (key, serial) in entries {
        map.insert(key, serial);
    }
    map
}

/// Nanoseconds for the owners of a call's three identifiers, and no more than that.
pub fn run<K, Q>(map: &HashMap<K, u32>, calls: &[[Q; 3]], get: impl Fn(&HashMap<K, u32>, &Q) -> Option<u32>) -> f64 {
    let whole = nanoseconds(|| {
        for call in calls {
            black_box(call.each_ref().map(|key| get(map, key)));
        }
    });
    whole / calls.iter().map(|_| 1.0).sum::<f64>()
}
