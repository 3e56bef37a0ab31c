//! The body of an answer on its way to the caller.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::health::Watched;
use crate::life::{Resting, Running, Untaken};
use crate::pass_through::Passed;
use crate::unary::Identified;

type Error = Box<dyn std::error::Error + Send + Sync>;

enum Source {
    Own(Identified),
    Health(Watched),
    Behind(Passed),
}

/// An answer's body; while it is there, its call is under way.
pub struct AnswerBody {
    body: Source,
    running: Running,
    _untaken: Option<Untaken>,
    _resting: Option<Resting>,
}

impl AnswerBody {
    /// An answer of our own, which its caller has to take in time.
    pub fn own(body: Identified, running: Running, untaken: Untaken) -> Self {
        Self { _untaken: Some(untaken), ..Self::lasting(body, running) }
    }

    /// An answer of our own that may take as long as it likes: a stream, or a refusal, which takes no memory.
    pub fn lasting(body: Identified, running: Running) -> Self {
        Self::of(Source::Own(body), running)
    }

    /// An answer about health, for which nobody has to be waited.
    pub fn health(body: Watched, running: Running) -> Self {
        let resting = Some(running.rest());
        Self { _resting: resting, ..Self::of(Source::Health(body), running) }
    }

    /// An answer that is passed through.
    pub fn passed(body: Passed, running: Running) -> Self {
        Self::of(Source::Behind(body), running)
    }

    fn of(body: Source, running: Running) -> Self {
        Self { body, running, _untaken: None, _resting: None }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = match &mut self.body {
            Source::Own(own) => Pin::new(own).poll_frame(context).map_err(Into::into),
            Source::Health(watched) => Pin::new(watched).poll_frame(context).map_err(Into::into),
            Source::Behind(passed) => Pin::new(passed).poll_frame(context).map_err(Into::into),
        };
        if frame.is_ready() {
            self.running.moved();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Source::Own(own) => own.is_end_stream(),
            Source::Health(watched) => watched.is_end_stream(),
            Source::Behind(passed) => passed.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Source::Own(own) => own.size_hint(),
            Source::Health(watched) => watched.size_hint(),
            Source::Behind(passed) => passed.size_hint(),
        }
    }
}
