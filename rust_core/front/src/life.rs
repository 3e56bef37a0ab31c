//! What a connection does: how many calls it has under way, when one of them moved last, and answers that nobody takes.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::inbox::ConnectionId;

/// A connection of which something moved this recently is not sent away for a new one: where it has no calls or its calls
/// only rest, and where the server still owes it something.
const IDLE_MIN: Duration = Duration::from_secs(1);
const STUCK_MIN: Duration = Duration::from_secs(30);
const STUCK_RANK: u8 = 2;

/// How short room is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// Soon there will be none.
    Near,
    /// Newcomers wait.
    Here,
}

/// One connection's doings. Belongs to the front's thread alone.
#[derive(Debug)]
pub struct Life {
    running: Cell<usize>,
    /// Those of the running calls to which nothing is owed: streams that stand still, and whoever watches health.
    resting: Cell<usize>,
    moved_at: Cell<Instant>,
    has_called: Cell<bool>,
    /// Answers that wait to be taken: of this look and of the one before.
    untaken: [Cell<usize>; 2],
    look: Cell<usize>,
    asked_to_go: Cell<bool>,
    go: Notify,
}

impl Life {
    fn new() -> Self {
        Self {
            running: Cell::new(0),
            resting: Cell::new(0),
            moved_at: Cell::new(Instant::now()),
            has_called: Cell::new(false),
            untaken: [Cell::new(0), Cell::new(0)],
            look: Cell::new(0),
            asked_to_go: Cell::new(false),
            go: Notify::new(),
        }
    }

    /// Begins a call; it runs until what this gives is dropped.
    pub fn begin(self: &Rc<Self>) -> Running {
        self.running.set(self.running.get() + 1);
        self.has_called.set(true);
        self.moved();
        Running(Rc::clone(self))
    }

    /// Notes that a call of it rests until what this gives is dropped.
    pub fn rest(self: &Rc<Self>) -> Resting {
        self.resting.set(self.resting.get() + 1);
        Resting(Rc::clone(self))
    }

    /// Notes that something of a call came or went.
    pub fn moved(&self) {
        self.moved_at.set(Instant::now());
    }

    /// Notes an answer that is ready; it is taken when what this gives is dropped.
    pub fn answered(self: &Rc<Self>) -> Untaken {
        let look = self.look.get();
        self.untaken[look].set(self.untaken[look].get() + 1);
        Untaken { life: Rc::clone(self), look }
    }

    /// Looks at the answers that wait; tells whether one has been waiting since the look before.
    pub fn look_at_untaken(&self) -> bool {
        let next = 1 - self.look.get();
        self.look.set(next);
        self.untaken[next].get() > 0
    }

    /// How many calls are under way.
    pub fn running(&self) -> usize {
        self.running.get()
    }

    /// Whether calls are under way to which something is owed.
    pub fn is_busy(&self) -> bool {
        self.running.get() > self.resting.get()
    }

    /// Whether something has moved in so long a time.
    pub fn has_moved_within(&self, time: Duration) -> bool {
        self.moved_at.get().elapsed() < time
    }

    /// For how long nothing has moved, if that is long enough for the connection to be sent away; the first that are sent
    /// away have the lowest rank.
    fn idle(&self) -> Option<(u8, Duration)> {
        let (rank, idle_min) = match (self.running.get(), self.is_busy()) {
            (0, _) => (0, IDLE_MIN),
            (_, false) => (1, IDLE_MIN),
            (_, true) => (STUCK_RANK, STUCK_MIN),
        };
        let idle = self.moved_at.get().elapsed();
        (idle >= idle_min).then_some((rank, idle))
    }

    /// Whether there has been no call under way for so long.
    pub fn is_idle_for(&self, time: Duration) -> bool {
        self.running.get() == 0 && self.moved_at.get().elapsed() >= time
    }

    /// Whether there has been a call.
    pub fn has_called(&self) -> bool {
        self.has_called.get()
    }

    /// Waits until the connection is asked to make room.
    pub async fn asked_to_go(&self) {
        self.go.notified().await;
    }
}

/// A call under way.
#[derive(Debug)]
pub struct Running(Rc<Life>);

impl Running {
    /// Notes that something of it went to the caller.
    pub fn moved(&self) {
        self.0.moved();
    }

