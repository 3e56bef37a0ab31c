//! What waits for the loop: calls, in a queue for each workspace and connection, and the calls whose callers have gone.
//!
//! Bounded, and fair in two steps: first among workspaces, then among the connections of each. A workspace may have
//! three times as many messages waiting as it leaves room for others, a connection as many as its workspace has room
//! left: however many are sent for one, another finds room, and so does whoever comes new. Workspaces take turns, by
//! calls and not by messages, so that nobody waits behind another's thousand.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::numbered::NumberedMap;
use crate::wake::Wake;

#[cfg(utterson_loom)]
use loom::sync::Mutex;
#[cfg(not(utterson_loom))]
use std::sync::Mutex;

/// Calls that a workspace may hand over before it is the next one's turn.
const TURN_CALLS: usize = 16;
/// So many parts of the room may one workspace take for each that it leaves.
const SHARES: usize = 3;

/// Names a call between front and loop. Later calls have greater ones; none is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Names a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub u64);

/// Stands for a workspace: a keyed digest of the name that a message tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkspaceDigest(pub u64);

/// Whom a call is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The workspace that it names.
    pub workspace: WorkspaceDigest,
    /// The connection that it came by.
    pub connection: ConnectionId,
}

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

/// A call for the loop; or several, where its message holds a batch.
#[derive(Debug)]
pub struct Call {
    /// Its name.
    pub token: Token,
    /// Its method.
    pub method: MethodIndex,
    /// What it is a part of.
    pub part: Part,
    /// How many calls its message holds.
    pub calls: usize,
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

/// There is no room for one more call.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

/// What waits of one workspace.
#[derive(Debug, Default)]
struct Lot {
    queues: NumberedMap<ConnectionId, VecDeque<Call>>,
    /// The connections that have a queue, next one first.
    turns: VecDeque<ConnectionId>,
    messages: usize,
    /// Calls that it may still hand over in its turn; saved up for a message that holds many.
    credit: usize,
}

impl Lot {
    fn push(&mut self, connection: ConnectionId, call: Call) {
        let turns = &mut self.turns;
        let queue = self.queues.entry(connection).or_insert_with(|| {
            turns.push_back(connection);
            VecDeque::new()
        });
        queue.push_back(call);
        self.messages += 1;
    }

    /// How many calls the next message holds, and whose it is; none where nothing waits.
    fn first(&mut self) -> Option<(ConnectionId, usize)> {
        loop {
            let connection = *self.turns.front()?;
            if let Some(first) = self.queues.get(&connection).and_then(VecDeque::front) {
                return Some((connection, first.calls));
            }
            // Withdrawn, all of it.
            self.turns.pop_front();
            self.queues.remove(&connection);
        }
    }

    fn pop(&mut self) -> Option<Call> {
        let connection = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&connection)?;
        let call = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(&connection);
        } else {
            self.turns.push_back(connection);
        }
        self.messages -= usize::from(call.is_some());
        call
    }

    fn remove(&mut self, connection: ConnectionId, token: Token) -> bool {
        // Tokens grow, so a queue is sorted. One that is left empty keeps its turn, and goes when that comes.
        let removed = self.queues.get_mut(&connection).and_then(|queue| {
            let place = queue.binary_search_by_key(&token, |call| call.token).ok()?;
            queue.remove(place)
        });
        self.messages -= usize::from(removed.is_some());
        removed.is_some()
    }
}

#[derive(Debug, Default)]
struct Waiting {
    lots: NumberedMap<WorkspaceDigest, Lot>,
    /// The workspaces that have something waiting, next one first.
    turns: VecDeque<WorkspaceDigest>,
    /// Messages of each connection, whatever their workspaces.
    of_connections: NumberedMap<ConnectionId, usize>,
    messages: usize,
    gone: Vec<Token>,
    closed: Vec<StreamId>,
    signalled: bool,
}

impl Waiting {
    fn has_room(&self, origin: Origin, messages_max: usize) -> bool {
        let room = messages_max - self.messages;
        let lot = self.lots.get(&origin.workspace).map_or(0, |lot| lot.messages);
        let left = (SHARES * room).saturating_sub(lot).div_ceil(SHARES + 1);
        room > 0 && self.of_connections.get(&origin.connection).copied().unwrap_or(0) < left
    }

