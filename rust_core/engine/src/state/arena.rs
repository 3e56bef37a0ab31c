//! Rows in chunks: growing moves none of them, so it costs no pause and no second copy. Only the first chunk grows by
//! doubling, so that a small workspace stays small.

/// Rows of the first chunk at the beginning.
const FIRST: usize = 4;

/// A growing array of rows that never moves them, but for the first few. Half a chunk of `CHUNK` rows is empty on
/// average; many small chunks are slower to find.
#[derive(Clone, Debug)]
pub(crate) struct Arena<T, const CHUNK: usize> {
    chunks: Vec<Box<[T]>>,
    len: u32,
}

impl<T, const CHUNK: usize> Default for Arena<T, CHUNK> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<T: Copy + Default, const CHUNK: usize> Arena<T, CHUNK> {
    /// How many rows there are.
    pub fn len(&self) -> u32 {
        self.len
    }

    #[inline]
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
        let mut arena = Arena::<u32, 64>::default();
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
