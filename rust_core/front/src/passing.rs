//! The way of calls that are passed through, from the door to the server behind: which ones there are, how many at once,
//! and how many in all. What costs nothing here must cost the loop nothing either.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use http::Request;
use hyper::body::Incoming;
use tonic::Status;

use crate::answer_body::AnswerBody;
use crate::door::{Answered, Door};
use crate::life::Running;
use crate::pacing::Pacing;
use crate::pass_through::{NotPassed, Passed};
use crate::passed_headers;
use crate::passed_request::{GivenUp, PassedRequest, Terms};
use crate::request_id;
use crate::room::Room;
use crate::settings::{PassedMethod, Settings};
use crate::unary;

/// Unary calls that begin at once: some milliseconds of the loop's time.
const UNARY_AT_ONCE: usize = 32;
/// Streams that begin at once. They have turns of their own: one may rest for all of its turn.
const STREAMS_AT_ONCE: usize = 16;
/// Of the calls that may be under way so many are unary for each stream, which may last.
const UNARY_FOR_STREAM: usize = 8;

/// All that are passed through. Unary calls and streams take nothing from each other.
#[derive(Debug)]
pub struct Passing {
    streams: HashMap<String, bool>,
    unary: Way,
    streaming: Way,
}

/// Calls of one kind: their turns, and their room.
#[derive(Debug)]
struct Way {
    pacing: Rc<Pacing>,
    room: Rc<Room>,
}

impl Way {
    fn new(at_once: usize, calls_max: usize) -> Self {
        Self { pacing: Pacing::new(at_once), room: Room::new(calls_max) }
    }
}

impl Passing {
    /// Nothing is under way; `calls_max` unary calls may be.
    pub fn new(methods: &[PassedMethod], calls_max: usize) -> Self {
        Self {
            streams: methods.iter().map(|method| (method.path.clone(), method.streams)).collect(),
            unary: Way::new(UNARY_AT_ONCE, calls_max),
            streaming: Way::new(STREAMS_AT_ONCE, calls_max / UNARY_FOR_STREAM),
        }
    }
}

/// Passes a call through, or refuses it.
pub async fn pass(door: &Door, mut request: Request<Incoming>, running: Running) -> Answered {
    let context = &door.context;
    let refusals = &context.settings.refusals;
    let sent_id = request_id::sent(request.headers());
    let refused = |status: &Status, running| {
        Ok(unary::refused(status, sent_id.clone()).map(|body| AnswerBody::lasting(body, running)))
    };
    let path = request.uri().path_and_query().map(http::uri::PathAndQuery::as_str);
    let Some(streams) = path.and_then(|path| context.passing.streams.get(path)).copied() else {
        return refused(&refusals.no_such_method.status(), running);
    };
    let way = if streams { &context.passing.streaming } else { &context.passing.unary };
    let place = match way.room.begin(door.connection) {
        Ok(place) => place,
        Err(full) => return refused(&context.passing_full(full.drained_in).await, running),
    };
    if let Err(status) = passed_headers::tidy(request.headers_mut()) {
        return refused(&status, running);
    }
    let given_up = GivenUp::default();
    let (held, terms) = (door.share.begin(), terms(door, streams));
    let request = request.map(|body| PassedRequest::new(body, held, terms, Arc::clone(&given_up)));
    let passed = way.pacing.paced(door.connection, door.behind.pass(request)).await;
    if let Some(status) = given_up.get() {
        return refused(status, running);
    }
    let unavailable = refusals.unavailable.status();
    match passed {
        Ok(response) => {
            Ok(response.map(|body| AnswerBody::passed(Passed::new(body, unavailable, given_up, place), running)))
        }
        Err(NotPassed::Reset(reason)) => Err(reason.into()),
        Err(NotPassed::Unreachable) => refused(&unavailable, running),
    }
}

fn terms(door: &Door, streams: bool) -> Terms {
    let Settings { limits, refusals, .. } = &door.context.settings;
    let unary_bytes_max = limits.passed_bytes_max.min(limits.message_bytes_max);
    Terms {
        still_max: limits.handshake_timeout,
        bytes_max: if streams { usize::MAX } else { unary_bytes_max },
        bytes_ever_max: limits.message_bytes_max,
        too_large: refusals.request_too_large.status(),
        far_too_large: refusals.message_too_large.status(),
        overloaded: door.context.overloaded_now(),
    }
}
