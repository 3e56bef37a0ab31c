//! A stream of calls that is taken: its messages go to the loop one by one, a few at a time, and are answered in order.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, interval_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::codec::Streaming;
use tonic::server::{Grpc, StreamingService};
use tonic::{Code, Status};

use crate::answers::Answer;
use crate::budget::Held;
use crate::codec::BytesCodec;
use crate::connection::Phase;
use crate::deadline;
use crate::door::Door;
use crate::inbox::{Call, MethodIndex, Origin, Part, StreamId};
use crate::life::Resting;
use crate::packed_messages::{PackedMessages, Reader, Told};
use crate::packing::Packing;
use crate::request_id;
use crate::settings::Settings;
use crate::unary::{Identified, Waiting};
use crate::unpacker::Unpacks;
use crate::whole_messages::WholeMessages;

/// How long a message waits before it is put to a full queue again.
const FULL_PAUSE: Duration = Duration::from_millis(2);
/// Answers that are ready while the caller takes another.
const READY_MAX: usize = 1;
/// Answers that the caller was given last, and that it may not have taken: one in the channel, one on its way out of it.
const UNTAKEN: usize = READY_MAX + 1;
/// While a stream holds so much of messages and answers, no further message is read: its own flow control stops its caller.
const STREAM_BYTES: u64 = 4 * 1024 * 1024;
/// How often it is looked, in the time that an answer may wait, whether the caller takes any; with a second between at least.
const LOOKS: u32 = 8;
const LOOK_MIN: Duration = Duration::from_secs(1);

type Sender = mpsc::Sender<Result<Bytes, Status>>;
type Receiver = mpsc::Receiver<Result<Bytes, Status>>;
type Answers = ReceiverStream<Result<Bytes, Status>>;

/// Answers a stream of a method that is taken. Its headers leave at once.
pub async fn answer(door: &Door, method: MethodIndex, request: Request<Incoming>) -> Response<Identified> {
    let own_id = request_id::sent(request.headers());
    let told_id = own_id.clone().unwrap_or_else(request_id::made);
    let held = door.share.begin();
    let timeout = deadline::timeout(request.headers());
    let (sender, answers) = mpsc::channel(READY_MAX);
    let (service, mut requests) = Opened::new(answers);
    let response = opened(door, service, request, &held).await;
    if let Ok(requests) = requests.try_recv() {
        let run = Run {
            id: door.context.next_stream(),
            request_id: told_id.to_str().unwrap_or_default().to_owned(),
            method,
            origin: None,
            door: door.clone(),
            held,
            answers_held: door.share.begin(),
            counted_bytes: 0,
            waiting: VecDeque::new(),
            untaken: VecDeque::with_capacity(UNTAKEN + 1),
            resting: Some(door.life.rest()),
        };
        tokio::task::spawn_local(run.answered_in_time(requests, sender, timeout));
    }
    Identified::around(response, told_id)
}

/// Opens the stream, with a body that gives its messages whole and unpacked.
async fn opened(
    door: &Door,
    service: Opened,
    mut request: Request<Incoming>,
    held: &Arc<Held>,
) -> Response<tonic::body::Body> {
    let Settings { limits, .. } = &door.context.settings;
    let (bytes_max, still_max, held) = (limits.message_bytes_max, limits.handshake_timeout, Arc::clone(held));
    let mut grpc = Grpc::new(BytesCodec).max_decoding_message_size(bytes_max).max_encoding_message_size(usize::MAX);
    if let Some(packing) = Packing::of(request.headers()) {
        // For whoever reads it next it is not compressed.
        request.headers_mut().remove("grpc-encoding");
        let (told, unpacks) = (Told::by(&door.context), Unpacks::clone(&door.unpacks));
        let reader = |body| Reader::new(body, (packing, unpacks), held, told, (bytes_max, still_max));
        return grpc.streaming(service, request.map(|body| PackedMessages::from(reader(body)))).await;
    }
    let overloaded = door.context.overloaded_now();
    grpc.streaming(service, request.map(|body| WholeMessages::new(body, held, overloaded, bytes_max, still_max))).await
}

