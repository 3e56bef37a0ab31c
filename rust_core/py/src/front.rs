//! The front, as the loop's thread sees it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use utterson_front::inbox::Token;
use utterson_front::{
    Answer, Front, Later, Limits, Method, Part, PassedMethod, Places, Refusal, Refusals, Settings, StartError, outline,
};

use crate::panics::apart;

/// Answers of fewer bytes are copied.
const COPIED_BYTES_MAX: usize = 64 * 1024;

/// A call as the loop takes it: its token, the place of its method, the message (none: its stream ends), the caller's
/// request id, the number of its stream (0: it stands alone).
type TakenCall<'py> = (u64, u16, Option<Bound<'py, PyBytes>>, Option<String>, u64);

/// Calls, the tokens whose callers have gone, and the streams that are over.
type Handed<'py> = (Vec<TakenCall<'py>>, Vec<u64>, Vec<u64>);

/// A refusal for each time to come back, in milliseconds, the shortest first.
type GivenLater = Vec<(u64, GivenRefusal)>;

/// A method that is taken: its path, whether it streams, the numbers of the fields with the workspace and with a call.
type GivenMethod = (String, bool, u64, u64);

/// A method that is passed through: its path, whether it streams.
type GivenPassed = (String, bool);

#[derive(FromPyObject)]
struct GivenMethods {
    taken: Vec<GivenMethod>,
    passed: Vec<GivenPassed>,
}

/// A refusal as the loop brings it: token, code, message, encoded status, request id.
type BroughtRefusal = (u64, i32, String, PyBackedBytes, String);

#[derive(FromPyObject)]
struct GivenLimits {
    connections_max: usize,
    streams_max: u32,
    header_bytes_max: u32,
    message_bytes_max: usize,
    passed_bytes_max: usize,
    queue_calls_max: usize,
    workspace_calls_max: usize,
    queue_bytes_max: u64,
    stream_messages_max: usize,
    handshake_timeout_ms: u64,
    keepalive_ms: u64,
    keepalive_timeout_ms: u64,
    age_ms_max: u64,
    age_grace_ms: u64,
    unary_timeout_ms: u64,
    untaken_timeout_ms: u64,
    silence_ms_max: u64,
}

impl From<GivenLimits> for Limits {
    fn from(given: GivenLimits) -> Self {
        Self {
            connections_max: given.connections_max,
            streams_max: given.streams_max,
            header_bytes_max: given.header_bytes_max,
            message_bytes_max: given.message_bytes_max,
            passed_bytes_max: given.passed_bytes_max,
            queue_calls_max: given.queue_calls_max,
            workspace_calls_max: given.workspace_calls_max,
            queue_bytes_max: given.queue_bytes_max,
            stream_messages_max: given.stream_messages_max,
            handshake_timeout: Duration::from_millis(given.handshake_timeout_ms),
            keepalive: Duration::from_millis(given.keepalive_ms),
            keepalive_timeout: Duration::from_millis(given.keepalive_timeout_ms),
            age_max: Duration::from_millis(given.age_ms_max),
            age_grace: Duration::from_millis(given.age_grace_ms),
            unary_timeout: Duration::from_millis(given.unary_timeout_ms),
            untaken_timeout: Duration::from_millis(given.untaken_timeout_ms),
            silence_max: Duration::from_millis(given.silence_ms_max),
        }
    }
}

#[derive(FromPyObject)]
struct GivenRefusal {
    code: i32,
    message: String,
    details: PyBackedBytes,
}

impl From<GivenRefusal> for Refusal {
    fn from(given: GivenRefusal) -> Self {
        Self { code: given.code, message: given.message, details: Bytes::copy_from_slice(&given.details) }
    }
}

#[derive(FromPyObject)]
struct GivenRefusals {
    overloaded: GivenLater,
    workspace_full: GivenLater,
    unanswered: GivenRefusal,
    message_too_large: GivenRefusal,
    request_too_large: GivenRefusal,
    no_such_method: GivenRefusal,
    no_message: GivenRefusal,
    unavailable: GivenRefusal,
    stopping: GivenRefusal,
}

impl From<GivenRefusals> for Refusals {
    fn from(given: GivenRefusals) -> Self {
        Self {
            overloaded: later(given.overloaded),
            workspace_full: later(given.workspace_full),
            unanswered: given.unanswered.into(),
            message_too_large: given.message_too_large.into(),
            request_too_large: given.request_too_large.into(),
            no_such_method: given.no_such_method.into(),
            no_message: given.no_message.into(),
            unavailable: given.unavailable.into(),
            stopping: given.stopping.into(),
        }
    }
}

