//! What the state keeps of used request ids: digests and times, no values.

use std::collections::VecDeque;
use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;

use crate::ids::{Micros, Position, Seq};
use crate::keyed::digest::Digest;

/// Takes a keyed digest as its own hash: it is as good as random.
#[derive(Clone, Copy, Debug, Default)]
pub struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u128(&mut self, digest: u128) {
        self.0 = crate::keyed::digest::Digest(digest).low();
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A map keyed by digests.
pub type DigestMap<V> = HashMap<Digest, V, BuildHasherDefault<DigestHasher>>;

/// The commit that used a request or message id (rule C7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestMark {
    /// The call's content.
    pub fingerprint: Digest,
    /// When it was committed.
    pub time: Micros,
    /// Where.
    pub seq: Seq,
    /// Where within the commit.
    pub position: Position,
}

/// Used request and message ids.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    marks: DigestMap<RequestMark>,
    by_time: VecDeque<(Micros, Digest)>,
}

impl Requests {
    /// How long an id stays used.
    pub const RETENTION_US: i64 = Micros::DAY_US;

    /// The use of an id, unless it lies back longer than the retention.
    #[must_use]
    pub fn get(&self, digest: Digest, now: Micros) -> Option<&RequestMark> {
        self.marks.get(&digest).filter(|mark| mark.time.0 >= now.0 - Self::RETENTION_US)
    }

    pub(crate) fn set(&mut self, digest: Digest, mark: RequestMark) -> Option<RequestMark> {
        self.marks.insert(digest, mark)
    }

    pub(crate) fn restore(&mut self, digest: Digest, before: Option<RequestMark>) {
        match before {
            Some(mark) => self.marks.insert(digest, mark),
            None => self.marks.remove(&digest),
        };
    }

    /// Notes a committed use, so that it can be forgotten in time.
    pub(crate) fn note(&mut self, digest: Digest, time: Micros) {
        self.by_time.push_back((time, digest));
    }

    /// Brings noted uses into the order of time, after they were loaded in any order.
    pub(crate) fn sort(&mut self) {
        self.by_time.make_contiguous().sort_unstable();
    }

    /// Forgets uses that lie back longer than the retention; changes no answer.
    pub(crate) fn forget(&mut self, now: Micros) {
        while let Some(&(time, digest)) = self.by_time.front() {
            if time.0 >= now.0 - Self::RETENTION_US {
                break;
            }
            self.by_time.pop_front();
            if self.marks.get(&digest).is_some_and(|mark| mark.time == time) {
                self.marks.remove(&digest);
            }
        }
    }

    /// Everything that is kept, for tests.
    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = (Digest, &RequestMark)> {
        self.marks.iter().map(|(digest, mark)| (*digest, mark))
    }

    /// How many bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        self.marks.allocation_size() + self.by_time.capacity() * size_of::<(Micros, Digest)>()
    }

    /// How many ids are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.marks.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }
}
