//! The body of an answer on its way to the caller.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::health::Watched;
use crate::life::{Running, Untaken};
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
    _running: Running,
    _untaken: Option<Untaken>,
}

impl AnswerBody {
    /// An answer of our own, which its caller has to take in time.
    pub fn own(body: Identified, running: Running, untaken: Untaken) -> Self {
        Self { body: Source::Own(body), _running: running, _untaken: Some(untaken) }
    }

    /// An answer of our own that may take as long as it likes: a stream, or a refusal, which takes no memory.
    pub fn lasting(body: Identified, running: Running) -> Self {
        Self { body: Source::Own(body), _running: running, _untaken: None }
    }

    /// An answer about health.
    pub fn health(body: Watched, running: Running) -> Self {
        Self { body: Source::Health(body), _running: running, _untaken: None }
    }

    /// An answer that is passed through.
    pub fn passed(body: Passed, running: Running) -> Self {
        Self { body: Source::Behind(body), _running: running, _untaken: None }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut self.body {
            Source::Own(own) => Pin::new(own).poll_frame(context).map_err(Into::into),
            Source::Health(watched) => Pin::new(watched).poll_frame(context).map_err(Into::into),
            Source::Behind(passed) => Pin::new(passed).poll_frame(context).map_err(Into::into),
        }
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