    /// As [`Life::rest`].
    pub fn rest(&self) -> Resting {
        self.0.rest()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get() - 1);
        self.0.moved();
    }
}

/// A call that rests.
#[derive(Debug)]
pub struct Resting(Rc<Life>);

impl Drop for Resting {
    fn drop(&mut self) {
        self.0.resting.set(self.0.resting.get() - 1);
        self.0.moved();
    }
}

/// An answer that its caller has not taken yet.
#[derive(Debug)]
pub struct Untaken {
    life: Rc<Life>,
    look: usize,
}

impl Drop for Untaken {
    fn drop(&mut self) {
        let untaken = &self.life.untaken[self.look];
        untaken.set(untaken.get() - 1);
    }
}

/// The connections that are there.
#[derive(Debug, Default)]
pub struct Lives {
    lives: RefCell<HashMap<ConnectionId, Rc<Life>>>,
}

impl Lives {
    /// Begins a connection.
    pub fn begin(&self, connection: ConnectionId) -> Rc<Life> {
        let life = Rc::new(Life::new());
        self.lives.borrow_mut().insert(connection, Rc::clone(&life));
        life
    }

    /// Ends a connection.
    pub fn end(&self, connection: ConnectionId) {
        self.lives.borrow_mut().remove(&connection);
    }

    /// Asks connections to go of which nothing has moved for a while: first those without calls, then those whose calls
    /// only rest, and, where room is short, those whose calls are stuck; of each those first that have been so for longest.
    ///
    /// # Arguments
    /// * `connections`: how many at most.
    pub fn make_room(&self, shortage: Shortage, connections: usize) {
        let lives = self.lives.borrow();
        let staying = lives.values().filter(|life| !life.asked_to_go.get());
        let mut idle: Vec<_> = staying.filter_map(|life| Some((life.idle()?, life))).collect();
        idle.retain(|((rank, _), _)| *rank < STUCK_RANK || shortage == Shortage::Here);
        idle.sort_unstable_by_key(|((rank, idle), _)| (*rank, Reverse(*idle)));
        for (_, life) in idle.into_iter().take(connections) {
            life.asked_to_go.set(true);
            life.go.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_outlasts_two_looks_is_noticed() {
        let life = Rc::new(Life::new());
        let first = life.answered();
        assert!(!life.look_at_untaken());
        let second = life.answered();
        assert!(life.look_at_untaken());
        drop(first);
        assert!(life.look_at_untaken());
        drop(second);
        assert!(!life.look_at_untaken());
    }

    /// A connection of which nothing has moved for so long.
    fn still(lives: &Lives, number: u64, seconds: u64, calls: impl FnOnce(&Rc<Life>)) -> Rc<Life> {
        let life = lives.begin(ConnectionId(number));
        calls(&life);
        let then = Instant::now().checked_sub(Duration::from_secs(seconds));
        life.moved_at.set(then.expect("a machine that runs for a minute"));
        life
    }

    #[test]
    fn who_does_least_goes_first_and_only_after_a_while() {
        let lives = Lives::default();
        let busy = |life: &Rc<Life>| std::mem::forget(life.begin());
        let resting = |life: &Rc<Life>| std::mem::forget((life.begin(), life.rest()));
        let stuck = still(&lives, 1, 40, busy);
        let waiting = still(&lives, 2, 20, busy);
        let watching = still(&lives, 3, 10, resting);
        let watched_lately = still(&lives, 4, 0, resting);
        let idle = [2, 3].map(|seconds| still(&lives, 4 + seconds, seconds, |_| {}));
        let called_lately = still(&lives, 10, 0, |_| {});
        let order = [&idle[1], &idle[0], &watching];
        for place in 0..order.len() {
            lives.make_room(Shortage::Near, 1);
            let gone: Vec<_> = order.iter().map(|life| life.asked_to_go.get()).collect();
            assert_eq!(gone, [true, place > 0, place > 1]);
        }
        lives.make_room(Shortage::Near, 9);
        assert!(!stuck.asked_to_go.get(), "there is room still");
        lives.make_room(Shortage::Here, 9);
        assert!(stuck.asked_to_go.get());
        for life in [&waiting, &watched_lately, &called_lately] {
            assert!(!life.asked_to_go.get(), "{life:?}");
        }
    }
}
