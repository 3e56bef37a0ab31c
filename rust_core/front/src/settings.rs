//! What the front is told when it starts.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::outline;
use crate::refusal::Refusals;

/// Where the front listens, and what stands behind it.
#[derive(Clone, Debug)]
pub struct Places {
    /// The public addresses. Where the first has port 0, a free one is taken, and the others get the same.
    pub listen: Vec<SocketAddr>,
    /// The Unix socket of the server that gets whatever is not taken.
    pub behind: PathBuf,
}

/// What callers are held to. A zero duration means "without limit".
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections open at once; further ones wait in the kernel's queue.
    pub connections_max: usize,
    /// Calls that a connection may have under way at once.
    pub streams_max: u32,
    /// All headers of a request together, in bytes, as HPACK counts them.
    pub header_bytes_max: u32,
    /// The largest message, in bytes, unpacked.
    pub message_bytes_max: usize,
    /// The largest message of a unary method that is passed through, in bytes: the server behind would refuse it.
    pub passed_bytes_max: usize,
    /// Messages that wait for the loop; also unary calls that are passed through and under way.
    pub queue_calls_max: usize,
    /// Calls of one workspace that may be with the loop, those that wait for it included.
    pub workspace_calls_max: usize,
    /// Bytes of all requests that are not answered yet, and of answers that their callers have not taken yet.
    pub queue_bytes_max: u64,
    /// Messages of a stream that may be under way; further ones are not read.
    pub stream_messages_max: usize,
    /// How long a new connection may take until it speaks HTTP/2, and how long a message that has begun may stand still.
    pub handshake_timeout: Duration,
    /// After so long without a word from the peer a ping is sent.
    pub keepalive: Duration,
    /// How long a ping may go unanswered.
    pub keepalive_timeout: Duration,
    /// After about so long a connection is asked to go (GOAWAY); its calls end in peace.
    pub age_max: Duration,
    /// How long the calls of a connection that was asked to go may take.
    pub age_grace: Duration,
    /// How long a call without a deadline of its own may take.
    pub unary_timeout: Duration,
    /// How long an answer may wait for a caller that does not take it; then the connection is cut. At most twice that.
    pub untaken_timeout: Duration,
    /// After so long without a word from the loop, health says that nobody is served.
    pub silence_max: Duration,
}

/// A method that is taken.
#[derive(Clone, Debug)]
pub struct Method {
    /// Such as `/utterson.v1.IdentityService/Identify`.
    pub path: String,
    /// Whether messages are streamed both ways, each answered by one, in order; else one message is answered by one.
    pub streams: bool,
    /// Where its messages tell their workspace and their calls.
    pub fields: outline::Fields,
}

/// A method that is passed through.
#[derive(Clone, Debug)]
pub struct PassedMethod {
    /// Such as `/utterson.v1.ProfileService/GetProfile`.
    pub path: String,
    /// Whether either side sends several messages; else one message is answered by one.
    pub streams: bool,
}

/// All that the front is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub places: Places,
    /// What callers are held to.
    pub limits: Limits,
    /// The methods that are taken; a call names its method by the place in this list.
    pub methods: Vec<Method>,
    /// The methods that are passed through. There are no others, but those of health.
    pub passed: Vec<PassedMethod>,
    /// The services that health tells about, besides the server as a whole.
    pub services: Vec<String>,
    /// What the front itself refuses with.
    pub refusals: Refusals,
}
