//! The messages of an import, read field by field: what borrows from them takes little room, and what is over its bound
//! or at fault takes none.

use prost_types::{Struct, Timestamp};
use utterson_engine::call::{ImportPlace, ImportRow, RawIdentifier};
use utterson_engine::fault::{Fault, Reason, Violation};
use utterson_engine::rules::common::c2_refuse;

use super::call::identifier;
use super::nesting::Holder;
use super::reader::{Broken, Field, Reader};
use super::structs::Nested;
use super::{fields, malformed, structs};
use crate::proto::tags::v1::{import_profiles_request as request, imported_profile as profile};

/// The most profiles of one import.
pub const MAX_PROFILES: usize = 100_000;
/// The most identifiers of one of its profiles.
pub const MAX_PROFILE_IDENTIFIERS: usize = 1_000_000;

/// The most faults of one profile that are named.
const MAX_FAULTS: usize = 64;
/// So many of a message's own fields are looked at without reading it, which takes a few milliseconds: more than it may
/// have profiles.
const MAX_FIELDS: usize = 2 * MAX_PROFILES;

const ONE_OR_MANY: &str = "a message is one profile or has many in profiles, not both: leave the other fields empty";

/// A graph to take over.
#[derive(Clone, Debug)]
pub struct Import<'m> {
    /// The profiles, in order.
    pub rows: Vec<ImportRow<'m>>,
    /// Makes the import repeatable; may be empty (rule C7).
    pub request_id: &'m str,
}

/// Decodes encoded `ImportProfilesRequest`s of one workspace. The first message at fault is named, with its faults;
/// of many profiles in one message the first at fault.
pub fn import<'m, B: AsRef<[u8]>>(workspace: &str, messages: &'m [B]) -> Result<Import<'m>, Fault> {
    if messages.is_empty() {
        return Err(Fault::field("messages", format!("must be 1 to {MAX_PROFILES} in number")));
    }
    let mut import = Import { rows: Vec::with_capacity(messages.len()), request_id: "" };
    for (position, bytes) in messages.iter().enumerate() {
        let prefix = || format!("messages[{position}]");
        let mut read = Read::new(position, MAX_PROFILES - import.rows.len());
        read.message(bytes.as_ref()).map_err(|Broken| malformed(&prefix(), "ImportProfilesRequest"))?;
        if position == 0 {
            import.request_id = read.request_id;
        }
        let mut violations = Vec::new();
        if read.workspace != workspace {
            violations.push(Violation::new("workspace", "must be the same in every message"));
        }
        check_request_id(read.request_id, import.request_id, &mut violations);
        let is_over = read.finish(&mut import.rows, &mut violations);
        if !violations.is_empty() {
            for violation in &mut violations {
                violation.field = format!("{}.{}", prefix(), violation.field);
            }
            return Err(Fault::fields(Reason::FieldInvalid, violations));
        }
        if is_over {
            let description = format!("holds the profile after the {MAX_PROFILES}th: send the rest in another import");
            return Err(Fault::field(prefix(), description));
        }
    }
    Ok(import)
}

/// Decodes one encoded `ImportedProfile`, and tells what is wrong with its shape; the row stands in no message.
pub fn imported_profile(bytes: &[u8]) -> Result<(ImportRow<'_>, Vec<Violation>), Fault> {
    let mut read = Profile::default();
    read.whole(bytes).map_err(|Broken| malformed("", "ImportedProfile"))?;
    let mut violations = Vec::new();
    let row = read.row(ImportPlace { message: 0, within: None }, &mut violations);
    Ok((row, violations))
}

/// How many profiles an encoded `ImportProfilesRequest` holds, without reading them; 0 if it is none. Of one that is
/// over its bounds as many as were counted by then.
#[must_use]
pub fn imported_count(message: &[u8]) -> usize {
    let count = || -> Result<usize, Broken> {
        let (mut reader, mut many) = (Reader::new(message), 0);
        for _ in 0..MAX_FIELDS {
            let Some(field) = reader.next()? else { break };
            many += usize::from(field.tag == request::PROFILES);
            field.skip()?;
        }
        // Without many it is one itself.
        Ok(many.max(1))
    };
    count().unwrap_or_default()
}

/// The workspace that an encoded `ImportProfilesRequest` names first, without reading more; `None` if it is none. Where
/// it names another one as well, the import is refused for that.
#[must_use]
pub fn imported_workspace(message: &[u8]) -> Option<&str> {
    let mut reader = Reader::new(message);
    for _ in 0..MAX_FIELDS {
        match reader.next().ok()? {
            Some(field) if field.tag == request::WORKSPACE => return field.text().ok(),
            Some(field) => field.skip().ok()?,
            None => break,
        }
    }
    Some("")
}

fn check_request_id(request_id: &str, first: &str, violations: &mut Vec<Violation>) {
    if !request_id.is_empty() && request_id != first {
        violations.push(Violation::new("request_id", "must be that of the first message, or empty"));
    }
    fields::check_text(request_id, "request_id", violations);
}

/// The tags of a profile's fields: a message and each of its many profiles have the same under different tags.
struct Tags {
    identifiers: u32,
    traits: u32,
    create_time: u32,
    merges: u32,
}

