//! From bytes to choices. Where the bytes end every choice is the first one, so any input is a whole one.

use std::borrow::Cow;

/// Bytes that are not used yet.
#[derive(Clone, Debug)]
pub struct Draw<'b>(&'b [u8]);

impl<'b> Draw<'b> {
    /// Begins with an input.
    #[must_use]
    pub fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// Whether or not.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A number below a bound, which is not 0; of two bytes where one is too few.
    pub fn below(&mut self, bound: usize) -> usize {
        let low = usize::from(self.byte());
        let drawn = if bound > 256 { low << 8 | usize::from(self.byte()) } else { low };
        drawn % bound
    }

    /// Any number; small ones and those at the ends are drawn more often.
    pub fn number(&mut self) -> u64 {
        match self.byte() {
            small @ 0..200 => u64::from(small % 16),
            200..210 => u64::MAX,
            210..220 => i64::MAX.cast_unsigned(),
            220..230 => i64::MIN.cast_unsigned(),
            _ => self.take(8).iter().fold(0, |number, &byte| number << 8 | u64::from(byte)),
        }
    }

    /// One of some things.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// So many bytes, fewer where there are no more.
    pub fn take(&mut self, bytes: usize) -> &'b [u8] {
        let (taken, rest) = self.0.split_at(bytes.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Some bytes, at most so many.
    pub fn some(&mut self, most: usize) -> &'b [u8] {
        let bytes = self.below(most + 1);
        self.take(bytes)
    }

    /// A text of some bytes, at most so many.
    pub fn text(&mut self, most: usize) -> Cow<'b, str> {
        String::from_utf8_lossy(self.some(most))
    }

    /// A key, or an id.
    pub fn sixteen(&mut self) -> [u8; 16] {
        let mut all = [0; 16];
        let taken = self.take(16);
        all[..taken.len()].copy_from_slice(taken);
        all
    }

    /// All that is left.
    #[must_use]
    pub fn rest(self) -> &'b [u8] {
        self.0
    }
}
