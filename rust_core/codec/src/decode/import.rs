//! The messages of an import.

use prost::Message;
use utterson_engine::call::ImportRow;
use utterson_engine::fault::{Fault, Reason, Violation};

use super::{fields, malformed, structs};
use crate::proto::v1;

/// The most profiles of one import.
pub const MAX_PROFILES: usize = 100_000;

/// A graph to take over.
#[derive(Clone, Debug)]
pub struct Import {
    /// One profile a message, in order.
    pub rows: Vec<ImportRow>,
    /// Makes the import repeatable; may be empty (rule C7).
    pub request_id: String,
}

/// Decodes encoded `ImportProfilesRequest`s of one workspace. The first message at fault is named, with all its faults.
pub fn import<B: AsRef<[u8]>>(workspace: &str, messages: &[B]) -> Result<Import, Fault> {
    if messages.is_empty() || messages.len() > MAX_PROFILES {
        return Err(Fault::field("messages", format!("must be 1 to {MAX_PROFILES} in number")));
    }
    let mut import = Import { rows: Vec::with_capacity(messages.len()), request_id: String::new() };
    for (position, bytes) in messages.iter().enumerate() {
        let prefix = format!("messages[{position}]");
        let message = v1::ImportProfilesRequest::decode(bytes.as_ref())
            .map_err(|_| malformed(&prefix, "ImportProfilesRequest"))?;
        let mut violations = Vec::new();
        if message.workspace != workspace {
            violations.push(Violation::new("workspace", "must be the same in every message"));
        }
        if position == 0 {
            import.request_id.clone_from(&message.request_id);
        }
        check_request_id(&message.request_id, &import.request_id, &mut violations);
        import.rows.push(row(message, &mut violations));
        if !violations.is_empty() {
            for violation in &mut violations {
                violation.field = format!("{prefix}.{}", violation.field);
            }
            return Err(Fault::fields(Reason::FieldInvalid, violations));
        }
    }
    Ok(import)
}

fn check_request_id(request_id: &str, first: &str, violations: &mut Vec<Violation>) {
    if !request_id.is_empty() && request_id != first {
        violations.push(Violation::new("request_id", "must be that of the first message, or empty"));
    }
    fields::check_text(request_id, "request_id", violations);
}

fn row(message: v1::ImportProfilesRequest, violations: &mut Vec<Violation>) -> ImportRow {
    let identifiers = fields::identifiers(message.identifiers);
    fields::check_many_identifiers(&identifiers, "identifiers", violations);
    let traits = structs::traits(message.traits, "traits", violations);
    let create_time = fields::time(message.create_time, "create_time", violations);
    if i32::try_from(message.merges).is_err() {
        violations.push(Violation::new("merges", "must be below 2^31"));
    }
    ImportRow { identifiers, traits, create_time, merges: message.merges }
}
