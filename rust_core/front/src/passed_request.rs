//! The body of a request that is passed through: as it came, but that a message that has begun has to come.
//!
//! The server behind keeps what has come of a message until it is whole, so that is counted here: in the memory that all
//! requests share, and by the patience that there is with other messages. What it would refuse for its length goes no further
//! than its header.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tonic::Status;

use crate::budget::Held;
use crate::framing::Framing;
use crate::patience::Patience;

/// Why a request was given up by us, if it was.
pub type GivenUp = Arc<OnceLock<Status>>;
type Error = Box<dyn std::error::Error + Send + Sync>;

/// What a request is held to.
pub struct Terms {
    /// How long its messages may stand still.
    pub still_max: Duration,
    /// The most bytes of a message.
    pub bytes_max: usize,
    /// The most bytes of any message, whatever the method.
    pub bytes_ever_max: usize,
    /// Why a message is refused that has more than `bytes_max`.
    pub too_large: Status,
    /// Why one is refused that has more than `bytes_ever_max` as well.
    pub far_too_large: Status,
    /// Why one is refused for which there is no memory.
    pub overloaded: Status,
}

/// A request's body on its way to the server behind.
pub struct PassedRequest {
    body: Incoming,
    held: Arc<Held>,
    framing: Framing,
    patience: Patience,
    terms: Terms,
    given_up: GivenUp,
}

impl PassedRequest {
    /// Passes a body on that keeps the terms. Where it is given up, `given_up` tells why.
    pub fn new(body: Incoming, held: Arc<Held>, terms: Terms, given_up: GivenUp) -> Self {
        let patience = Patience::new(terms.still_max);
        Self { body, held, framing: Framing::default(), patience, terms, given_up }
    }

    /// Counts what has come of the message under way.
    fn count(&mut self, data: &[u8]) -> Result<(), Status> {
        self.patience.came(data.len());
        if self.framing.walk(data, self.terms.bytes_max) {
            // Whatever it has: the server behind would copy it first, and then refuse it.
            let announced = self.framing.missing();
            let Terms { bytes_ever_max, too_large, far_too_large, .. } = &self.terms;
            return Err(if announced > *bytes_ever_max { far_too_large } else { too_large }.clone());
        }
        let bytes = self.framing.under_way().map_or(0, |(come, _)| come as u64);
        let held_bytes = self.held.bytes();
        self.held.release(held_bytes.saturating_sub(bytes));
        let more = usize::try_from(bytes.saturating_sub(held_bytes)).unwrap_or(usize::MAX);
        self.held.add(more).map_err(|_| self.terms.overloaded.clone())
    }

    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        let Some((_, message_bytes)) = self.framing.under_way() else {
            self.patience.rest();
            return Poll::Pending;
        };
        self.patience.poll_ended(message_bytes, &self.held, context)
    }

    /// Ends the request, for the server behind as if its caller had gone.
    fn give_up(&self, status: Status) -> Error {
        // It is told once: nothing of the body is read after that.
        let _ = self.given_up.set(status);
        h2::Error::from(Reason::CANCEL).into()
    }
}

impl Body for PassedRequest {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            let status = ready!(self.poll_patience(context));
            return Poll::Ready(Some(Err(self.give_up(status))));
        };
        let Some(frame) = frame.transpose()? else { return Poll::Ready(None) };
        if let Some(data) = frame.data_ref()
            && let Err(status) = self.count(data)
        {
            return Poll::Ready(Some(Err(self.give_up(status))));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
