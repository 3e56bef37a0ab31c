//! Rows in chunks: growing moves none of them, so it costs no pause and no second copy. Only the first chunk grows by
//! doubling, so that a small workspace stays small.

/// Rows in a chunk. Few, since each of the index's shards leaves half a chunk empty on average.
const CHUNK: usize = 256;
const FIRST: usize = 4;

/// A growing array of rows that never moves them, but for the first few.
#[derive(Clone, Debug)]
pub(crate) struct Arena<T> {
    chunks: Vec<Box<[T]>>,
    len: u32,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<T: Copy + Default> Arena<T> {
    /// How many rows there are.
    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn row(&self, at: u32) -> &T {
        let at = at as usize;
        &self.chunks[at / CHUNK][at % CHUNK]
    }

    pub fn row_mut(&mut self, at: u32) -> &mut T {
        let at = at as usize;
        &mut self.chunks[at / CHUNK][at % CHUNK]
    }

    /// A row, if the place was ever given.
    pub fn get(&self, at: u32) -> Option<&T> {
        (at < self.len).then(|| self.row(at))
    }

    /// Adds a row and answers its place.
    pub fn push(&mut self, row: T) -> u32 {
        let at = self.len;
        let chunk = at as usize / CHUNK;
        if chunk == self.chunks.len() {
            let rows = if chunk == 0 { FIRST } else { CHUNK };
            self.chunks.push(vec![T::default(); rows].into_boxed_slice());
        } else if at as usize % CHUNK == self.chunks[chunk].len() {
            let mut bigger = vec![T::default(); (at as usize * 2).min(CHUNK)].into_boxed_slice();
            bigger[..at as usize].copy_from_slice(&self.chunks[chunk]);
            self.chunks[chunk] = bigger;
        }
        self.len += 1;
        *self.row_mut(at) = row;
        at
    }

    /// Removes the last row; its place stays reserved.
    pub fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
    }

    /// Every row, by place.
    pub fn rows(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).take(self.len as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_where_they_are_put() {
        let mut arena = Arena::default();
        for number in 0..1000_u32 {
            assert_eq!(arena.push(number), number);
        }
        assert!(arena.rows().copied().eq(0..1000));
        arena.pop();
        assert_eq!((arena.get(998), arena.get(999), arena.len()), (Some(&998), None, 999));
        assert_eq!(arena.push(7), 999);
        assert_eq!(*arena.row(999), 7);
    }
}
