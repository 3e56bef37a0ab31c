//! Unary requests, batches and stream messages, split by workspace.

use std::collections::BTreeMap;

use prost::Message;
use utterson_engine::call::CallKind;
use utterson_engine::decide::Submission;
use utterson_engine::fault::{Fault, Reason};

use super::call::{self, Read};
use super::malformed;
use crate::proto::v1;

/// The most calls of one batch or stream message.
const MAX_CALLS: usize = 1000;

/// Calls that arrived together for one workspace, in order.
#[derive(Clone, Debug)]
pub struct Group {
    /// The workspace's id; well formed.
    pub workspace: String,
    /// Where each call stands in its message.
    pub positions: Vec<u32>,
    /// The calls, or why they were refused whatever the workspace.
    pub submissions: Vec<Submission>,
}

/// A batch or stream message.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// How many calls it holds.
    pub size: usize,
    /// The caller's number of a stream message, else 0.
    pub sequence: i64,
    /// The calls by workspace, in the order in which the workspaces first appear.
    pub groups: Vec<Group>,
    /// Calls that belong to no workspace, by position.
    pub faults: Vec<(u32, Fault)>,
}

/// `BatchResolveRequest` with its calls left as bytes: one that does not decode must not refuse the others.
#[derive(Clone, PartialEq, Message)]
struct RawBatch {
    #[prost(string, tag = "1")]
    workspace: String,
    #[prost(bytes = "vec", repeated, tag = "2")]
    calls: Vec<Vec<u8>>,
}

/// `StreamResolveRequest` in the same way.
#[derive(Clone, PartialEq, Message)]
struct RawStreamMessage {
    #[prost(int64, tag = "1")]
    sequence: i64,
    #[prost(string, tag = "2")]
    workspace: String,
    #[prost(bytes = "vec", repeated, tag = "3")]
    calls: Vec<Vec<u8>>,
}

/// Decodes the request of a unary call. An import is no such call.
pub fn single(kind: CallKind, request: &[u8]) -> Result<Group, Fault> {
    let (workspace, submission) = call::unary(kind, request)?.settle("")?;
    Ok(Group { workspace, positions: vec![0], submissions: vec![submission] })
}

/// Decodes a `BatchResolveRequest`.
pub fn batch(request: &[u8]) -> Result<Batch, Fault> {
    let raw = RawBatch::decode(request).map_err(|_| malformed("the request", "BatchResolveRequest"))?;
    split(0, &raw.workspace, &raw.calls)
}

/// Decodes a `StreamResolveRequest`.
pub fn stream_message(request: &[u8]) -> Result<Batch, Fault> {
    let raw = RawStreamMessage::decode(request).map_err(|_| malformed("the message", "StreamResolveRequest"))?;
    split(raw.sequence, &raw.workspace, &raw.calls)
}

fn split(sequence: i64, outer: &str, calls: &[Vec<u8>]) -> Result<Batch, Fault> {
    if calls.is_empty() || calls.len() > MAX_CALLS {
        return Err(Fault::field("calls", format!("must hold 1 to {MAX_CALLS} calls")));
    }
    let mut batch = Batch { size: calls.len(), sequence, ..Batch::default() };
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (position, bytes) in (0u32..).zip(calls) {
        match one(bytes).and_then(|read| read.settle(outer)) {
            Err(fault) => batch.faults.push((position, fault)),
            Ok((workspace, submission)) => {
                let place = places.get(&workspace).copied().unwrap_or_else(|| {
                    let group = Group { workspace: workspace.clone(), positions: Vec::new(), submissions: Vec::new() };
                    batch.groups.push(group);
                    places.insert(workspace, batch.groups.len() - 1);
                    batch.groups.len() - 1
                });
                batch.groups[place].positions.push(position);
                batch.groups[place].submissions.push(submission);
            }
        }
    }
    Ok(batch)
}

fn one(bytes: &[u8]) -> Result<Read, Fault> {
    use v1::call::Call;
    let decoded = v1::Call::decode(bytes).map_err(|_| malformed("the call", "Call"))?;
    match decoded.call {
        Some(Call::Identify(request)) => Ok(call::identify(request)),
        Some(Call::Login(request)) => Ok(call::login(request)),
        Some(Call::Logout(request)) => Ok(call::logout(request)),
        Some(Call::Track(request)) => Ok(call::track(request)),
        Some(Call::Modify(request)) => Ok(call::modify(request)),
        None => Err(Fault::field("call", "must be one of identify, login, logout, track and modify")),
    }
}

impl Read {
    /// Settles the workspace: the call's own or else the outer one. A call without a workspace belongs to nobody, so
    /// its fault is answered at once, together with all others that it has.
    fn settle(mut self, outer: &str) -> Result<(String, Submission), Fault> {
        let workspace = if self.workspace.is_empty() { outer.to_owned() } else { self.workspace };
        if let Err(violation) = super::fields::check_workspace(&workspace, "workspace") {
            self.violations.insert(0, violation);
            return Err(Fault::fields(Reason::FieldInvalid, self.violations));
        }
        let submission = if self.violations.is_empty() {
            Ok(self.call)
        } else {
            Err(Fault::fields(Reason::FieldInvalid, self.violations))
        };
        Ok((workspace, submission))
    }
}
