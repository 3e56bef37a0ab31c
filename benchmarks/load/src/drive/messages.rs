//! The messages, made ready before the first is sent.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message as _;
use utterson_codec::proto::v1;

use crate::Failure;
use crate::calls_file::{CallsFile, Kind, split_workspace};
use crate::cli::{Consistency, Drive, Shape};
use crate::files;
use crate::wire::{FRAME_HEADER_BYTES, field_len, put_field, put_field_head, put_frame_head, put_varint};

/// Messages share buffers of this size.
const ARENA_BYTES: usize = 8 << 20;
/// More than any server on a machine of this kind answers in a second.
const UNARY_CALLS_A_SECOND: f64 = 120_000.0;
const BATCHED_CALLS_A_SECOND: f64 = 400_000.0;

/// One message, ready to be sent.
#[derive(Debug)]
pub struct Message {
    /// The gRPC frame.
    pub frame: Bytes,
    /// Of a unary call: what it asks for.
    pub kind: Kind,
    /// How many calls it holds.
    pub calls: u16,
    /// The calls whose answers are kept: place in the message, index in the file.
    pub sampled: Box<[(u16, u32)]>,
    /// The index in the file after its last call.
    end_index: u64,
}

#[cfg(test)]
impl Message {
    /// One without a frame.
    pub fn for_tests(kind: Kind, calls: u16, sampled: &[(u16, u32)]) -> Self {
        Self { frame: Bytes::new(), kind, calls, sampled: sampled.into(), end_index: 0 }
    }
}

/// The messages in their order, each given out once unless it begins anew at their end.
#[derive(Debug)]
pub struct Queue {
    messages: Vec<Message>,
    next: AtomicUsize,
    begin_index: u64,
    again: bool,
}

impl Queue {
    /// Gives out the next one.
    pub fn take(&self) -> Option<&Message> {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        if self.again { self.messages.get(place % self.messages.len()) } else { self.messages.get(place) }
    }

    /// Whether there are no more.
    pub fn is_dry(&self) -> bool {
        !self.again && self.next.load(Ordering::Relaxed) >= self.messages.len()
    }

    /// How far into the file the messages given out reach, from where they began; with every round that began anew.
    pub fn used(&self) -> u64 {
        let given = self.next.load(Ordering::Relaxed);
        if self.again {
            let rounds = given / self.messages.len();
            return rounds as u64 * self.reach(self.messages.len()) + self.reach(given % self.messages.len());
        }
        self.reach(given.min(self.messages.len()))
    }

    fn reach(&self, given: usize) -> u64 {
        let end = self.messages[..given].iter().map(|message| message.end_index).max();
        end.map_or(0, |end| end - self.begin_index)
    }
}

/// The calls of a message that is not full yet.
#[derive(Debug, Default)]
struct Bucket {
    calls: Vec<u8>,
    count: u16,
    sampled: Vec<(u16, u32)>,
    end_index: u64,
}

struct Maker {
    shape: Shape,
    calls_in_message: u16,
    consistency: Option<Consistency>,
    profile_ids: Option<Vec<i64>>,
    sample_every: Option<u32>,
    arena: BytesMut,
    buckets: HashMap<Vec<u8>, Bucket>,
    messages: Vec<Message>,
}

/// Makes the messages ready that a run may need.
pub fn prepare(asked: &Drive) -> Result<Queue, Failure> {
    let mut maker = Maker {
        shape: asked.shape,
        calls_in_message: if asked.shape == Shape::Unary { 1 } else { asked.calls_in_message },
        consistency: asked.consistency,
        profile_ids: asked.profile_ids.as_deref().map(read_profile_ids).transpose()?,
        sample_every: asked.sample_every,
        arena: BytesMut::new(),
        buckets: HashMap::new(),
        messages: Vec::new(),
    };
    let mut file = CallsFile::open(&asked.calls, asked.skip)?;
    let mut request = Vec::new();
    let mut left = calls_max(asked);
    while left > 0 {
        let Some((index, kind)) = file.next(&mut request)? else {
            maker.send_what_is_left();
            break;
        };
        maker.take(index, kind, &mut request)?;
        left -= 1;
    }
    if asked.again && maker.messages.is_empty() {
        return Err(format!("{} holds no calls that could be sent again", asked.calls.display()).into());
    }
    Ok(Queue { messages: maker.messages, next: AtomicUsize::new(0), begin_index: asked.skip, again: asked.again })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Some millions.
fn calls_max(asked: &Drive) -> u64 {
    let seconds = asked.warm_up_seconds + asked.seconds + 1.0;
    let a_second = match (asked.pace, asked.shape) {
        (Some(pace), _) => pace + f64::from(asked.calls_in_message),
        (None, Shape::Unary) => UNARY_CALLS_A_SECOND,
        (None, Shape::Batch | Shape::Stream) => BATCHED_CALLS_A_SECOND,
    };
    asked.ready_calls_max.unwrap_or((seconds * a_second) as u64)
}

fn read_profile_ids(path: &Path) -> Result<Vec<i64>, Failure> {
    let mut bytes = Vec::new();
    files::open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes.as_chunks().0.iter().map(|id| i64::from_le_bytes(*id)).collect())
}

