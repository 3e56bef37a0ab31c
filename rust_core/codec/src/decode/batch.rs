//! Decodes what a caller sent: a unary request, a batch request or a message of a stream. The calls of a message may be
//! of several workspaces; each workspace's calls become one group.

use std::collections::BTreeMap;

use utterson_engine::call::CallKind;
use utterson_engine::decide::Submission;
use utterson_engine::fault::{Fault, Reason};

use super::call::{self, Read, Told};
use super::malformed;
use super::reader::{Broken, Reader};
use crate::proto::tags::v1::{batch_resolve_request, stream_resolve_request};

/// The most calls of one batch or stream message.
pub const MAX_CALLS: usize = 1000;

/// The bytes of a short call: a message's length over this guesses how many calls it holds, to make room for them.
const CALL_BYTES: usize = 32;

/// The tags of a message's fields. A batch request and a message of a stream have the same fields under different tags.
struct Tags {
    /// A batch request has no sequence.
    sequence: Option<u32>,
    workspace: u32,
    calls: u32,
}

/// `BatchResolveRequest`.
const BATCH: Tags =
    Tags { sequence: None, workspace: batch_resolve_request::WORKSPACE, calls: batch_resolve_request::CALLS };
/// `StreamResolveRequest`.
const STREAM_MESSAGE: Tags = Tags {
    sequence: Some(stream_resolve_request::SEQUENCE),
    workspace: stream_resolve_request::WORKSPACE,
    calls: stream_resolve_request::CALLS,
};

/// Calls that arrived together for one workspace, in order.
#[derive(Clone, Debug)]
pub struct Group<'m> {
    /// The workspace's id; well formed.
    pub workspace: &'m str,
    /// Where each call stands in its message.
    pub positions: Vec<u32>,
    /// The calls, or why they were refused whatever the workspace.
    pub submissions: Vec<Submission<'m>>,
}

/// A batch request or a message of a stream, decoded.
#[derive(Clone, Debug, Default)]
pub struct Batch<'m> {
    /// How many calls it holds.
    pub size: usize,
    /// The number that the caller gave the message of a stream; 0 for a batch request.
    pub sequence: i64,
    /// The calls by workspace, in the order in which the workspaces first appear.
    pub groups: Vec<Group<'m>>,
    /// Calls that belong to no workspace, by position.
    pub faults: Vec<(u32, Fault)>,
}

/// Decodes the request of a unary call. An import is no such call.
pub fn single(kind: CallKind, request: &[u8]) -> Result<Group<'_>, Fault> {
    let message = match kind {
        CallKind::Identify => "IdentifyRequest",
        CallKind::Login => "LoginRequest",
        CallKind::Logout => "LogoutRequest",
        CallKind::Track => "TrackRequest",
        CallKind::Modify => "ModifyRequest",
        CallKind::Search => "SearchRequest",
        CallKind::Import => return Err(Fault::new(Reason::MalformedRequest, "an import is a stream, not a call.")),
    };
    let mut read = call::unary(kind, request).map_err(|Broken| malformed("the request", message))?;
    let workspace = read.workspace("", None)?;
    Ok(Group { workspace, positions: vec![0], submissions: vec![read.submission()] })
}

/// Decodes a `BatchResolveRequest`.
pub fn batch(request: &[u8]) -> Result<Batch<'_>, Fault> {
    let message = Message::read(request, &BATCH).map_err(|Broken| malformed("the request", "BatchResolveRequest"))?;
    split(&message)
}

/// Decodes a `StreamResolveRequest`.
pub fn stream_message(request: &[u8]) -> Result<Batch<'_>, Fault> {
    let message =
        Message::read(request, &STREAM_MESSAGE).map_err(|Broken| malformed("the message", "StreamResolveRequest"))?;
    split(&message)
}

/// A message whose calls are not decoded yet. Each is decoded by itself, so that a malformed call is refused alone and
/// the others are answered.
#[derive(Default)]
struct Message<'m> {
    sequence: i64,
    workspace: &'m str,
    calls: Vec<&'m [u8]>,
}

