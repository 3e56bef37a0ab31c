//! The memory that requests and answers may take, shared fairly among connections.
//!
//! As in the inbox, a connection may hold as much as is left: the more are greedy, the less each gets, and something is
//! always left for whoever comes new.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::inbox::Full;

/// What a connection may hold even if nothing is left: ordinary calls. Answers are held whatever there is, so that nothing
/// may be left for long where they are not taken.
const FLOOR_BYTES: u64 = 128 * 1024;
/// Of a small budget the floor is this part.
const FLOOR_PART: u64 = 1024;

/// What all connections share, in bytes.
#[derive(Debug)]
pub struct Budget {
    bytes_max: u64,
    held_bytes: AtomicU64,
}

/// What one connection holds of it.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    held_bytes: AtomicU64,
}

/// What one call holds; given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    share: Arc<Share>,
    bytes: AtomicU64,
}

impl Budget {
    /// A budget of which nothing is held.
    pub fn new(bytes_max: u64) -> Arc<Self> {
        Arc::new(Self { bytes_max, held_bytes: AtomicU64::new(0) })
    }

    /// The share of a new connection.
    pub fn share(self: &Arc<Self>) -> Arc<Share> {
        Arc::new(Share { budget: Arc::clone(self), held_bytes: AtomicU64::new(0) })
    }
}

impl Share {
    /// Begins a call, which holds nothing yet.
    pub fn begin(self: &Arc<Self>) -> Arc<Held> {
        Arc::new(Held { share: Arc::clone(self), bytes: AtomicU64::new(0) })
    }
}

impl Held {
    /// Holds more.
    ///
    /// # Errors
    /// [`Full`]: the connection would hold more than is left for others. Nothing was added.
    pub fn add(&self, bytes: usize) -> Result<(), Full> {
        let bytes = bytes as u64;
        let budget = &self.share.budget;
        // Only what is unpacked is counted beside the front's thread; both may then add a little too much.
        let left = budget.bytes_max.saturating_sub(budget.held_bytes.load(Ordering::Relaxed));
        let floor = FLOOR_BYTES.min(budget.bytes_max / FLOOR_PART);
        if self.share.held_bytes.load(Ordering::Relaxed) + bytes > left.max(floor) {
            return Err(Full);
        }
        self.count(bytes);
        Ok(())
    }

    /// Holds more, even if that is too much: what is there already cannot be refused, only what would come after it.
    pub fn add_anyway(&self, bytes: usize) {
        self.count(bytes as u64);
    }

    fn count(&self, bytes: u64) {
        for counter in [&self.bytes, &self.share.held_bytes, &self.share.budget.held_bytes] {
            counter.fetch_add(bytes, Ordering::Relaxed);
        }
    }
}

impl Held {
    /// How much is held.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Gives back a part, of what is held at most.
    pub fn release(&self, bytes: u64) {
        for counter in [&self.bytes, &self.share.held_bytes, &self.share.budget.held_bytes] {
            counter.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let bytes = *self.bytes.get_mut();
        self.share.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.share.budget.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greedy_leave_room_for_whoever_comes_new() {
        let budget = Budget::new(900);
        let (greedy, other, newcomer) = (budget.share().begin(), budget.share().begin(), budget.share().begin());
        while greedy.add(1).is_ok() {}
        assert_eq!(greedy.bytes.load(Ordering::Relaxed), 450);
        while other.add(1).is_ok() {}
        assert_eq!(other.bytes.load(Ordering::Relaxed), 225);
        assert_eq!(newcomer.add(100), Ok(()));
    }

    #[test]
    fn what_a_call_held_is_there_again_when_it_ends() {
        let budget = Budget::new(100);
        let share = budget.share();
        let call = share.begin();
        assert_eq!(call.add(50), Ok(()));
        assert_eq!(share.begin().add(1), Err(Full));
        drop(call);
        assert_eq!(share.begin().add(50), Ok(()));
    }

    #[test]
    fn ordinary_calls_find_room_where_answers_have_taken_all() {
        let budget = Budget::new(1 << 20);
        let untaken = budget.share().begin();
        untaken.add_anyway(4 << 20);
        assert_eq!(untaken.add(1), Err(Full));
        let other = budget.share().begin();
        assert_eq!((other.add(1 << 10), other.add(1)), (Ok(()), Err(Full)));
    }
}
