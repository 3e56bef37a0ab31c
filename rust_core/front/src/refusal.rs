//! What the front refuses with by itself. The texts and details come from the server, where all refusals are made.

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

/// The statuses of the front's own refusals.
#[derive(Clone, Debug)]
pub struct Refusals {
    /// The queue to the loop is full.
    pub overloaded: Refusal,
    /// No answer within the time that calls without a deadline have.
    pub unanswered: Refusal,
    /// The message has more bytes than a message may have.
    pub message_too_large: Refusal,
    /// The server behind does not answer.
    pub unavailable: Refusal,
    /// The server stops, and reads no more of a stream.
    pub stopping: Refusal,
}
