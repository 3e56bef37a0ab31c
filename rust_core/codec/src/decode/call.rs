//! One call of each kind.

use prost::Message;
use prost_types::Timestamp;
use utterson_engine::call::{Call, CallKind, RawChange, RawEvent};
use utterson_engine::fault::{Fault, Reason, Violation};
use utterson_engine::policy::is_type_name;
use utterson_engine::rules::c2_refuse::{MAX_IDENTIFIERS, TYPE_NAME};

use super::{fields, malformed, structs};
use crate::proto::v1;

/// A call that could be decoded, and all that is wrong with it.
#[derive(Debug)]
pub(super) struct Read {
    /// As the call names it; may be empty.
    pub workspace: String,
    /// The call; worth nothing if there are violations.
    pub call: Call,
    /// In the order of the fields.
    pub violations: Vec<Violation>,
}

/// The fields that all requests share.
struct Common {
    workspace: String,
    identifiers: Vec<v1::Identifier>,
    previous_profile_id: i64,
    event_time: Option<Timestamp>,
    request_id: String,
    validate_only: bool,
    explain: bool,
    consistency: i32,
}

macro_rules! common {
    ($request:ident) => {
        Common {
            workspace: $request.workspace,
            identifiers: $request.identifiers,
            previous_profile_id: $request.previous_profile_id,
            event_time: $request.event_time,
            request_id: $request.request_id,
            validate_only: $request.validate_only,
            explain: $request.explain,
            consistency: $request.consistency,
        }
    };
}

/// Decodes the request of a unary call.
pub(super) fn unary(kind: CallKind, request: &[u8]) -> Result<Read, Fault> {
    fn message<M: Message + Default>(request: &[u8], name: &str) -> Result<M, Fault> {
        M::decode(request).map_err(|_| malformed("the request", name))
    }
    match kind {
        CallKind::Identify => message(request, "IdentifyRequest").map(identify),
        CallKind::Login => message(request, "LoginRequest").map(login),
        CallKind::Logout => message(request, "LogoutRequest").map(logout),
        CallKind::Track => message(request, "TrackRequest").map(track),
        CallKind::Modify => message(request, "ModifyRequest").map(modify),
        CallKind::Search => message(request, "SearchRequest").map(search),
        CallKind::Import => Err(Fault::new(Reason::MalformedRequest, "an import is a stream, not a call.")),
    }
}

pub(super) fn identify(request: v1::IdentifyRequest) -> Read {
    let traits = request.traits;
    let mut read = written(CallKind::Identify, common!(request));
    read.call.traits = structs::traits(traits, "traits", &mut read.violations);
    read
}

pub(super) fn login(request: v1::LoginRequest) -> Read {
    let traits = request.traits;
    let mut read = written(CallKind::Login, common!(request));
    read.call.traits = structs::traits(traits, "traits", &mut read.violations);
    read
}

pub(super) fn logout(request: v1::LogoutRequest) -> Read {
    written(CallKind::Logout, common!(request))
}

pub(super) fn track(request: v1::TrackRequest) -> Read {
    // A feed's row may have nothing to tell but who it was.
    let event = request.event.unwrap_or_default();
    let mut read = written(CallKind::Track, common!(request));
    fields::check_text(&event.name, "event.name", &mut read.violations);
    let properties = structs::properties(event.properties.as_ref(), "event.properties", &mut read.violations);
    fields::check_text(&event.message_id, "event.message_id", &mut read.violations);
    read.call.event = RawEvent { name: event.name, properties, message_id: event.message_id };
    read
}

pub(super) fn search(request: v1::SearchRequest) -> Read {
    // What a search does not use is not judged either.
    let mut request = common!(request);
    (request.event_time, request.request_id, request.validate_only) = (None, String::new(), false);
    written(CallKind::Search, request)
}

pub(super) fn modify(request: v1::ModifyRequest) -> Read {
    let (profile_id, changes) = (request.profile_id, request.changes);
    let (mut read, common) = begun(CallKind::Modify, common!(request));
    if !common.identifiers.is_empty() {
        let violation = Violation::new("identifiers", "must be empty: a Modify names its profile by profile_id");
        read.violations.push(violation);
    }
    finish(&mut read, common);
    match fields::profile_id(profile_id) {
        Some(id) => read.call.profile = id,
        None => read.violations.push(Violation::new("profile_id", fields::PROFILE_ID)),
    }
    read.call.changes = changed(changes, &mut read.violations);
    read
}

fn changed(changes: Vec<v1::Change>, violations: &mut Vec<Violation>) -> Vec<RawChange> {
    if changes.is_empty() || changes.len() > MAX_IDENTIFIERS {
        violations.push(Violation::new("changes", format!("must hold 1 to {MAX_IDENTIFIERS} changes")));
        return Vec::new();
    }
    for (position, change) in changes.iter().enumerate() {
        if !is_type_name(&change.r#type) {
            violations.push(Violation::new(format!("changes[{position}].type"), TYPE_NAME));
        }
    }
    let raw = |change: v1::Change| RawChange {
        type_name: change.r#type,
        old_value: change.old_value,
        new_value: change.new_value,
    };
    changes.into_iter().map(raw).collect()
}

/// A call that names its profile by identifiers.
fn written(kind: CallKind, request: Common) -> Read {
    let (mut read, mut request) = begun(kind, request);
    read.call.identifiers = fields::identifiers(std::mem::take(&mut request.identifiers));
    fields::check_identifiers(&read.call.identifiers, "identifiers", &mut read.violations);
    match request.previous_profile_id {
        0 => {}
        id => match fields::profile_id(id) {
            Some(id) => read.call.previous_profile = Some(id),
            None => read.violations.push(Violation::new("previous_profile_id", fields::PREVIOUS_PROFILE_ID)),
        },
    }
    finish(&mut read, request);
    read
}

fn begun(kind: CallKind, mut request: Common) -> (Read, Common) {
    let workspace = std::mem::take(&mut request.workspace);
    let mut call = Call::new(kind);
    call.validate_only = request.validate_only;
    call.explain = request.explain;
    (Read { workspace, call, violations: Vec::new() }, request)
}

fn finish(read: &mut Read, request: Common) {
    read.call.event_time = fields::time(request.event_time, "event_time", &mut read.violations);
    fields::check_text(&request.request_id, "request_id", &mut read.violations);
    read.call.request_id = request.request_id;
    match fields::consistency(request.consistency) {
        Some(consistency) => read.call.consistency = consistency,
        None => read.violations.push(Violation::new("consistency", "must be a defined Consistency")),
    }
}