/// Answers with what comes through a channel, and hands the requests out: what gRPC's library runs must be `Send`.
struct Opened(Option<(oneshot::Sender<Streaming<Bytes>>, Receiver)>);

impl Opened {
    fn new(answers: Receiver) -> (Self, oneshot::Receiver<Streaming<Bytes>>) {
        let (sender, requests) = oneshot::channel();
        (Self(Some((sender, answers))), requests)
    }
}

impl StreamingService<Bytes> for Opened {
    type Response = Bytes;
    type ResponseStream = Answers;
    type Future = std::future::Ready<Result<tonic::Response<Answers>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Bytes>>) -> Self::Future {
        std::future::ready(match self.0.take() {
            Some((sender, answers)) => {
                // The receiver is there: it is read as soon as this returns.
                let _ = sender.send(request.into_inner());
                Ok(tonic::Response::new(ReceiverStream::new(answers)))
            }
            None => Err(Status::internal("a stream was opened twice")),
        })
    }
}

/// A message that waits for its answer.
struct Asked {
    answer: oneshot::Receiver<Answer>,
    bytes: u64,
    is_end: bool,
    _waiting: Waiting,
}

/// A stream under way; when it is dropped nobody waits for it any more.
struct Run {
    id: StreamId,
    request_id: String,
    method: MethodIndex,
    /// For whom its messages are counted: for the workspace of the first, so that they stay in one queue, in order.
    origin: Option<Origin>,
    door: Door,
    held: Arc<Held>,
    /// What its answers hold, from when the loop brings them until the caller has taken them.
    answers_held: Arc<Held>,
    /// Bytes of the messages that were read and are not answered yet.
    counted_bytes: u64,
    waiting: VecDeque<Asked>,
    /// Bytes of the answers that were given last.
    untaken: VecDeque<u64>,
    /// There while nothing waits: a stream that stands still is no call that others have to wait for.
    resting: Option<Resting>,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.waiting.clear();
        self.door.context.inbox.close(self.id);
        self.door.context.filled.notify_one();
    }
}

impl Run {
    async fn answered_in_time(mut self, requests: Streaming<Bytes>, sender: Sender, timeout: Option<Duration>) {
        let closed = sender.clone();
        let ended = async {
            match timeout {
                Some(timeout) => tokio::time::timeout(timeout, self.answered(requests, &sender)).await.ok(),
                None => Some(self.answered(requests, &sender).await),
            }
        };
        let ended = tokio::select! {
            ended = ended => ended,
            () = closed.closed() => return,
        };
        let status = match ended {
            Some(Ok(())) => return,
            Some(Err(status)) => status,
            None => Status::deadline_exceeded("Deadline Exceeded"),
        };
        self.waiting.clear();
        self.held.release(self.held.bytes());
        // The answers that were given last may still be on their way to the caller.
        let untaken_bytes: u64 = self.untaken.iter().sum();
        self.answers_held.release(self.answers_held.bytes().saturating_sub(untaken_bytes));
        self.resting = Some(self.door.life.rest());
        // Whoever does not take the answers before gets its status when it does, or goes.
        let _ = sender.send(Err(status)).await;
    }

    /// Reads and answers until the caller has sent all and everything is answered.
    async fn answered(&mut self, mut requests: Streaming<Bytes>, sender: &Sender) -> Result<(), Status> {
        let window = self.door.context.settings.limits.stream_messages_max;
        let mut phase = self.door.context.phase.clone();
        let mut reading = true;
        let mut unread: Option<Status> = None;
        let look_every = (self.door.context.settings.limits.untaken_timeout / LOOKS).max(LOOK_MIN);
        let mut look = interval_at(Instant::now() + look_every, look_every);
        let (mut passed_on, mut untaken): (u64, Option<u64>) = (0, None);
        loop {
            if !reading && self.waiting.is_empty() {
                return unread.map_or(Ok(()), Err);
            }
            tokio::select! {
                message = requests.message(), if reading && self.waiting.len() < window && !self.is_full() => match message {
                    Ok(Some(message)) => self.ask(Part::Message(self.id), message).await,
                    Ok(None) => {
                        reading = false;
                        self.ask(Part::End(self.id), Bytes::new()).await;
                    }
                    Err(status) => {
                        reading = false;
                        unread = Some(self.unread(status));
                    }
                },
                // What was read is answered; the rest its caller sends to another server.
                _ = phase.wait_for(|phase| *phase >= Phase::Draining), if reading => {
                    reading = false;
                    unread = Some(self.door.context.settings.refusals.stopping.status());
                }
                given = given(&mut self.waiting, sender), if !self.waiting.is_empty() => {
                    if self.pass_on(given?)? {
                        return Ok(());
                    }
                    passed_on += 1;
                }
                // Others need the memory of whoever takes nothing.
                _ = look.tick() => {
                    let still_untaken = (sender.capacity() == 0).then_some(passed_on);
                    if untaken.is_some() && untaken == still_untaken && self.held.is_pressed() {
                        return Err(self.door.context.overloaded_now());
                    }
                    untaken = still_untaken;
                }
            }
        }
    }