impl<'m> Message<'m> {
    /// Finds the calls' bytes.
    fn read(request: &'m [u8], tags: &Tags) -> Result<Self, Broken> {
        let likely = (request.len() / CALL_BYTES).min(MAX_CALLS);
        let mut message = Self { calls: Vec::with_capacity(likely), ..Self::default() };
        let mut reader = Reader::new(request);
        while let Some(mut field) = reader.next()? {
            match field.tag {
                tag if tag == tags.calls => {
                    message.calls.push(field.bytes()?);
                    if message.calls.len() > MAX_CALLS {
                        // One too many is refused whatever comes after it.
                        break;
                    }
                }
                tag if tag == tags.workspace => message.workspace = field.text()?,
                tag if Some(tag) == tags.sequence => message.sequence = field.signed()?,
                _ => field.skip()?,
            }
        }
        Ok(message)
    }
}

fn split<'m>(message: &Message<'m>) -> Result<Batch<'m>, Fault> {
    let size = message.calls.len();
    if size == 0 || size > MAX_CALLS {
        return Err(Fault::field("calls", format!("must hold 1 to {MAX_CALLS} calls")));
    }
    let mut batch = Batch { size, sequence: message.sequence, ..Batch::default() };
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut last: Option<(&str, usize)> = None;
    for (position, bytes) in (0u32..).zip(&message.calls) {
        let mut read = match one(bytes) {
            Ok(told) => told.into_call(),
            Err(fault) => {
                batch.faults.push((position, fault));
                continue;
            }
        };
        match read.workspace(message.workspace, last.map(|(known, _)| known)) {
            Err(fault) => batch.faults.push((position, fault)),
            Ok(workspace) => {
                let place = match last {
                    Some((known, place)) if known == workspace => place,
                    Some(_) | None => *places.entry(workspace).or_insert_with(|| {
                        // All calls of a message are nearly always of one workspace.
                        let likely = if batch.groups.is_empty() { size } else { 0 };
                        batch.groups.push(Group::with_capacity(workspace, likely));
                        batch.groups.len() - 1
                    }),
                };
                last = Some((workspace, place));
                let group = &mut batch.groups[place];
                group.positions.push(position);
                group.submissions.push(read.submission());
            }
        }
    }
    Ok(batch)
}

impl<'m> From<Group<'m>> for Batch<'m> {
    fn from(group: Group<'m>) -> Self {
        Self { size: group.submissions.len(), groups: vec![group], ..Self::default() }
    }
}

impl<'m> Group<'m> {
    fn with_capacity(workspace: &'m str, calls: usize) -> Self {
        Self { workspace, positions: Vec::with_capacity(calls), submissions: Vec::with_capacity(calls) }
    }
}

#[inline]
fn one(bytes: &[u8]) -> Result<Told<'_>, Fault> {
    let told = call::of_batch(bytes).map_err(|Broken| malformed("the call", "Call"))?;
    told.ok_or_else(|| Fault::field("call", "must be one of identify, login, logout, track and modify"))
}

impl<'m> Read<'m> {
    /// The call's workspace: its own or else the message's. A call whose workspace has no valid name belongs to no
    /// group, so this fault is answered together with all others that the call has. `known` was found valid before.
    #[inline]
    fn workspace(&mut self, outer: &'m str, known: Option<&str>) -> Result<&'m str, Fault> {
        let workspace = if self.workspace.is_empty() { outer } else { self.workspace };
        if known != Some(workspace)
            && let Err(violation) = super::fields::check_workspace(workspace, "workspace")
        {
            self.violations.insert(0, violation);
            return Err(Fault::fields(Reason::FieldInvalid, std::mem::take(&mut self.violations)));
        }
        Ok(workspace)
    }

    /// The call, or all that is wrong with it.
    #[inline]
    fn submission(self) -> Submission<'m> {
        if self.violations.is_empty() {
            Ok(self.call)
        } else {
            Err(Fault::fields(Reason::FieldInvalid, self.violations))
        }
    }
}
