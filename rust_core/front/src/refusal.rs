//! What the front refuses with by itself. The texts and details come from the server, where all refusals are made.

use std::time::Duration;

use bytes::Bytes;
use tonic::{Code, Status};

/// One status, as it will travel.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The number of the gRPC code.
    pub code: i32,
    /// The sentence for people.
    pub message: String,
    /// The encoded `google.rpc.Status`; may be empty.
    pub details: Bytes,
}

impl Refusal {
    pub(crate) fn status(&self) -> Status {
        Status::with_details(Code::from_i32(self.code), self.message.clone(), self.details.clone())
    }
}

/// A refusal that says when to come back: the same for several times, the shortest first.
#[derive(Clone, Debug)]
pub struct Later(pub Vec<(Duration, Refusal)>);

impl Later {
    /// The refusal for whoever should come back after about so long. The time that is told is never shorter, unless it is
    /// the longest that there is.
    pub(crate) fn status(&self, after: Duration) -> Status {
        let place = self.0.partition_point(|(told, _)| *told < after);
        let fitting = self.0.get(place).or_else(|| self.0.last());
        fitting.map_or_else(|| Status::resource_exhausted("try again later"), |(_, refusal)| refusal.status())
    }
}

/// The statuses of the front's own refusals.
#[derive(Clone, Debug)]
pub struct Refusals {
    /// The queue to the loop is full, or there is no memory for one more request.
    pub overloaded: Later,
    /// A workspace has too many calls under way.
    pub workspace_full: Later,
    /// No answer within the time that calls without a deadline have.
    pub unanswered: Refusal,
    /// The message has more bytes than a message may have.
    pub message_too_large: Refusal,
    /// The message has more bytes than one of a method that is passed through may have.
    pub request_too_large: Refusal,
    /// There is no such method.
    pub no_such_method: Refusal,
    /// The request ends before its message is there.
    pub no_message: Refusal,
    /// The server behind does not answer.
    pub unavailable: Refusal,
    /// The server stops, and reads no more of a stream.
    pub stopping: Refusal,
}
