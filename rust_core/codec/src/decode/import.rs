//! The messages of an import.

use prost::Message;
use utterson_engine::call::{ImportPlace, ImportRow};
use utterson_engine::fault::{Fault, Reason, Violation};

use super::reader::{Broken, Reader};
use super::{fields, malformed, structs};
use crate::proto::tags::v1::import_profiles_request;
use crate::proto::v1;

/// The most profiles of one import.
pub const MAX_PROFILES: usize = 100_000;

const ONE_OR_MANY: &str = "a message is one profile or has many in profiles, not both: leave the other fields empty";

/// A graph to take over.
#[derive(Clone, Debug)]
pub struct Import {
    /// The profiles, in order.
    pub rows: Vec<ImportRow>,
    /// Makes the import repeatable; may be empty (rule C7).
    pub request_id: String,
}

/// Decodes encoded `ImportProfilesRequest`s of one workspace. The first message at fault is named, with all its faults;
/// of many profiles in one message the first at fault.
pub fn import<B: AsRef<[u8]>>(workspace: &str, messages: &[B]) -> Result<Import, Fault> {
    if messages.is_empty() {
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
        take(message, position, &mut import.rows, &mut violations);
        if !violations.is_empty() {
            for violation in &mut violations {
                violation.field = format!("{prefix}.{}", violation.field);
            }
            return Err(Fault::fields(Reason::FieldInvalid, violations));
        }
        if import.rows.len() > MAX_PROFILES {
            let description = format!("holds the profile after the {MAX_PROFILES}th: send the rest in another import");
            return Err(Fault::field(prefix, description));
        }
    }
    Ok(import)
}

/// How many profiles an encoded `ImportProfilesRequest` holds, without reading them; 0 if it is none.
#[must_use]
pub fn imported_count(message: &[u8]) -> usize {
    let count = || -> Result<usize, Broken> {
        let (mut reader, mut many) = (Reader::new(message), 0);
        while let Some(field) = reader.next()? {
            many += usize::from(field.tag == import_profiles_request::PROFILES);
            field.skip()?;
        }
        // Without many it is one itself.
        Ok(many.max(1))
    };
    count().unwrap_or_default()
}

fn check_request_id(request_id: &str, first: &str, violations: &mut Vec<Violation>) {
    if !request_id.is_empty() && request_id != first {
        violations.push(Violation::new("request_id", "must be that of the first message, or empty"));
    }
    fields::check_text(request_id, "request_id", violations);
}

/// Takes the one profile of a message, or its many.
fn take(
    mut message: v1::ImportProfilesRequest,
    position: usize,
    rows: &mut Vec<ImportRow>,
    violations: &mut Vec<Violation>,
) {
    let many = std::mem::take(&mut message.profiles);
    let v1::ImportProfilesRequest { identifiers, traits, create_time, merges, .. } = message;
    if many.is_empty() {
        let place = ImportPlace { message: position, within: None };
        rows.push(row(v1::ImportedProfile { identifiers, traits, create_time, merges }, place, violations));
        return;
    }
    if !identifiers.is_empty() || traits.is_some() || create_time.is_some() || merges != 0 {
        violations.push(Violation::new("profiles", ONE_OR_MANY));
    }
    for (within, profile) in many.into_iter().enumerate() {
        let mut faults = Vec::new();
        rows.push(row(profile, ImportPlace { message: position, within: Some(within) }, &mut faults));
        if !faults.is_empty() {
            let named = faults.into_iter().map(|mut fault| {
                fault.field = format!("profiles[{within}].{}", fault.field);
                fault
            });
            violations.extend(named);
            return;
        }
    }
}

fn row(profile: v1::ImportedProfile, place: ImportPlace, violations: &mut Vec<Violation>) -> ImportRow {
    let identifiers = fields::identifiers(profile.identifiers);
    fields::check_many_identifiers(&identifiers, "identifiers", violations);
    let traits = structs::traits(profile.traits, "traits", violations);
    let create_time = fields::time(profile.create_time, "create_time", violations);
    if i32::try_from(profile.merges).is_err() {
        violations.push(Violation::new("merges", "must be below 2^31"));
    }
    ImportRow { place, identifiers, traits, create_time, merges: profile.merges }
}
