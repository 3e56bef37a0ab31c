//! One call of each kind.

use std::borrow::Cow;

use prost::Message;
use prost_types::{Struct, Timestamp};
use utterson_engine::call::{Call, CallKind, RawChange, RawEvent, RawIdentifier};
use utterson_engine::fault::Violation;
use utterson_engine::normalize::judge_raw;
use utterson_engine::policy::is_type_name;
use utterson_engine::rules::common::c2_refuse::{MAX_IDENTIFIERS, TYPE_NAME};

use super::reader::{Broken, Field, Reader};
use super::{fields, structs};
use crate::proto::tags::v1::{
    call as call_tag, identifier as identifier_tag, identify_request as shared, login_request, logout_request,
    modify_request, search_request, track_request,
};
use crate::proto::v1;

/// The requests of all kinds have these fields in the same places, so that one loop reads them.
macro_rules! assert_shared {
    ($($request:ident: $($field:ident)+;)+) => {
        $($(const _: () = assert!($request::$field == shared::$field);)+)+
    };
}

assert_shared! {
    login_request: WORKSPACE IDENTIFIERS PREVIOUS_PROFILE_ID EVENT_TIME REQUEST_ID VALIDATE_ONLY EXPLAIN CONSISTENCY TRAITS;
    logout_request: WORKSPACE IDENTIFIERS PREVIOUS_PROFILE_ID EVENT_TIME REQUEST_ID VALIDATE_ONLY EXPLAIN CONSISTENCY;
    track_request: WORKSPACE IDENTIFIERS PREVIOUS_PROFILE_ID EVENT_TIME REQUEST_ID VALIDATE_ONLY EXPLAIN CONSISTENCY;
    modify_request: WORKSPACE IDENTIFIERS PREVIOUS_PROFILE_ID EVENT_TIME REQUEST_ID VALIDATE_ONLY EXPLAIN CONSISTENCY;
    search_request: WORKSPACE IDENTIFIERS PREVIOUS_PROFILE_ID EVENT_TIME REQUEST_ID VALIDATE_ONLY EXPLAIN CONSISTENCY;
}

/// A call that could be decoded, and all that is wrong with it.
#[derive(Debug)]
pub(super) struct Read<'m> {
    /// As the call names it; may be empty.
    pub workspace: &'m str,
    /// The call; worth nothing if there are violations.
    pub call: Call<'m>,
    /// In the order of the fields.
    pub violations: Vec<Violation>,
}

/// The fields of a request of any kind.
#[derive(Default)]
struct Fields<'m> {
    workspace: &'m str,
    identifiers: Vec<RawIdentifier<'m>>,
    previous_profile_id: i64,
    event_time: Option<Timestamp>,
    request_id: &'m str,
    validate_only: bool,
    explain: bool,
    consistency: i32,
    /// What few calls have.
    rare: Option<Box<Rare>>,
}

/// Fields that few calls have: apart, so that the others are not moved about with them.
#[derive(Default)]
struct Rare {
    /// Of an Identify or Login.
    traits: Option<Struct>,
    /// Of a Track.
    event: Option<v1::Event>,
    /// Of a Modify.
    profile_id: i64,
    changes: Vec<v1::Change>,
    /// The bytes told of traits or of the event.
    struct_bytes: usize,
}

