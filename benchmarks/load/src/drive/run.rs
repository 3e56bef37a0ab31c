//! What all callers of a run share.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;

use crate::Failure;
use crate::calls_file::{KINDS, Kind};
use crate::cli::Shape;
use crate::codes;
use crate::drive::answers::{Samples, look, look_at_ending};
use crate::drive::messages::{Message, Queue};
use crate::drive::tally::{Span, Tally};
use crate::grpc::{Ending, Head};

const SERVICE: &str = "utterson.v1.IdentityService";

/// What all callers of a run share.
#[derive(Debug)]
pub struct Run {
    /// The messages.
    pub queue: Queue,
    /// When what is answered counts.
    pub span: Span,
    /// How calls travel.
    pub shape: Shape,
    /// Whether messages are sent when they are due, not when there is time.
    pub is_paced: bool,
    /// One for each connection.
    pub tallies: Vec<Mutex<Tally>>,
    /// Where sampled answers go.
    pub samples: Option<Mutex<Samples>>,
    heads: Heads,
}

/// The heads of the requests.
#[derive(Debug)]
struct Heads {
    unary: [Head; KINDS.len()],
    many: Head,
}

impl Run {
    /// Of messages that are ready.
    pub fn new(
        address: &str,
        shape: Shape,
        is_paced: bool,
        queue: Queue,
        span: Span,
        connections: u16,
        samples: Option<Samples>,
    ) -> Result<Self, Failure> {
        let head = |method: &str| Head::new(address, &format!("{SERVICE}/{method}"));
        let [identify, login, logout, track, modify, search] = KINDS.map(|kind| head(kind.method()));
        let heads = Heads {
            unary: [identify?, login?, logout?, track?, modify?, search?],
            many: head(if shape == Shape::Stream { "StreamResolve" } else { "BatchResolve" })?,
        };
        let tallies = (0..connections).map(|_| Mutex::new(Tally::new())).collect();
        Ok(Self { queue, span, shape, is_paced, tallies, samples: samples.map(Mutex::new), heads })
    }

    /// The head of a message's request.
    pub fn head(&self, kind: Kind) -> &Head {
        match self.shape {
            Shape::Unary => &self.heads.unary[KINDS.iter().position(|one| *one == kind).unwrap_or_default()],
            Shape::Batch | Shape::Stream => &self.heads.many,
        }
    }

    /// Counts what came of a message; `begun` is when it was sent, or due.
    pub fn record(&self, place: usize, message: &Message, begun: Instant, answer: &Bytes, ending: Option<&Ending>) {
        let now = Instant::now();
        let counts = self.span.holds(if self.is_paced { begun } else { now });
        if !counts && message.sampled.is_empty() {
            return;
        }
        let mut samples =
            if message.sampled.is_empty() { None } else { self.samples.as_ref().map(|samples| held(samples)) };
        let mut unneeded = None;
        let mut tally = held(&self.tallies[place]);
        // What does not count is looked at for its samples only.
        let counted = if counts { &mut *tally } else { unneeded.insert(Tally::new()) };
        match ending {
            Some(ending) if ending.code != codes::OK => {
                look_at_ending(message, ending, counted, samples.as_deref_mut());
            }
            Some(_) | None => look(self.shape, message, answer, counted, samples.as_deref_mut()),
        }
        counted.count(message.calls, now.saturating_duration_since(begun), now);
    }
}

/// Locks what no caller leaves half done.
pub fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
