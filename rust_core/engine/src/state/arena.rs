//! Rows in chunks: growing moves none of them, so it costs no pause and no second copy. Only the first chunk grows by
//! doubling, so that a small workspace stays small.

use crate::state::bytes::allocated;

/// Rows of the first chunk at the beginning.
const FIRST: usize = 4;

/// A growing array of rows that never moves them, but for the first few. Half a chunk of `CHUNK` rows is empty on
/// average; many small chunks are slower to find.
#[derive(Clone, Debug)]
pub(crate) struct Arena<T, const CHUNK: usize> {
    /// Thin pointers, so that finding a chunk takes little of the cache.
    chunks: Box<[Box<[T; CHUNK]>]>,
    /// The rows while they are fewer than a chunk.
    start: Box<[T]>,
    len: u32,
}

impl<T, const CHUNK: usize> Default for Arena<T, CHUNK> {
    fn default() -> Self {
        Self { chunks: Box::default(), start: Box::default(), len: 0 }
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
        self.chunks.get(at / CHUNK).map_or_else(|| &self.start[at], |chunk| &chunk[at % CHUNK])
    }

    #[inline]
    pub fn row_mut(&mut self, at: u32) -> &mut T {
        let at = at as usize;
        match self.chunks.get_mut(at / CHUNK) {
            Some(chunk) => &mut chunk[at % CHUNK],
            None => &mut self.start[at],
        }
    }

    /// A row, if the place was ever given.
    #[inline]
    pub fn get(&self, at: u32) -> Option<&T> {
        (at < self.len).then(|| self.row(at))
    }

    /// Adds a row and answers its place.
    pub fn push(&mut self, row: T) -> u32 {
        let at = self.len;
        self.reserve(at as usize);
        self.len += 1;
        *self.row_mut(at) = row;
        at
    }

    /// Makes a place for a row.
    fn reserve(&mut self, at: usize) {
        if at / CHUNK < self.chunks.len() || (self.chunks.is_empty() && at < self.start.len()) {
            return;
        }
        let rows = if self.chunks.is_empty() { (at * 2).clamp(FIRST, CHUNK) } else { CHUNK };
        let mut fresh = vec![T::default(); rows].into_boxed_slice();
        fresh[..self.start.len()].copy_from_slice(&self.start);
        match <Box<[T; CHUNK]>>::try_from(fresh) {
            Ok(chunk) => {
                self.start = Box::default();
                let mut chunks = std::mem::take(&mut self.chunks).into_vec();
                chunks.reserve_exact(1);
                chunks.push(chunk);
                self.chunks = chunks.into_boxed_slice();
            }
            Err(fresh) => self.start = fresh,
        }
    }

    /// How many bytes the rows take, those reserved included.
    pub fn bytes(&self) -> usize {
        let chunks = self.chunks.len() * (allocated(CHUNK * size_of::<T>()) + size_of::<usize>());
        chunks + allocated(self.start.len() * size_of::<T>())
    }

    /// Removes the last row; its place stays reserved.
    pub fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
    }

    /// Every row, by place.
    pub fn rows(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).chain(&self.start).take(self.len as usize)
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