impl<'m> Fields<'m> {
    /// Reads a request on top of what an earlier one told, to the end or until a list is over its bound: what comes
    /// after that is not looked at.
    fn read(&mut self, kind: CallKind, request: &'m [u8]) -> Result<(), Broken> {
        let mut reader = Reader::of_texts(request);
        while !self.is_over()
            && let Some(field) = reader.next()?
        {
            match (field.tag, kind) {
                (shared::WORKSPACE, _) => self.workspace = field.text()?,
                (shared::IDENTIFIERS, _) => self.identifiers.push(identifier(field.message()?)?),
                (shared::PREVIOUS_PROFILE_ID, _) => self.previous_profile_id = field.signed()?,
                (shared::EVENT_TIME, _) => field.merge(&mut self.event_time)?,
                (shared::REQUEST_ID, _) => self.request_id = field.text()?,
                (shared::VALIDATE_ONLY, _) => self.validate_only = field.flag()?,
                (shared::EXPLAIN, _) => self.explain = field.flag()?,
                (shared::CONSISTENCY, _) => self.consistency = field.enumeration()?,
                (shared::TRAITS, CallKind::Identify | CallKind::Login) => {
                    self.take_struct(field, |rare| &mut rare.traits)?;
                }
                (track_request::EVENT, CallKind::Track) => self.take_struct(field, |rare| &mut rare.event)?,
                (modify_request::PROFILE_ID, CallKind::Modify) => self.rare().profile_id = field.signed()?,
                (modify_request::CHANGES, CallKind::Modify) => {
                    let mut change = None;
                    field.merge(&mut change)?;
                    self.rare().changes.extend(change);
                }
                _ => field.skip()?,
            }
        }
        Ok(())
    }

    /// Takes a message that holds a Struct, unless all that was told of it is too long for any: a Struct takes many
    /// times its bytes in memory.
    fn take_struct<M: Message + Default>(
        &mut self,
        field: Field<'_, 'm>,
        place: impl FnOnce(&mut Rare) -> &mut Option<M>,
    ) -> Result<(), Broken> {
        let rare = self.rare();
        rare.struct_bytes = rare.struct_bytes.saturating_add(field.value_len()?);
        if rare.struct_bytes > structs::MAX_TOLD_BYTES { field.skip() } else { field.merge(place(rare)) }
    }

    /// Whether a list has more than any call may hold.
    #[inline]
    fn is_over(&self) -> bool {
        self.identifiers.len() > MAX_IDENTIFIERS
            || self.rare.as_ref().is_some_and(|rare| rare.changes.len() > MAX_IDENTIFIERS)
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

/// A call whose fields are known; the rules of its kind were not applied yet.
pub(super) struct Told<'m> {
    kind: CallKind,
    fields: Fields<'m>,
}

impl<'m> Told<'m> {
    /// The call that the fields make.
    #[inline]
    pub fn into_call(self) -> Read<'m> {
        let Self { kind, mut fields } = self;
        let mut call = Call::new(kind);
        call.validate_only = fields.validate_only;
        call.explain = fields.explain;
        let mut read = Read { workspace: fields.workspace, call, violations: Vec::new() };
        match kind {
            CallKind::Identify | CallKind::Login => identify(&mut read, fields),
            CallKind::Track => track(&mut read, fields),
            CallKind::Modify => modify(&mut read, fields),
            CallKind::Search => search(&mut read, fields),
            CallKind::Logout | CallKind::Import => written(&mut read, &mut fields),
        }
        read
    }
}

#[inline]
pub(super) fn identifier(mut message: Reader<'_>) -> Result<RawIdentifier<'_>, Broken> {
    let (mut type_name, mut value) = ("", "");
    if let Some(usual) = message.two_texts() {
        (type_name, value) = usual;
    } else {
        while let Some(field) = message.next()? {
            match field.tag {
                identifier_tag::TYPE => type_name = field.text()?,
                identifier_tag::VALUE => value = field.text()?,
                _ => field.skip()?,
            }
        }
    }
    Ok(RawIdentifier { type_name: Cow::Borrowed(type_name), value: Cow::Borrowed(value) })
}

/// Decodes the request of a unary call.
pub(super) fn unary(kind: CallKind, request: &[u8]) -> Result<Read<'_>, Broken> {
    let mut fields = Fields::default();
    fields.read(kind, request)?;
    Ok(Told { kind, fields }.into_call())
}

