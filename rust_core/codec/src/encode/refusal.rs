//! Refusals as `google.rpc.Status`, for the results of a batch or of a stream's message: a small message may hold a
//! thousand calls that are refused, so what each of them costs counts. The server writes the same of all other refusals
//! (`server/refusals.py`), and a test holds the two to the same bytes.

use utterson_engine::fault::{Fault, Reason, Resource, Violation};

use crate::proto::v1;
use crate::wire::Wire;

/// `google.rpc.Status`, `google.protobuf.Any` and the details: the tags of their fields.
const CODE: u32 = 1;
const MESSAGE: u32 = 2;
const DETAILS: u32 = 3;
const TYPE_URL: u32 = 1;
const VALUE: u32 = 2;
const REASON: u32 = 1;
const DOMAIN: u32 = 2;
const VIOLATIONS: u32 = 1;
const FIELD: u32 = 1;
const FIELD_DESCRIPTION: u32 = 2;
const KIND: u32 = 1;
const SUBJECT: u32 = 2;
const SUBJECT_DESCRIPTION: u32 = 3;
const RESOURCE_TYPE: u32 = 1;
const RESOURCE_NAME: u32 = 2;
const RESOURCE_DESCRIPTION: u32 = 4;

const OUR_DOMAIN: &str = "utterson.dev";
const PREFIX: &str = "ERROR_REASON_";
/// Violations are told up to so many bytes, as where trailers carry them.
const VIOLATIONS_BYTES_MAX: usize = 4096;
/// About how many bytes a status takes.
const STATUS_BYTES: usize = 320;

/// The codes of what the core refuses; the numbers are those of `google.rpc.Code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Code {
    InvalidArgument = 3,
    NotFound = 5,
    FailedPrecondition = 9,
    Internal = 13,
    Unavailable = 14,
}

fn code(reason: Reason) -> Code {
    match reason {
        Reason::FieldInvalid
        | Reason::MalformedRequest
        | Reason::NoUsableIdentifier
        | Reason::LoginIdentifierRequired
        | Reason::TwoValuesOfUniqueType
        | Reason::TypeRejected
        | Reason::EmptyChange
        | Reason::PolicyInvalid => Code::InvalidArgument,
        Reason::ProfileNotFound | Reason::NoMatch => Code::NotFound,
        Reason::RequestIdReused
        | Reason::ImmutableIdentifier
        | Reason::IdentifiersHeldByOthers
        | Reason::LimitExceeded
        | Reason::PolicyChangeForbidden => Code::FailedPrecondition,
        Reason::RevisionNotReached => Code::Unavailable,
        Reason::InternalFault => Code::Internal,
    }
}

/// Encodes the status of a refusal.
#[must_use]
pub fn status(fault: &Fault) -> Vec<u8> {
    let code = code(fault.reason);
    let reason = v1::ErrorReason::try_from(fault.reason.number()).unwrap_or_default().as_str_name();
    let reason = reason.strip_prefix(PREFIX).unwrap_or(reason);
    let mut bytes = Vec::with_capacity(STATUS_BYTES);
    let mut wire = Wire(&mut bytes);
    wire.signed(CODE, code as i64);
    wire.text(MESSAGE, &fault.message);
    put_detail(&mut wire, "type.googleapis.com/google.rpc.ErrorInfo", |wire| {
        wire.text(REASON, reason);
        wire.text(DOMAIN, OUR_DOMAIN);
    });
    if code == Code::FailedPrecondition {
        put_precondition(&mut wire, reason, fault);
    } else if !fault.violations.is_empty() {
        put_bad_request(&mut wire, &fault.violations);
    } else if code == Code::InvalidArgument {
        // No field is at fault but the request as a whole, such as bytes that are no message.
        put_bad_request(&mut wire, &[Violation::new("", fault.message.as_str())]);
    }
    if let Some(resource) = &fault.resource {
        let (kind, name) = named(resource);
        put_detail(&mut wire, "type.googleapis.com/google.rpc.ResourceInfo", |wire| {
            wire.text(RESOURCE_TYPE, kind);
            wire.text(RESOURCE_NAME, &name);
            wire.text(RESOURCE_DESCRIPTION, &fault.message);
        });
    }
    bytes
}

