//! Asking for a line of memory before it is needed.

/// Asks for the line of a row and does not wait for it, so that many are on their way at once.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn ahead<T: Copy>(row: &T) {
    safe_arch::prefetch_t0(row);
}

/// Reads a row and uses it for nothing. A processor goes on meanwhile, as far as it has room for what comes after.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(crate) fn ahead<T: Copy>(row: &T) {
    std::hint::black_box(*row);
}
