//! What waits for the loop: calls, a queue for each connection, and the calls whose callers have gone.
//!
//! Bounded, and fair: a connection may have as many calls waiting as there is room left. One that sends without end gets
//! half of the room, two get a third each, and whoever comes new always finds some. Calls are taken from the
//! connections in turn, so that nobody waits behind another's thousand.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use crate::wake::Wake;

#[cfg(loom)]
use loom::sync::Mutex;
#[cfg(not(loom))]
use std::sync::Mutex;

/// Names a call between front and loop. Later calls have greater ones; none is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Names a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub u64);

/// The place of a method in the list of those that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodIndex(pub u16);

/// Names a stream of calls; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamId(pub u64);

/// What a call is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It stands alone.
    Whole,
    /// It is the next message of a stream.
    Message(StreamId),
    /// It has no message: its stream ends, and is answered when all before is.
    End(StreamId),
}

/// A call for the loop.
#[derive(Debug)]
pub struct Call {
    /// Its name.
    pub token: Token,
    /// Its method.
    pub method: MethodIndex,
    /// What it is a part of.
    pub part: Part,
    /// The message, as it came.
    pub request: Bytes,
    /// The caller's own request id, if it sent one.
    pub request_id: Option<String>,
}

/// What the loop takes at once.
#[derive(Debug, Default)]
pub struct Taken {
    /// Calls to be answered.
    pub calls: Vec<Call>,
    /// Calls that were taken before, and that nobody waits for any more.
    pub gone: Vec<Token>,
    /// Streams of which nothing more will come, and for which nobody waits.
    pub closed: Vec<StreamId>,
}

/// There is no room for one more call of this connection.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

#[derive(Debug, Default)]
struct Waiting {
    queues: HashMap<ConnectionId, VecDeque<Call>>,
    /// The connections that have a queue, next one first.
    turns: VecDeque<ConnectionId>,
    calls: usize,
    gone: Vec<Token>,
    closed: Vec<StreamId>,
    signalled: bool,
}

/// The queue between the front's thread and the loop's.
#[derive(Debug)]
pub struct Inbox<W> {
    waiting: Mutex<Waiting>,
    calls_max: usize,
    wake: W,
}

impl<W: Wake> Inbox<W> {
    /// Makes an empty one for at most `calls_max` calls.
    pub fn new(calls_max: usize, wake: W) -> Self {
        Self { waiting: Mutex::new(Waiting::default()), calls_max, wake }
    }

    /// What wakes the loop.
    pub fn wake(&self) -> &W {
        &self.wake
    }

    /// Puts a call into its connection's queue. Tell the loop with [`Inbox::signal`].
    ///
    /// # Errors
    /// [`Full`], and the call is dropped.
    pub fn push(&self, connection: ConnectionId, call: Call) -> Result<(), Full> {
        self.offer(connection, call).map_err(|_| Full)
    }

    /// As [`Inbox::push`].
    ///
    /// # Errors
    /// The call itself: there is no room for it.
    pub fn offer(&self, connection: ConnectionId, call: Call) -> Result<(), Call> {
        let mut guard = self.lock();
        let waiting = &mut *guard;
        let own = waiting.queues.get(&connection).map_or(0, VecDeque::len);
        if own >= self.calls_max - waiting.calls {
            return Err(call);
        }
        let turns = &mut waiting.turns;
        let queue = waiting.queues.entry(connection).or_insert_with(|| {
            turns.push_back(connection);
            VecDeque::new()
        });
        queue.push_back(call);
        waiting.calls += 1;
        Ok(())
    }

    /// Notes that nobody waits for a call any more; forgets it if it was not taken yet.
    pub fn withdraw(&self, connection: ConnectionId, token: Token) {
        let mut guard = self.lock();
        let waiting = &mut *guard;
        // Tokens grow, so a queue is sorted. One that is left empty keeps its turn, and goes when that comes.
        let queue = waiting.queues.get_mut(&connection);
        let removed = queue.and_then(|queue| {
            let place = queue.binary_search_by_key(&token, |call| call.token).ok()?;
            queue.remove(place)
        });
        if removed.is_some() {
            waiting.calls -= 1;
        } else {
            waiting.gone.push(token);
        }
    }

    /// Notes that a stream is over for its caller, after each of its calls was answered or withdrawn.
    pub fn close(&self, stream: StreamId) {
        self.lock().closed.push(stream);
    }

    /// Wakes the loop if there is something for it that it was not told of.
    pub fn signal(&self) {
        let mut waiting = self.lock();
        let wanted = waiting.calls > 0 || !waiting.gone.is_empty() || !waiting.closed.is_empty();
        if wanted && !waiting.signalled {
            waiting.signalled = true;
            drop(waiting);
            self.wake.wake();
        }
    }

    /// Takes at most `calls_max` calls, from the connections in turn; what stays behind wakes the loop again.
    pub fn take(&self, calls_max: usize) -> Taken {
        let mut guard = self.lock();
        let waiting = &mut *guard;
        let mut taken = Taken {
            calls: Vec::with_capacity(waiting.calls.min(calls_max)),
            gone: std::mem::take(&mut waiting.gone),
            closed: std::mem::take(&mut waiting.closed),
        };
        while taken.calls.len() < calls_max {
            let Some(connection) = waiting.turns.pop_front() else { break };
            let Some(queue) = waiting.queues.get_mut(&connection) else { continue };
            if let Some(call) = queue.pop_front() {
                taken.calls.push(call);
                waiting.calls -= 1;
            }
            if queue.is_empty() {
                waiting.queues.remove(&connection);
            } else {
                waiting.turns.push_back(connection);
            }
        }
        if waiting.calls == 0 {
            waiting.signalled = false;
            self.wake.rest();
        }
        taken
    }

    #[cfg(not(loom))]
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // Nothing in here panics halfway; a poisoned lock holds what it held.
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    #[cfg(loom)]
    fn lock(&self) -> loom::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