    fn push(&mut self, origin: Origin, call: Call) {
        let turns = &mut self.turns;
        let lot = self.lots.entry(origin.workspace).or_insert_with(|| {
            turns.push_back(origin.workspace);
            Lot::default()
        });
        lot.push(origin.connection, call);
        *self.of_connections.entry(origin.connection).or_default() += 1;
        self.messages += 1;
    }

    fn forget(&mut self, connection: ConnectionId) {
        self.messages -= 1;
        if let Some(own) = self.of_connections.get_mut(&connection) {
            *own -= 1;
            if *own == 0 {
                self.of_connections.remove(&connection);
            }
        }
    }

    /// Takes calls from the workspaces in turn, until there are so many; what is begun with is taken whole.
    fn take(&mut self, calls_max: usize, taken: &mut Vec<Call>) {
        let mut left = calls_max;
        while left > 0 {
            let Some(workspace) = self.turns.pop_front() else { break };
            let Some(mut lot) = self.lots.remove(&workspace) else { continue };
            lot.credit += TURN_CALLS;
            while left > 0
                && let Some((connection, calls)) = lot.first()
                && calls <= lot.credit
            {
                lot.credit -= calls;
                left = left.saturating_sub(calls);
                taken.extend(lot.pop());
                self.forget(connection);
            }
            if lot.messages > 0 {
                self.turns.push_back(workspace);
                self.lots.insert(workspace, lot);
            }
        }
    }
}

/// The queue between the front's thread and the loop's.
#[derive(Debug)]
pub struct Inbox<W> {
    waiting: Mutex<Waiting>,
    messages_max: usize,
    wake: W,
}

impl<W: Wake> Inbox<W> {
    /// Makes an empty one for at most `messages_max` messages.
    pub fn new(messages_max: usize, wake: W) -> Self {
        Self { waiting: Mutex::new(Waiting::default()), messages_max, wake }
    }

    /// What wakes the loop.
    pub fn wake(&self) -> &W {
        &self.wake
    }

    /// Puts a call into its queue. Tell the loop with [`Inbox::signal`].
    ///
    /// # Errors
    /// [`Full`], and the call is dropped.
    pub fn push(&self, origin: Origin, call: Call) -> Result<(), Full> {
        self.offer(origin, call).map_err(|_| Full)
    }

    /// As [`Inbox::push`].
    ///
    /// # Errors
    /// The call itself: there is no room for it.
    pub fn offer(&self, origin: Origin, call: Call) -> Result<(), Call> {
        let mut waiting = self.lock();
        if !waiting.has_room(origin, self.messages_max) {
            return Err(call);
        }
        waiting.push(origin, call);
        Ok(())
    }

    /// Notes that nobody waits for a call any more; forgets it if it was not taken yet.
    pub fn withdraw(&self, origin: Origin, token: Token) {
        let mut guard = self.lock();
        let waiting = &mut *guard;
        if waiting.lots.get_mut(&origin.workspace).is_some_and(|lot| lot.remove(origin.connection, token)) {
            waiting.forget(origin.connection);
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
        let wanted = waiting.messages > 0 || !waiting.gone.is_empty() || !waiting.closed.is_empty();
        if wanted && !waiting.signalled {
            waiting.signalled = true;
            drop(waiting);
            self.wake.wake();
        }
    }

    /// Takes about `calls_max` calls, from the workspaces in turn; what stays behind wakes the loop again.
    pub fn take(&self, calls_max: usize) -> Taken {
        let mut guard = self.lock();
        let waiting = &mut *guard;
        let mut taken = Taken {
            calls: Vec::with_capacity(waiting.messages.min(calls_max)),
            gone: std::mem::take(&mut waiting.gone),
            closed: std::mem::take(&mut waiting.closed),
        };
        waiting.take(calls_max, &mut taken.calls);
        if waiting.messages == 0 {
            waiting.signalled = false;
            self.wake.rest();
        }
        taken
    }

    #[cfg(not(utterson_loom))]
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // Nothing in here panics halfway; a poisoned lock holds what it held.
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    #[cfg(utterson_loom)]
    fn lock(&self) -> loom::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