/// HTTP/2 before asyncio; runs from the moment it is made until `stop`.
#[pyclass(name = "Front", frozen, module = "utterson._core")]
pub struct PyFront(Front);

#[pymethods]
impl PyFront {
    #[new]
    #[pyo3(signature = (*, listen, behind, methods, services, limits, refusals))]
    fn new(
        py: Python<'_>,
        listen: Vec<(String, u16)>,
        behind: PathBuf,
        methods: GivenMethods,
        services: Vec<String>,
        limits: GivenLimits,
        refusals: GivenRefusals,
    ) -> PyResult<Self> {
        let listen = listen.iter().map(address).collect::<PyResult<_>>()?;
        let places = Places { listen, behind };
        let taken = methods.taken.into_iter().map(|(path, streams, workspace, calls)| Method {
            path,
            streams,
            fields: outline::Fields { workspace, calls },
        });
        let passed = methods.passed.into_iter().map(|(path, streams)| PassedMethod { path, streams }).collect();
        let (methods, limits, refusals) = (taken.collect(), limits.into(), refusals.into());
        let settings = Settings { places, limits, methods, passed, services, refusals };
        let front = apart(py, || Front::start(settings))?.map_err(|error| match error {
            StartError::Listen(error) | StartError::System(error) => PyErr::from(error),
        });
        front.map(Self)
    }

    #[getter]
    fn port(&self) -> u16 {
        self.0.port()
    }

    #[getter]
    fn descriptor(&self) -> i32 {
        self.0.descriptor()
    }

    #[getter]
    fn is_running(&self) -> bool {
        self.0.is_running()
    }

    fn take<'py>(&self, py: Python<'py>, calls_max: usize) -> Handed<'py> {
        let taken = self.0.take(calls_max);
        let calls = taken.calls.into_iter().map(|call| {
            let (message, stream) = match call.part {
                Part::Whole => (Some(PyBytes::new(py, &call.request)), 0),
                Part::Message(stream) => (Some(PyBytes::new(py, &call.request)), stream.0),
                Part::End(stream) => (None, stream.0),
            };
            (call.token.0, call.method.0, message, call.request_id, stream)
        });
        let gone = taken.gone.into_iter().map(|token| token.0);
        (calls.collect(), gone.collect(), taken.closed.into_iter().map(|stream| stream.0).collect())
    }

    fn answer(
        &self,
        responses: Vec<(u64, PyBackedBytes)>,
        identified: Vec<(u64, PyBackedBytes, String)>,
        refusals: Vec<BroughtRefusal>,
    ) {
        let responses =
            responses.into_iter().map(|(token, response)| (Token(token), Answer::Response(handed_over(response))));
        let identified = identified
            .into_iter()
            .map(|(token, response, request_id)| (Token(token), Answer::Identified(handed_over(response), request_id)));
        let refusals = refusals.into_iter().map(|(token, code, message, details, request_id)| {
            let refusal = Refusal { code, message, details: Bytes::copy_from_slice(&details) };
            (Token(token), Answer::Refused(refusal, request_id))
        });
        self.0.answer(responses.chain(identified).chain(refusals).collect());
    }

    fn alive(&self) {
        self.0.alive();
    }

    fn set_serving(&self, serving: bool) {
        self.0.set_serving(serving);
    }

    fn stop(&self, py: Python<'_>, grace_ms: u64) -> PyResult<()> {
        apart(py, || self.0.stop(Duration::from_millis(grace_ms)))
    }
}

/// Gives an answer to the front. To copy a small one is cheaper than to give it back; a large one would hold the loop, so
/// the front sends Python's own bytes. It drops them without the interpreter's lock: they are freed when the loop calls
/// next.
fn handed_over(answer: PyBackedBytes) -> Bytes {
    if answer.len() < COPIED_BYTES_MAX { Bytes::copy_from_slice(&answer) } else { Bytes::from_owner(answer) }
}

fn later(given: GivenLater) -> Later {
    Later(given.into_iter().map(|(ms, refusal)| (Duration::from_millis(ms), refusal.into())).collect())
}

fn address((host, port): &(String, u16)) -> PyResult<SocketAddr> {
    let host = host.parse().map_err(|_| PyValueError::new_err("an address to listen at is no IP address"))?;
    Ok(SocketAddr::new(host, *port))
}