fn named(resource: &Resource) -> (&'static str, String) {
    match resource {
        Resource::Workspace(workspace) => ("workspace", workspace.clone()),
        Resource::Profile(id) => ("profile", id.to_string()),
    }
}

fn put_detail(wire: &mut Wire<'_>, url: &str, write: impl FnOnce(&mut Wire<'_>)) {
    wire.message(DETAILS, |wire| {
        wire.text(TYPE_URL, url);
        wire.message(VALUE, write);
    });
}

fn put_bad_request(wire: &mut Wire<'_>, violations: &[Violation]) {
    put_detail(wire, "type.googleapis.com/google.rpc.BadRequest", |wire| {
        for_each_told(violations, |field, description| {
            wire.message(VIOLATIONS, |wire| {
                wire.text(FIELD, field);
                wire.text(FIELD_DESCRIPTION, description);
            });
        });
    });
}

/// Names what stands in the way: the fields where the fault tells them, else the resource.
fn put_precondition(wire: &mut Wire<'_>, reason: &str, fault: &Fault) {
    put_detail(wire, "type.googleapis.com/google.rpc.PreconditionFailure", |wire| {
        for_each_told(&fault.violations, |field, description| put_violation(wire, reason, field, description));
        if fault.violations.is_empty() {
            let subject = fault.resource.as_ref().map(named).map(|(kind, name)| format!("{kind}/{name}"));
            put_violation(wire, reason, &subject.unwrap_or_default(), &fault.message);
        }
    });
}

fn put_violation(wire: &mut Wire<'_>, kind: &str, subject: &str, description: &str) {
    wire.message(VIOLATIONS, |wire| {
        wire.text(KIND, kind);
        wire.text(SUBJECT, subject);
        wire.text(SUBJECT_DESCRIPTION, description);
    });
}

/// Tells as many violations as have room; where some are left out, the last entry counts them.
fn for_each_told(violations: &[Violation], mut tell: impl FnMut(&str, &str)) {
    let mut size_bytes = 0;
    for (place, violation) in violations.iter().enumerate() {
        size_bytes += violation.field.len() + violation.description.len();
        if size_bytes > VIOLATIONS_BYTES_MAX && place > 0 {
            let left_out = violations.len() - place;
            tell("", &format!("{left_out} more violations are not listed"));
            return;
        }
        tell(&violation.field, &violation.description);
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::encode::Results;

    /// The parts of `google.rpc.BadRequest` that are looked at.
    #[derive(Clone, PartialEq, Message)]
    struct BadRequest {
        #[prost(message, repeated, tag = "1")]
        field_violations: Vec<FieldViolation>,
    }

    #[derive(Clone, PartialEq, Message)]
    struct FieldViolation {
        #[prost(string, tag = "1")]
        field: String,
        #[prost(string, tag = "2")]
        description: String,
    }

    fn violations(fault: &Fault) -> Vec<FieldViolation> {
        let result = Results::of_batch(vec![(false, status(fault))]).encode_to_vec();
        let answered = v1::BatchResolveResponse::decode(&*result).expect("a response");
        let Some(v1::call_result::Result::Error(status)) = &answered.results[0].result else { panic!("a refusal") };
        let detail = status.details.iter().find(|detail| detail.type_url.ends_with("BadRequest")).expect("a detail");
        BadRequest::decode(&*detail.value).expect("a bad request").field_violations
    }

    #[test]
    fn what_has_no_room_is_counted() {
        let long = "must be short, ".repeat(100);
        let faults = (0..10).map(|number| Violation::new(format!("identifiers[{number}]"), long.as_str()));
        let told = violations(&Fault::fields(Reason::FieldInvalid, faults.collect()));
        assert_eq!(told.len(), 3);
        assert_eq!(told[2].description, "8 more violations are not listed");
        let only = violations(&Fault::field("identifiers", long.repeat(4)));
        assert_eq!(only.len(), 1, "the first is told however long it is");
    }

    #[test]
    fn a_fault_of_no_field_is_one_of_the_request() {
        let told = violations(&Fault::new(Reason::MalformedRequest, "no message."));
        assert_eq!((told[0].field.as_str(), told[0].description.as_str()), ("", "no message."));
    }
}