const ONE: Tags = Tags {
    identifiers: request::IDENTIFIERS,
    traits: request::TRAITS,
    create_time: request::CREATE_TIME,
    merges: request::MERGES,
};
const OF_MANY: Tags = Tags {
    identifiers: profile::IDENTIFIERS,
    traits: profile::TRAITS,
    create_time: profile::CREATE_TIME,
    merges: profile::MERGES,
};

/// One message being read.
struct Read<'m> {
    position: usize,
    /// For so many profiles there is room in the import.
    room: usize,
    workspace: &'m str,
    request_id: &'m str,
    /// The one profile that the message is.
    one: Profile<'m>,
    /// How many profiles it has instead, and those of them that were taken.
    many: usize,
    rows: Vec<ImportRow<'m>>,
    /// What is wrong with the first profile at fault; those after it are not taken.
    faults: Vec<Violation>,
}

impl<'m> Read<'m> {
    fn new(position: usize, room: usize) -> Self {
        let (one, rows, faults) = (Profile::default(), Vec::new(), Vec::new());
        Self { position, room, workspace: "", request_id: "", one, many: 0, rows, faults }
    }

    fn message(&mut self, bytes: &'m [u8]) -> Result<(), Broken> {
        let mut reader = Reader::new(bytes);
        while let Some(mut field) = reader.next()? {
            match field.tag {
                request::WORKSPACE => self.workspace = field.text()?,
                request::REQUEST_ID => self.request_id = field.text()?,
                request::PROFILES => {
                    let bytes = field.bytes()?;
                    self.take(bytes)?;
                }
                _ => self.one.take(field, &ONE)?,
            }
        }
        Ok(())
    }

    /// Takes one of many profiles.
    fn take(&mut self, bytes: &'m [u8]) -> Result<(), Broken> {
        let within = self.many;
        self.many += 1;
        if !self.faults.is_empty() || within >= self.room {
            return Ok(());
        }
        let mut read = Profile::default();
        read.whole(bytes)?;
        let place = ImportPlace { message: self.position, within: Some(within) };
        let mut faults = Vec::new();
        self.rows.push(read.row(place, &mut faults));
        self.faults.extend(faults.into_iter().map(|mut fault| {
            fault.field = format!("profiles[{within}].{}", fault.field);
            fault
        }));
        Ok(())
    }

    /// Adds the profiles, and what is wrong; tells whether there are more than there is room for.
    fn finish(self, rows: &mut Vec<ImportRow<'m>>, violations: &mut Vec<Violation>) -> bool {
        if self.many == 0 {
            rows.push(self.one.row(ImportPlace { message: self.position, within: None }, violations));
            return self.room == 0;
        }
        if self.one.is_told() {
            violations.push(Violation::new("profiles", ONE_OR_MANY));
        }
        violations.extend(self.faults);
        rows.extend(self.rows);
        self.many > self.room
    }
}

/// One profile being read: only what is good so far of it is kept.
#[derive(Default)]
struct Profile<'m> {
    identifiers: Vec<RawIdentifier<'m>>,
    /// How many identifiers were told.
    told: usize,
    faults: Vec<Violation>,
    traits: Nested<Struct>,
    create_time: Option<Timestamp>,
    merges: u32,
}

impl<'m> Profile<'m> {
    /// Takes an encoded `ImportedProfile`.
    fn whole(&mut self, bytes: &'m [u8]) -> Result<(), Broken> {
        let mut reader = Reader::new(bytes);
        while let Some(field) = reader.next()? {
            self.take(field, &OF_MANY)?;
        }
        Ok(())
    }

    fn take(&mut self, field: Field<'_, 'm>, tags: &Tags) -> Result<(), Broken> {
        match field.tag {
            tag if tag == tags.identifiers => self.take_identifier(field),
            tag if tag == tags.traits => self.traits.take(Holder::Struct, field),
            tag if tag == tags.create_time => field.merge(&mut self.create_time),
            tag if tag == tags.merges => {
                self.merges = field.enumeration()?.cast_unsigned();
                Ok(())
            }
            _ => field.skip(),
        }
    }

    fn take_identifier(&mut self, field: Field<'_, 'm>) -> Result<(), Broken> {
        let position = self.told;
        self.told += 1;
        if position >= MAX_PROFILE_IDENTIFIERS || self.faults.len() >= MAX_FAULTS {
            return field.skip();
        }
        let one = identifier(field.message()?)?;
        if c2_refuse::check_one(&one, position, "identifiers", &mut self.faults) {
            self.identifiers.push(one);
        }
        Ok(())
    }

    fn is_told(&self) -> bool {
        self.told > 0 || self.traits.is_told() || self.create_time.is_some() || self.merges != 0
    }

    fn row(self, place: ImportPlace, violations: &mut Vec<Violation>) -> ImportRow<'m> {
        match self.told {
            0 => violations.push(Violation::new("identifiers", "must hold at least one identifier")),
            1..=MAX_PROFILE_IDENTIFIERS => violations.extend(self.faults),
            _ => {
                let description = format!("must hold at most {MAX_PROFILE_IDENTIFIERS} identifiers");
                violations.push(Violation::new("identifiers", description));
            }
        }
        let traits = self.traits.judged("traits", "traits", violations);
        let traits = structs::traits(traits, "traits", violations);
        let create_time = fields::time(self.create_time, "create_time", violations);
        if i32::try_from(self.merges).is_err() {
            violations.push(Violation::new("merges", "must be below 2^31"));
        }
        ImportRow { place, identifiers: self.identifiers, traits, create_time, merges: self.merges }
    }
}
