//! The memory that requests and answers may take, shared fairly among connections.
//!
//! A quarter is kept back: of it each connection that there may be has a part of its own, which nobody else can take. Of the
//! rest a connection may hold as much as is left, as in the inbox: the more are greedy, the less each gets. While somebody
//! is refused for want of memory, those who hold more than their own part have to hurry ([`Held::is_pressed`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::inbox::Full;

/// The part of all that is kept back for everybody's own.
const KEPT_PART: u64 = 4;
/// For how long after a refusal whoever holds much has to hurry.
const PRESSED: Duration = Duration::from_secs(10);

/// What all connections share, in bytes.
#[derive(Debug)]
pub struct Budget {
    /// What each connection has for itself.
    own_bytes: u64,
    common_bytes_max: u64,
    /// What connections hold beyond their own.
    common_bytes: AtomicU64,
    started_at: Instant,
    /// When somebody was refused last, and one more; 0 is never.
    refused_at_ms: AtomicU64,
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
    /// A budget of which nothing is held, for so many connections at most.
    pub fn new(bytes_max: u64, connections_max: usize) -> Arc<Self> {
        let kept_bytes = bytes_max / KEPT_PART;
        Arc::new(Self {
            own_bytes: kept_bytes / (connections_max as u64).max(1),
            common_bytes_max: bytes_max - kept_bytes,
            common_bytes: AtomicU64::new(0),
            started_at: Instant::now(),
            refused_at_ms: AtomicU64::new(0),
        })
    }

    /// The share of a new connection.
    pub fn share(self: &Arc<Self>) -> Arc<Share> {
        Arc::new(Share { budget: Arc::clone(self), held_bytes: AtomicU64::new(0) })
    }

    /// How much of what a connection holds is not of its own part.
    fn beyond(&self, held_bytes: u64) -> u64 {
        held_bytes.saturating_sub(self.own_bytes)
    }

    fn note_refusal(&self) {
        self.refused_at_ms.store(self.now_ms() + 1, Ordering::Relaxed);
    }

    fn has_refused_lately(&self) -> bool {
        let refused_at_ms = self.refused_at_ms.load(Ordering::Relaxed);
        refused_at_ms > 0 && Duration::from_millis((self.now_ms() + 1).saturating_sub(refused_at_ms)) < PRESSED
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started_at.elapsed().as_millis()).unwrap_or(u64::MAX - 1)
    }
}

impl Share {
    /// Begins a call, which holds nothing yet.
    pub fn begin(self: &Arc<Self>) -> Arc<Held> {
        Arc::new(Held { share: Arc::clone(self), bytes: AtomicU64::new(0) })
    }

    /// Whether the connection holds more than its own part while others are refused for want of memory.
    pub fn is_pressed(&self) -> bool {
        self.budget.beyond(self.held_bytes.load(Ordering::Relaxed)) > 0 && self.budget.has_refused_lately()
    }

    fn add(&self, bytes: u64) {
        let before = self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        let more = self.budget.beyond(before + bytes) - self.budget.beyond(before);
        self.budget.common_bytes.fetch_add(more, Ordering::Relaxed);
    }

    fn release(&self, bytes: u64) {
        let before = self.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
        let less = self.budget.beyond(before) - self.budget.beyond(before - bytes);
        self.budget.common_bytes.fetch_sub(less, Ordering::Relaxed);
    }
}

impl Held {
    /// Holds more.
    ///
    /// # Errors
    /// [`Full`]: the connection would hold more than its own part, and more than is left for others. Nothing was added.
    pub fn add(&self, bytes: usize) -> Result<(), Full> {
        let bytes = bytes as u64;
        let budget = &self.share.budget;
        // Only what is unpacked is counted beside the front's thread; both may then add a little too much.
        let left = budget.common_bytes_max.saturating_sub(budget.common_bytes.load(Ordering::Relaxed));
        let beyond = budget.beyond(self.share.held_bytes.load(Ordering::Relaxed) + bytes);
        if bytes > 0 && beyond > 0 && beyond > left {
            budget.note_refusal();
            return Err(Full);
        }
        self.add_anyway_bytes(bytes);
        Ok(())
    }

    /// Holds more, even if that is too much: what is there already cannot be refused, only what would come after it.
    pub fn add_anyway(&self, bytes: usize) {
        self.add_anyway_bytes(bytes as u64);
    }

    fn add_anyway_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.share.add(bytes);
    }

    /// Whether the call's connection has to hurry, as [`Share::is_pressed`].
    pub fn is_pressed(&self) -> bool {
        self.share.is_pressed()
    }

    /// How much is held.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Gives back a part, of what is held at most.
    pub fn release(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.share.release(bytes);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let bytes = *self.bytes.get_mut();
        self.share.release(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(held: &Held) -> u64 {
        while held.add(1).is_ok() {}
        held.bytes()
    }

    #[test]
    fn the_greedy_leave_room_for_whoever_comes_new() {
        let budget = Budget::new(1200, 30);
        let held: Vec<_> = std::iter::repeat_with(|| budget.share().begin()).take(30).collect();
        // 900 are common, 10 each connection's own.
        assert_eq!(all(&held[0]), 460);
        assert_eq!(all(&held[1]), 235);
        assert!(held[2].add(100).is_ok());
    }

    #[test]
    fn however_many_are_greedy_everybody_has_its_own_part() {
        let budget = Budget::new(1200, 30);
        let held: Vec<_> = std::iter::repeat_with(|| budget.share().begin()).take(30).collect();
        let taken: u64 = held[..29].iter().map(|held| all(held)).sum();
        assert!(taken > 1150, "{taken}");
        assert_eq!(all(&held[29]), 10);
        assert!(taken <= 1190, "{taken}");
    }

    #[test]
    fn what_a_call_held_is_there_again_when_it_ends() {
        let budget = Budget::new(1200, 30);
        let share = budget.share();
        let call = share.begin();
        assert_eq!(call.add(460), Ok(()));
        assert_eq!(share.begin().add(1), Err(Full));
        call.release(60);
        assert_eq!(share.begin().add(60), Ok(()));
        drop(call);
        assert_eq!(share.begin().add(460), Ok(()));
        assert_eq!(budget.common_bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn ordinary_calls_find_room_where_answers_have_taken_all() {
        let budget = Budget::new(1 << 20, 64);
        let untaken = budget.share().begin();
        untaken.add_anyway(4 << 20);
        assert_eq!(untaken.add(1), Err(Full));
        let other = budget.share().begin();
        assert_eq!((other.add(4 << 10), other.add(1)), (Ok(()), Err(Full)));
    }

    #[test]
    fn whoever_holds_much_while_others_are_refused_has_to_hurry() {
        let budget = Budget::new(1200, 30);
        let (greedy, modest) = (budget.share().begin(), budget.share().begin());
        assert_eq!(greedy.add(460), Ok(()));
        assert!(!greedy.is_pressed(), "nobody was refused");
        assert_eq!(modest.add(500), Err(Full));
        assert!(greedy.is_pressed());
        assert!(!modest.is_pressed(), "it holds nothing");
    }
}