    /// Hands an answer to the caller; tells whether it was the last.
    fn pass_on(&mut self, (permit, answer): (mpsc::Permit<'_, Result<Bytes, Status>>, Answer)) -> Result<bool, Status> {
        let Some(asked) = self.waiting.pop_front() else { return Ok(true) };
        if self.waiting.is_empty() {
            self.resting = Some(self.door.life.rest());
        }
        self.held.release(asked.bytes);
        self.counted_bytes -= asked.bytes;
        self.untaken.push_back(answer.bytes() as u64);
        if self.untaken.len() > UNTAKEN {
            self.answers_held.release(self.untaken.pop_front().unwrap_or_default());
        }
        match answer {
            Answer::Response(_) | Answer::Identified(..) if asked.is_end => Ok(true),
            Answer::Response(response) | Answer::Identified(response, _) => {
                permit.send(Ok(response));
                Ok(false)
            }
            Answer::Refused(refusal, _) => Err(refusal.status()),
        }
    }

    /// Whether so much is under way that no more is read.
    fn is_full(&self) -> bool {
        !self.waiting.is_empty() && self.held.bytes() + self.answers_held.bytes() >= STREAM_BYTES
    }

    /// Puts a message into the inbox; while that is full, the stream is not read.
    async fn ask(&mut self, part: Part, request: Bytes) {
        let context = Rc::clone(&self.door.context);
        // What was read since the last message is this one, and perhaps the beginning of the next.
        let bytes = self.held.bytes() - self.counted_bytes;
        self.counted_bytes += bytes;
        let (told, calls) = context.origin(self.door.connection, self.method, &request);
        let origin = *self.origin.get_or_insert(told);
        let (mut token, mut answer) = context.answers.expect(origin.workspace, &self.answers_held);
        let request_id = Some(self.request_id.clone());
        let mut call = Call { token, method: self.method, part, calls, request, request_id };
        while let Err(refused) = context.inbox.offer(origin, call) {
            context.answers.forget(token);
            tokio::time::sleep(FULL_PAUSE).await;
            // A new one: a connection's queue is in the order of its tokens, and others may have come in between.
            (token, answer) = context.answers.expect(origin.workspace, &self.answers_held);
            call = Call { token, ..refused };
        }
        let waiting = Waiting::new(&context, origin, token);
        context.filled.notify_one();
        let is_end = matches!(part, Part::End(_));
        self.resting = None;
        self.waiting.push_back(Asked { answer, bytes, is_end, _waiting: waiting });
    }

    fn unread(&self, status: Status) -> Status {
        let too_large =
            matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted) && status.details().is_empty();
        if too_large { self.door.context.settings.refusals.message_too_large.status() } else { status }
    }
}

/// Waits until the caller takes an answer and the first that is due is there.
async fn given<'s>(
    waiting: &mut VecDeque<Asked>,
    sender: &'s Sender,
) -> Result<(mpsc::Permit<'s, Result<Bytes, Status>>, Answer), Status> {
    let gone = || Status::cancelled("the caller has gone");
    let permit = sender.reserve().await.map_err(|_| gone())?;
    let Some(first) = waiting.front_mut() else { return Err(gone()) };
    let answer = (&mut first.answer).await.map_err(|_| gone())?;
    Ok((permit, answer))
}
