//! What only some rows have, kept beside them: many small maps instead of a large one, so that none grows with a pause.

use hashbrown::HashMap;

use crate::state::bytes::allocated;

const SHARDS: usize = 64;

/// A map keyed by places or serials.
#[derive(Clone, Debug)]
pub(crate) struct Sharded<V>(Vec<HashMap<u32, V>>);

impl<V> Default for Sharded<V> {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| HashMap::new()).collect())
    }
}

fn shard_of(key: u32) -> usize {
    // Places of one shard of the index differ in their low bits, serials too.
    key as usize % SHARDS
}

impl<V> Sharded<V> {
    pub fn get(&self, key: u32) -> Option<&V> {
        self.0[shard_of(key)].get(&key)
    }

    pub fn get_mut(&mut self, key: u32) -> Option<&mut V> {
        self.0[shard_of(key)].get_mut(&key)
    }

    pub fn insert(&mut self, key: u32, value: V) {
        self.0[shard_of(key)].insert(key, value);
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().flat_map(HashMap::values_mut)
    }

    pub fn remove(&mut self, key: u32) -> Option<V> {
        let shard = &mut self.0[shard_of(key)];
        // Most are empty, and a map is not asked for a key's hash then.
        if shard.is_empty() { None } else { shard.remove(&key) }
    }
}

impl<V> Sharded<V> {
    /// How many bytes the maps take.
    pub fn bytes(&self) -> usize {
        let maps: usize = self.0.iter().map(|map| allocated(map.allocation_size())).sum();
        allocated(SHARDS * size_of::<HashMap<u32, V>>()) + maps
    }
}

impl<V: Default> Sharded<V> {
    /// The value of a key, made if there is none.
    pub fn entry(&mut self, key: u32) -> &mut V {
        self.0[shard_of(key)].entry(key).or_default()
    }
}

#[cfg(test)]
impl<V> Sharded<V> {
    pub fn len(&self) -> usize {
        self.0.iter().map(HashMap::len).sum()
    }
}
