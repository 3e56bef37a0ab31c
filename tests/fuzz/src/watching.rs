//! Bounds of time.

use std::time::Duration;

use cpu_time::ThreadTime;

/// How much slower a build without optimisation, or one that counts what it reaches, is taken to be.
const SLOW: u32 = if cfg!(debug_assertions) || cfg!(feature = "libfuzzer") { 30 } else { 1 };

/// Does work that may take so much of a processor, by an optimised build.
///
/// # Panics
///
/// It took more.
pub fn within<T>(limit: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    let began = ThreadTime::now();
    let made = work();
    let took = began.elapsed();
    assert!(took < limit * SLOW, "{what} took {took:?}");
    made
}
