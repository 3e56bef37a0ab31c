//! The thread that unpacks what is more than a little, beside the front's.
//!
//! Messages go on in slices: a connection's one after the other, the connections in turn. So nobody waits for longer than
//! all who unpack at the moment take for a slice each, whatever one of them sends. A message that nobody waits for any more
//! is dropped when its turn comes, and the thread ends within a slice.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::oneshot;

use crate::budget::Held;
use crate::inbox::ConnectionId;
use crate::packing::{NotUnpacked, Packing, Unpacking};

/// What a message may come to, and for how long, in the front's own thread. Most take less than the way to the other.
const AT_ONCE_PACKED_BYTES: usize = 4 * 1024;
const AT_ONCE_BYTES: usize = 16 * 1024;
const AT_ONCE: Duration = Duration::from_micros(200);
/// What one usually takes at most. Whoever sends one that takes more has to wait for the other thread from then on.
const USUAL: Duration = Duration::from_micros(50);
const USUAL_A_BYTE: Duration = Duration::from_nanos(30);
/// How long a message goes on until it is the next one's turn.
const SLICE: Duration = Duration::from_millis(1);

type Unpacked = Result<Bytes, NotUnpacked>;

/// A message that is unpacked, and who waits for it.
struct Job {
    unpacking: Unpacking,
    waits: oneshot::Sender<Unpacked>,
}

#[derive(Default)]
struct Waiting {
    queues: HashMap<ConnectionId, VecDeque<Job>>,
    /// The connections that have a queue, but for the one whose turn it is.
    turns: VecDeque<ConnectionId>,
    ended: bool,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    wanted: Condvar,
}

/// The thread; it ends when this is dropped.
pub struct Unpacker {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

/// One connection's way to have messages unpacked.
#[derive(Clone)]
pub struct Unpacks {
    queue: Arc<Queue>,
    connection: ConnectionId,
    /// Whether a message of it took unusually long: then none is unpacked in the front's thread any more.
    is_dear: Arc<AtomicBool>,
}

impl Unpacker {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no thread for us.
    pub fn start() -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let worked = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name("utterson-unpack".to_owned()).spawn(move || work(&worked))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// The way of a new connection.
    pub fn of(&self, connection: ConnectionId) -> Unpacks {
        Unpacks { queue: Arc::clone(&self.queue), connection, is_dear: Arc::default() }
    }
}

impl Drop for Unpacker {
    fn drop(&mut self) {
        self.queue.lock().ended = true;
        self.queue.wanted.notify_one();
        if let Some(thread) = self.thread.take() {
            // It has ended already where it panicked; nobody waits for it then.
            let _ = thread.join();
        }
    }
}

impl Unpacks {
    /// Unpacks a message.
    ///
    /// # Arguments
    /// * `packed`: the message, without its header.
    /// * `bytes_max`: how many bytes may come out.
    /// * `held`: what holds them.
    ///
    /// # Errors
    /// Why it is not unpacked.
    pub async fn unpack(&self, packing: Packing, packed: Bytes, bytes_max: usize, held: &Arc<Held>) -> Unpacked {
        let mut unpacking = Unpacking::new(packing, packed, bytes_max, Arc::clone(held));
        if unpacking.packed_bytes() <= AT_ONCE_PACKED_BYTES && !self.is_dear.load(Ordering::Relaxed) {
            let began = Instant::now();
            let ran = unpacking.run(began + AT_ONCE, AT_ONCE_BYTES);
            let bytes = unpacking.packed_bytes() + unpacking.unpacked_bytes();
            let usual = USUAL + USUAL_A_BYTE * u32::try_from(bytes).unwrap_or(u32::MAX);
            self.is_dear.fetch_or(began.elapsed() > usual, Ordering::Relaxed);
            if let Some(unpacked) = ran? {
                return Ok(unpacked);
            }
        }
        let (waits, unpacked) = oneshot::channel();
        self.queue.add(self.connection, Job { unpacking, waits });
        unpacked.await.unwrap_or_else(|_| Err(given_up()))
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in here panics halfway; a poisoned lock holds what it held.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, connection: ConnectionId, job: Job) {
        let mut guard = self.lock();
        let waiting = &mut *guard;
        let turns = &mut waiting.turns;
        let queue = waiting.queues.entry(connection).or_insert_with(|| {
            turns.push_back(connection);
            VecDeque::new()
        });
        queue.push_back(job);
        drop(guard);
        self.wanted.notify_one();
    }

    /// Waits for a job; none where the end has come.
    fn next(&self) -> Option<(ConnectionId, Job)> {
        let mut guard = self.lock();
        loop {
            let waiting = &mut *guard;
            if waiting.ended {
                waiting.queues.clear();
                return None;
            }
            let Some(connection) = waiting.turns.pop_front() else {
                guard = self.wanted.wait(guard).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let queue = waiting.queues.get_mut(&connection);
            let job = queue.and_then(|queue| {
                queue.retain(|job| !job.waits.is_closed());
                queue.pop_front()
            });
            match job {
                Some(job) => return Some((connection, job)),
                None => drop(waiting.queues.remove(&connection)),
            }
        }
    }

    /// Gives the turn to the next connection; the job, if there is still one, stays the first of its own.
    fn pass(&self, connection: ConnectionId, job: Option<Job>) {
        let mut guard = self.lock();
        let waiting = &mut *guard;
        if let (Some(job), Some(queue)) = (job, waiting.queues.get_mut(&connection)) {
            queue.push_front(job);
        }
        waiting.turns.push_back(connection);
    }
}

fn work(queue: &Queue) {
    while let Some((connection, mut job)) = queue.next() {
        // A bug in unpacking is one message's affair.
        let unpacked = match catch_unwind(AssertUnwindSafe(|| slice(&mut job.unpacking))) {
            Ok(Ok(None)) => {
                queue.pass(connection, Some(job));
                continue;
            }
            Ok(Ok(Some(unpacked))) => Ok(unpacked),
            Ok(Err(why)) => Err(why),
            Err(_) => Err(given_up()),
        };
        // Whoever waits for it may have gone.
        let _ = job.waits.send(unpacked);
        queue.pass(connection, None);
    }
}

fn given_up() -> NotUnpacked {
    NotUnpacked::Broken(io::Error::other("it was given up"))
}

fn slice(unpacking: &mut Unpacking) -> Result<Option<Bytes>, NotUnpacked> {
    let began = processor_time();
    let unpacked = unpacking.run(Instant::now() + SLICE, usize::MAX)?;
    if unpacked.is_none() {
        unpacking.spend(processor_time().saturating_sub(began))?;
    }
    Ok(unpacked)
}

/// For how long a processor has been at this thread.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
