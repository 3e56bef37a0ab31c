//! What a connection does: how many calls it has under way, since when it has none, and answers that nobody takes.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::inbox::ConnectionId;

/// A connection that had calls this recently is not sent away for a new one.
const IDLE_MIN: Duration = Duration::from_secs(1);

/// One connection's doings. Belongs to the front's thread alone.
#[derive(Debug)]
pub struct Life {
    running: Cell<usize>,
    idle_since: Cell<Instant>,
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
            idle_since: Cell::new(Instant::now()),
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
        Running(Rc::clone(self))
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

    /// Whether calls are under way.
    pub fn is_busy(&self) -> bool {
        self.running.get() > 0
    }

    /// Whether there has been no call under way for so long.
    pub fn is_idle_for(&self, time: Duration) -> bool {
        !self.is_busy() && self.idle_since.get().elapsed() >= time
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

impl Drop for Running {
    fn drop(&mut self) {
        let left = self.0.running.get() - 1;
        self.0.running.set(left);
        if left == 0 {
            self.0.idle_since.set(Instant::now());
        }
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

    /// Asks the connection that has been without calls for longest to go, if one has been so for a while.
    pub fn make_room(&self) {
        let lives = self.lives.borrow();
        let idle = lives.values().filter(|life| !life.is_busy() && !life.asked_to_go.get());
        let Some(longest) = idle.min_by_key(|life| life.idle_since.get()) else { return };
        if longest.idle_since.get().elapsed() >= IDLE_MIN {
            longest.asked_to_go.set(true);
            longest.go.notify_one();
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

    #[test]
    fn who_has_calls_under_way_is_not_sent_away() {
        let lives = Lives::default();
        let (busy, idle) = (lives.begin(ConnectionId(1)), lives.begin(ConnectionId(2)));
        for life in [&busy, &idle] {
            life.idle_since.set(Instant::now().checked_sub(IDLE_MIN).expect("a machine that runs for a second"));
        }
        let call = busy.begin();
        lives.make_room();
        lives.make_room();
        assert!(idle.asked_to_go.get());
        assert!(!busy.asked_to_go.get());
        drop(call);
        lives.make_room();
        assert!(!busy.asked_to_go.get(), "it has just had a call");
    }
}
