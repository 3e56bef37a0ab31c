//! Keyed digests: what the index knows of a personal value, and nothing else.
//!
//! SipHash-2-4 with 128 bits of output under the workspace's secret key: a pseudorandom function, so nobody
//! without the key can find two values that collide, and a core dump holds no personal value.

use siphasher::sip128::{Hasher128, SipHasher24};
use std::hash::Hasher;

use crate::ids::{EntryId, Seq, Serial};

/// A 128-bit keyed digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u128);

impl Digest {
    /// The digest as 16 bytes, big endian, as the tables keep it.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The low half.
    #[must_use]
    pub fn low(self) -> u64 {
        let [_, _, _, _, _, _, _, _, low @ ..] = self.to_bytes();
        u64::from_be_bytes(low)
    }

    /// The digest from its 16 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }
}

/// What a digest is of; keeps digests of different things apart.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub enum Domain {
    /// An identifier: type and normalised value.
    Identifier = 1,
    /// A request id.
    RequestId = 2,
    /// A message id.
    MessageId = 3,
    /// A call's content (rule C7).
    Content = 4,
    /// A trait of a profile.
    Trait = 5,
    /// A row of the state hash.
    StateRow = 6,
    /// A revision token.
    Token = 7,
    /// The name of a trait, whosever it is.
    TraitName = 8,
}

/// Makes digests under one workspace's key.
#[derive(Clone, Debug)]
pub struct Digester {
    hasher: SipHasher24,
}

impl Digester {
    /// A digester under a 16-byte secret key.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Self { hasher: SipHasher24::new_with_key(key) }
    }

    /// Starts a digest of several parts.
    #[inline]
    #[must_use]
    pub fn start(&self, domain: Domain) -> Parts {
        let mut buffer = [0; BUFFER_BYTES];
        buffer[0] = domain as u8;
        Parts { hasher: self.hasher, buffer, used: 1, flushed: false }
    }

    /// The digest of an identifier: its type and its value after C1.
    #[must_use]
    pub fn identifier(&self, type_name: &str, normalized: &str) -> Digest {
        self.start(Domain::Identifier).text(type_name).text(normalized).finish()
    }

    /// What stands for a trait of a profile in the state hash.
    #[must_use]
    pub fn set_trait(&self, serial: Serial, name: &str) -> Digest {
        self.start(Domain::Trait).number(u64::from(serial.0)).text(name).finish()
    }

    /// What stands for a trait's name in memory: the same for every profile.
    #[must_use]
    pub fn trait_name(&self, name: &str) -> Digest {
        self.start(Domain::TraitName).text(name).finish()
    }

    /// The check value of a revision token.
    #[must_use]
    pub fn token(&self, seq: Seq, id: EntryId) -> [u8; 8] {
        let digest = self.start(Domain::Token).number(seq.0).bytes(&id.0[..8]).finish();
        let mut check = [0; 8];
        check.copy_from_slice(&digest.to_bytes()[..8]);
        check
    }
}

/// Room for a row of the state hash, and for most identifiers.
const BUFFER_BYTES: usize = 96;

/// A digest under way. Every part is framed by its length, so that no two lists of parts are alike.
#[derive(Clone, Debug)]
pub struct Parts {
    hasher: SipHasher24,
    // Hashing many bytes at once is several times cheaper than a few at a time.
    buffer: [u8; BUFFER_BYTES],
    used: usize,
    flushed: bool,
}

impl Parts {
    /// Adds bytes.
    #[inline]
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        self.number(bytes.len() as u64).put(bytes)
    }

    /// Adds text.
    #[inline]
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Adds a number.
    #[inline]
    #[must_use]
    pub fn number(self, number: u64) -> Self {
        self.put(&number.to_le_bytes())
    }

    /// Adds a signed number.
    #[inline]
    #[must_use]
    pub fn signed(self, number: i64) -> Self {
        self.number(number.cast_unsigned())
    }

    /// Adds a digest.
    #[inline]
    #[must_use]
    pub fn digest(self, digest: Digest) -> Self {
        self.put(&digest.to_bytes())
    }

    /// The digest of all parts.
    #[inline]
    #[must_use]
    pub fn finish(mut self) -> Digest {
        if !self.flushed {
            return Digest(self.hasher.hash(&self.buffer[..self.used]).as_u128());
        }
        self.hasher.write(&self.buffer[..self.used]);
        Digest(self.hasher.finish128().as_u128())
    }

    #[inline]
    fn put(mut self, bytes: &[u8]) -> Self {
        match self.buffer.get_mut(self.used..self.used + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.used += bytes.len();
            }
            None => self.put_past_the_buffer(bytes),
        }
        self
    }

    #[cold]
    fn put_past_the_buffer(&mut self, bytes: &[u8]) {
        self.hasher.write(&self.buffer[..self.used]);
        self.hasher.write(bytes);
        (self.used, self.flushed) = (0, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_framed() {
        let digester = Digester::new(&[7; 16]);
        assert_ne!(digester.identifier("ab", "c"), digester.identifier("a", "bc"));
        assert_ne!(
            digester.start(Domain::RequestId).text("x").finish(),
            digester.start(Domain::MessageId).text("x").finish()
        );
        assert_ne!(digester.identifier("a", "b"), Digester::new(&[8; 16]).identifier("a", "b"));
    }

    #[test]
    fn however_long_the_parts_the_digest_is_that_of_all_their_bytes() {
        let key = [7; 16];
        for length in [0, 1, 6, 7, 50, 78, 79, 80, 95, 96, 97, 500, 5000] {
            let value = "x".repeat(length);
            let mut bytes = vec![Domain::Identifier as u8];
            for part in ["email", &value, "tail"] {
                bytes.extend((part.len() as u64).to_le_bytes());
                bytes.extend(part.as_bytes());
            }
            let parts = Digester::new(&key).start(Domain::Identifier).text("email").text(&value).text("tail");
            let expected = SipHasher24::new_with_key(&key).hash(&bytes).as_u128();
            assert_eq!(parts.finish(), Digest(expected), "{length}");
        }
    }

    #[test]
    fn stored_digests_never_change() {
        let digest = Digester::new(&[7; 16]).identifier("email", "ed.hyde@example.com");
        assert_eq!(digest, Digest(0x84d0_e4f5_c432_f994_5aaf_c1ab_857d_f4e3));
    }

    #[test]
    fn digests_survive_their_bytes() {
        let digest = Digester::new(&[1; 16]).identifier("email", "x");
        assert_eq!(digest, Digest::from_bytes(digest.to_bytes()));
    }
}