/// Decodes a `Call` of a batch; `None` if it is of no kind. As everywhere in protobuf the last kind told counts, and one
/// told twice in a row adds up.
#[inline]
pub(super) fn of_batch(message: &[u8]) -> Result<Option<Told<'_>>, Broken> {
    let mut told: Option<Told<'_>> = None;
    let mut reader = Reader::new(message);
    while let Some(mut field) = reader.next()? {
        let kind = match field.tag {
            call_tag::IDENTIFY => CallKind::Identify,
            call_tag::LOGIN => CallKind::Login,
            call_tag::LOGOUT => CallKind::Logout,
            call_tag::TRACK => CallKind::Track,
            call_tag::MODIFY => CallKind::Modify,
            _ => {
                field.skip()?;
                continue;
            }
        };
        let request = field.bytes()?;
        let Told { fields, .. } = match &mut told {
            Some(before) if before.kind == kind => before,
            other => other.insert(Told { kind, fields: Fields::default() }),
        };
        fields.read(kind, request)?;
    }
    Ok(told)
}

#[inline]
fn identify<'m>(read: &mut Read<'m>, mut request: Fields<'m>) {
    written(read, &mut request);
    if let Some(rare) = request.rare {
        let traits = structs::told(rare.traits, rare.struct_bytes, "traits", &mut read.violations);
        read.call.traits = structs::traits(traits, "traits", &mut read.violations);
    }
}

fn track<'m>(read: &mut Read<'m>, mut request: Fields<'m>) {
    written(read, &mut request);
    // A feed's row may have nothing to tell but who it was.
    let rare = request.rare.unwrap_or_default();
    let event = structs::told(rare.event, rare.struct_bytes, "event", &mut read.violations).unwrap_or_default();
    fields::check_text(&event.name, "event.name", &mut read.violations);
    let properties = structs::properties(event.properties.as_ref(), "event.properties", &mut read.violations);
    fields::check_text(&event.message_id, "event.message_id", &mut read.violations);
    read.call.event = RawEvent { name: event.name, properties, message_id: event.message_id };
}

fn search<'m>(read: &mut Read<'m>, mut request: Fields<'m>) {
    // What a search does not use is not judged either.
    (request.event_time, request.request_id) = (None, "");
    written(read, &mut request);
    read.call.validate_only = false;
}

fn modify<'m>(read: &mut Read<'m>, request: Fields<'m>) {
    if !request.identifiers.is_empty() {
        let violation = Violation::new("identifiers", "must be empty: a Modify names its profile by profile_id");
        read.violations.push(violation);
    }
    finish(read, &request);
    let rare = request.rare.unwrap_or_default();
    match fields::profile_id(rare.profile_id) {
        Some(id) => read.call.profile = id,
        None => read.violations.push(Violation::new("profile_id", fields::PROFILE_ID)),
    }
    read.call.changes = changed(rare.changes, &mut read.violations);
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
        for (value, field) in [(&change.old_value, "old_value"), (&change.new_value, "new_value")] {
            if let Err(fault) = judge_raw(value) {
                violations.push(Violation::new(format!("changes[{position}].{field}"), fault.description()));
            }
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
#[inline]
fn written<'m>(read: &mut Read<'m>, request: &mut Fields<'m>) {
    read.call.identifiers = std::mem::take(&mut request.identifiers);
    fields::check_identifiers(&read.call.identifiers, "identifiers", &mut read.violations);
    match request.previous_profile_id {
        0 => {}
        id => match fields::profile_id(id) {
            Some(id) => read.call.previous_profile = Some(id),
            None => read.violations.push(Violation::new("previous_profile_id", fields::PREVIOUS_PROFILE_ID)),
        },
    }
    finish(read, request);
}

fn finish<'m>(read: &mut Read<'m>, request: &Fields<'m>) {
    read.call.event_time = fields::time(request.event_time, "event_time", &mut read.violations);
    fields::check_text(request.request_id, "request_id", &mut read.violations);
    read.call.request_id = Cow::Borrowed(request.request_id);
    match fields::consistency(request.consistency) {
        Some(consistency) => read.call.consistency = consistency,
        None => read.violations.push(Violation::new("consistency", "must be a defined Consistency")),
    }
}