impl Maker {
    fn take(&mut self, index: u64, kind: Kind, request: &mut Vec<u8>) -> Result<(), Failure> {
        if kind == Kind::Modify {
            self.name_profile(request)?;
        }
        if let Some(consistency) = self.consistency {
            // A field may stand anywhere in a message.
            let number = match consistency {
                Consistency::Strong => v1::Consistency::Strong,
                Consistency::Local => v1::Consistency::Local,
            };
            request.extend([8 << 3, number as u8]);
        }
        let is_sampled = self.sample_every.is_some_and(|every| index.is_multiple_of(every.into()));
        let sampled = is_sampled.then(|| u32::try_from(index)).transpose()?;
        if self.shape == Shape::Unary {
            put_frame_head(request.len(), self.room(request.len()));
            self.arena.put_slice(request);
            self.emit(kind, 1, sampled.map(|index| (0, index)).into_iter().collect(), index + 1);
            return Ok(());
        }
        if kind == Kind::Search {
            return Err(format!("call {index} is a Search, which no batch takes").into());
        }
        let (workspace, rest) = split_workspace(request).ok_or_else(|| format!("call {index} names no workspace"))?;
        self.add(workspace, kind as u8, rest, sampled, index);
        Ok(())
    }

    /// Puts the profile's id where its number in the population stands.
    fn name_profile(&self, request: &mut Vec<u8>) -> Result<(), Failure> {
        let ids = self.profile_ids.as_ref().ok_or("the calls hold Modify calls: give --profile-ids")?;
        let mut modify = v1::ModifyRequest::decode(request.as_slice())?;
        let place = usize::try_from(modify.profile_id - 1)?;
        modify.profile_id = *ids.get(place).ok_or_else(|| format!("no id of profile {place} is known"))?;
        request.clear();
        modify.encode(request)?;
        Ok(())
    }

    /// Adds a call to the message of its workspace; the message names the workspace for all of them.
    fn add(&mut self, workspace: &[u8], field: u8, request: &[u8], sampled: Option<u32>, index: u64) {
        if !self.buckets.contains_key(workspace) {
            self.buckets.insert(workspace.to_vec(), Bucket::default());
        }
        let calls_field = if self.shape == Shape::Stream { 3 } else { 2 };
        let Some(bucket) = self.buckets.get_mut(workspace) else { return };
        put_field_head(calls_field, field_len(request.len()), &mut bucket.calls);
        put_field(field, request, &mut bucket.calls);
        bucket.sampled.extend(sampled.map(|index| (bucket.count, index)));
        bucket.count += 1;
        bucket.end_index = index + 1;
        if bucket.count == self.calls_in_message {
            let full = std::mem::take(bucket);
            self.send(workspace, full);
        }
    }

    fn send(&mut self, workspace: &[u8], bucket: Bucket) {
        // A stream's message begins with its number, from 1.
        let mut head = BytesMut::new();
        if self.shape == Shape::Stream {
            head.put_u8(1 << 3);
            put_varint(self.messages.len() + 1, &mut head);
            put_field(2, workspace, &mut head);
        } else {
            put_field(1, workspace, &mut head);
        }
        let length = head.len() + bucket.calls.len();
        put_frame_head(length, self.room(length));
        self.arena.put_slice(&head);
        self.arena.put_slice(&bucket.calls);
        self.emit(Kind::Identify, bucket.count, bucket.sampled.into(), bucket.end_index);
    }

    fn send_what_is_left(&mut self) {
        let mut left: Vec<_> = self.buckets.drain().filter(|(_, bucket)| bucket.count > 0).collect();
        left.sort_unstable_by_key(|(_, bucket)| bucket.end_index);
        for (workspace, bucket) in left {
            self.send(&workspace, bucket);
        }
    }

    fn room(&mut self, length: usize) -> &mut BytesMut {
        if self.arena.capacity() < length + FRAME_HEADER_BYTES {
            self.arena = BytesMut::with_capacity(ARENA_BYTES.max(length + FRAME_HEADER_BYTES));
        }
        &mut self.arena
    }

    fn emit(&mut self, kind: Kind, calls: u16, sampled: Box<[(u16, u32)]>, end_index: u64) {
        let frame = self.arena.split().freeze();
        self.messages.push(Message { frame, kind, calls, sampled, end_index });
    }
}

#[cfg(test)]
mod tests;
