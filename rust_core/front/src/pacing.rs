//! Calls that are passed through are worked on by the loop as well: so many at once, from the connections in turn, so
//! that a thousand of one caller's do not keep it from everybody else.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::inbox::ConnectionId;
use crate::numbered::NumberedMap;

/// Who takes longer waits for something else than the loop, such as the database, or the rest of its own request.
const TURN: Duration = Duration::from_millis(100);

/// Whose turn it is. Belongs to the front's thread alone.
#[derive(Debug)]
pub struct Pacing {
    free: Cell<usize>,
    waiting: RefCell<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    queues: NumberedMap<ConnectionId, VecDeque<oneshot::Sender<Slot>>>,
    /// The connections that have a queue, next one first.
    turns: VecDeque<ConnectionId>,
}

impl Waiting {
    fn push(&mut self, connection: ConnectionId, waiter: oneshot::Sender<Slot>) {
        let turns = &mut self.turns;
        let queue = self.queues.entry(connection).or_insert_with(|| {
            turns.push_back(connection);
            VecDeque::new()
        });
        queue.push_back(waiter);
    }

    fn pop(&mut self) -> Option<oneshot::Sender<Slot>> {
        let connection = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&connection)?;
        let waiter = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(&connection);
        } else {
            self.turns.push_back(connection);
        }
        waiter
    }
}

/// A turn; the next one's when it is dropped.
#[derive(Debug)]
struct Slot(Option<Rc<Pacing>>);

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(pacing) = self.0.take() else { return };
        loop {
            let next = pacing.waiting.borrow_mut().pop();
            let Some(waiter) = next else {
                pacing.free.set(pacing.free.get() + 1);
                return;
            };
            match waiter.send(Slot(Some(Rc::clone(&pacing)))) {
                Ok(()) => return,
                // Gone meanwhile. What comes back must not look for the next one by itself: there may be thousands.
                Err(mut slot) => drop(slot.0.take()),
            }
        }
    }
}

impl Pacing {
    /// Nobody has a turn yet; so many may have one at once.
    pub fn new(at_once: usize) -> Rc<Self> {
        Rc::new(Self { free: Cell::new(at_once), waiting: RefCell::default() })
    }

    /// Does something in a turn of its connection's; what takes long goes on without it.
    pub async fn paced<F: Future>(self: &Rc<Self>, connection: ConnectionId, work: F) -> F::Output {
        let slot = self.slot(connection).await;
        let mut work = pin!(work);
        if let Ok(output) = tokio::time::timeout(TURN, &mut work).await {
            return output;
        }
        drop(slot);
        work.await
    }

    async fn slot(self: &Rc<Self>, connection: ConnectionId) -> Slot {
        let free = self.free.get();
        if free > 0 {
            self.free.set(free - 1);
            return Slot(Some(Rc::clone(self)));
        }
        let (waiter, turn) = oneshot::channel();
        self.waiting.borrow_mut().push(connection, waiter);
        // Fails only where the front ends.
        turn.await.unwrap_or(Slot(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: usize = 32;

    async fn worked(pacing: Rc<Pacing>, connection: u64, done: Rc<RefCell<Vec<u64>>>) {
        let work = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            done.borrow_mut().push(connection);
        };
        pacing.paced(ConnectionId(connection), work).await;
    }

    fn locally(work: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        tokio::task::LocalSet::new().block_on(&runtime, work);
    }

    #[test]
    fn a_caller_does_not_wait_behind_a_thousand_of_another() {
        locally(async {
            let (pacing, done) = (Pacing::new(AT_ONCE), Rc::new(RefCell::new(Vec::new())));
            let greedy: Vec<_> =
                (0..1000).map(|_| tokio::task::spawn_local(worked(Rc::clone(&pacing), 1, Rc::clone(&done)))).collect();
            tokio::task::yield_now().await;
            worked(Rc::clone(&pacing), 2, Rc::clone(&done)).await;
            assert!(done.borrow().len() <= 3 * AT_ONCE, "{}", done.borrow().len());
            for one in greedy {
                one.await.expect("it ends");
            }
            assert_eq!((done.borrow().len(), pacing.free.get()), (1001, AT_ONCE));
        });
    }

    #[test]
    fn whoever_goes_leaves_its_turn_to_others() {
        locally(async {
            let (pacing, done) = (Pacing::new(AT_ONCE), Rc::new(RefCell::new(Vec::new())));
            let begin = |connection| tokio::task::spawn_local(worked(Rc::clone(&pacing), connection, Rc::clone(&done)));
            let gone: Vec<_> = (0..10_000).map(|_| begin(1)).collect();
            tokio::task::yield_now().await;
            let stays = begin(1);
            tokio::task::yield_now().await;
            for one in &gone {
                one.abort();
            }
            stays.await.expect("it ends");
            assert_eq!((done.borrow().len(), pacing.free.get()), (1, AT_ONCE));
        });
    }

    #[test]
    fn what_takes_long_does_not_keep_its_turn() {
        locally(async {
            let (pacing, done) = (Pacing::new(AT_ONCE), Rc::new(RefCell::new(Vec::new())));
            for _ in 0..AT_ONCE {
                let pacing = Rc::clone(&pacing);
                tokio::task::spawn_local(async move {
                    pacing.paced(ConnectionId(1), std::future::pending::<()>()).await;
                });
            }
            tokio::task::yield_now().await;
            worked(pacing, 2, Rc::clone(&done)).await;
            assert_eq!(*done.borrow(), [2]);
        });
    }
}
