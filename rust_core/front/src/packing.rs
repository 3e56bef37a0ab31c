//! Unpacks a compressed message in small steps, each of which is short whatever its bytes are.
//!
//! What a message costs is not told by what comes out of it: a megabyte of blocks that hold nothing takes seconds and
//! unpacks to nothing. So what comes out is bounded, and what goes in for it, and the time.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::buf::Writer;
use bytes::{BufMut as _, Bytes, BytesMut};
use flate2::write::{GzDecoder, ZlibDecoder};
use http::{HeaderMap, HeaderValue};

use crate::budget::Held;

/// So much goes in at once; the dearest such piece takes less than a millisecond.
const STEP_BYTES: usize = 256;
/// What may go in before anything comes out, and for each byte that comes out. What compresses writes a tenth more than it
/// is given at most, unless it is told to write after each word.
const FRUITLESS_BYTES_MAX: usize = 16 * 1024;
const BYTES_FOR_ONE_MAX: usize = 8;
/// The time of a processor that a message may take in any case, and for each byte that goes in or comes out: a tenth of the
/// usual speed.
const TIME_MAX: Duration = Duration::from_millis(500);
const TIME_A_BYTE: Duration = Duration::from_nanos(50);

/// How a message is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// As in RFC 1952.
    Gzip,
    /// As in RFC 1950.
    Deflate,
}

/// Why a message is not unpacked.
#[derive(Debug)]
pub enum NotUnpacked {
    /// It has more bytes than a message may have.
    TooLarge,
    /// There is no memory for it.
    Overloaded,
    /// It is not what it says it is, or takes too much for what it holds.
    Broken(io::Error),
}

impl Packing {
    /// How the messages of a request are compressed; none where they are not, or in a way that there is not.
    pub fn of(headers: &HeaderMap<HeaderValue>) -> Option<Self> {
        match headers.get("grpc-encoding")?.as_bytes() {
            b"gzip" => Some(Self::Gzip),
            b"deflate" => Some(Self::Deflate),
            _ => None,
        }
    }
}

#[derive(Debug)]
enum Decoder {
    Gzip(GzDecoder<Writer<BytesMut>>),
    Deflate(ZlibDecoder<Writer<BytesMut>>),
}

impl Decoder {
    fn new(packing: Packing) -> Self {
        let target = BytesMut::new().writer();
        match packing {
            Packing::Gzip => Self::Gzip(GzDecoder::new(target)),
            Packing::Deflate => Self::Deflate(ZlibDecoder::new(target)),
        }
    }

    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.write(piece),
            Self::Deflate(decoder) => decoder.write(piece),
        }
    }

    fn unpacked_bytes(&self) -> usize {
        match self {
            Self::Gzip(decoder) => decoder.get_ref().get_ref().len(),
            Self::Deflate(decoder) => decoder.get_ref().get_ref().len(),
        }
    }

    fn finish(self) -> io::Result<Bytes> {
        let target = match self {
            Self::Gzip(decoder) => decoder.finish()?,
            Self::Deflate(decoder) => decoder.finish()?,
        };
        Ok(target.into_inner().freeze())
    }
}

/// A message that is being unpacked.
#[derive(Debug)]
pub struct Unpacking {
    packing: Packing,
    packed: Bytes,
    /// How much of it went in.
    place: usize,
    /// There from the first step on, for it takes some 80 KiB by itself.
    decoder: Option<Decoder>,
    /// How much has come out and is held.
    unpacked_bytes: usize,
    held: Arc<Held>,
    bytes_max: usize,
    spent: Duration,
}

impl Unpacking {
    /// Begins; nothing is done yet.
    ///
    /// # Arguments
    /// * `packed`: the message, without its header.
    /// * `bytes_max`: how many bytes may come out.
    /// * `held`: what holds them.
    pub fn new(packing: Packing, packed: Bytes, bytes_max: usize, held: Arc<Held>) -> Self {
        Self { packing, packed, place: 0, decoder: None, unpacked_bytes: 0, held, bytes_max, spent: Duration::ZERO }
    }

    /// How much comes in.
    pub fn packed_bytes(&self) -> usize {
        self.packed.len()
    }

    /// How much has come out.
    pub fn unpacked_bytes(&self) -> usize {
        self.unpacked_bytes
    }

    /// Goes on until a time, or until more than `bytes_max` bytes have come out, but by one step at least. Gives the
    /// message when it is whole.
    ///
    /// # Errors
    /// Why it is not unpacked.
    pub fn run(&mut self, until: Instant, bytes_max: usize) -> Result<Option<Bytes>, NotUnpacked> {
        loop {
            if self.step()? {
                return self.finish().map(Some);
            }
            if self.unpacked_bytes() > bytes_max || Instant::now() >= until {
                return Ok(None);
            }
        }
    }

    /// Notes for how long a processor was at it.
    ///
    /// # Errors
    /// It was too long for what the message holds.
    pub fn spend(&mut self, time: Duration) -> Result<(), NotUnpacked> {
        self.spent += time;
        let bytes = u32::try_from(self.place + self.unpacked_bytes()).unwrap_or(u32::MAX);
        if self.spent > TIME_MAX + TIME_A_BYTE * bytes { Err(fruitless()) } else { Ok(()) }
    }

    /// Takes the next piece; tells whether it was the last.
    fn step(&mut self) -> Result<bool, NotUnpacked> {
        let decoder = self.decoder.get_or_insert_with(|| Decoder::new(self.packing));
        let end = self.packed.len().min(self.place + STEP_BYTES);
        let taken = decoder.write(&self.packed[self.place..end]).map_err(NotUnpacked::Broken)?;
        self.place += taken;
        let unpacked_bytes = decoder.unpacked_bytes();
        self.hold(unpacked_bytes)?;
        if self.place > FRUITLESS_BYTES_MAX + BYTES_FOR_ONE_MAX * unpacked_bytes {
            return Err(fruitless());
        }
        // Nothing is taken of what follows the end.
        Ok(taken == 0 || self.place == self.packed.len())
    }

    fn finish(&mut self) -> Result<Bytes, NotUnpacked> {
        let finished = self.decoder.take().map_or_else(|| Ok(Bytes::new()), Decoder::finish);
        let unpacked = finished.map_err(NotUnpacked::Broken)?;
        self.hold(unpacked.len())?;
        Ok(unpacked)
    }

    fn hold(&mut self, unpacked_bytes: usize) -> Result<(), NotUnpacked> {
        if unpacked_bytes > self.bytes_max {
            return Err(NotUnpacked::TooLarge);
        }
        self.held.add(unpacked_bytes - self.unpacked_bytes).map_err(|_| NotUnpacked::Overloaded)?;
        self.unpacked_bytes = unpacked_bytes;
        Ok(())
    }
}

fn fruitless() -> NotUnpacked {
    NotUnpacked::Broken(io::Error::other("it takes too much for what it holds"))
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;
    use crate::budget::Budget;

    const BYTES_MAX: usize = 1024 * 1024;

    fn unpacked(packing: Packing, packed: &[u8], bytes_max: usize) -> Result<Bytes, NotUnpacked> {
        let budget = Budget::new(16 * BYTES_MAX as u64, 1);
        let held = budget.share().begin();
        let mut unpacking = Unpacking::new(packing, Bytes::copy_from_slice(packed), bytes_max, Arc::clone(&held));
        let end = Instant::now() + Duration::from_mins(1);
        let result = unpacking.run(end, usize::MAX).map(|whole| whole.expect("all in one run"));
        let unpacked_bytes = result.as_ref().map_or(0, Bytes::len) as u64;
        assert!(result.is_err() || held.bytes() == unpacked_bytes, "what came out is held");
        result
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn what_was_packed_is_there_again() {
        let random: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(100_000).collect();
        for content in [&b""[..], b"x", &vec![7; BYTES_MAX], &random] {
            assert_eq!(unpacked(Packing::Gzip, &gzip(content), BYTES_MAX).expect("whole"), content);
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(content).expect("memory");
            assert_eq!(
                unpacked(Packing::Deflate, &encoder.finish().expect("memory"), BYTES_MAX).expect("whole"),
                content
            );
        }
        let followed = [gzip(b"first"), gzip(b"second")].concat();
        assert_eq!(unpacked(Packing::Gzip, &followed, BYTES_MAX).expect("the first"), &b"first"[..]);
    }

    #[test]
    fn what_is_broken_or_too_large_is_told() {
        let whole = gzip(&[7; 10_000]);
        let mut wrong_sum = whole.clone();
        let last = wrong_sum.len() - 6;
        wrong_sum[last] ^= 1;
        for broken in [&b""[..], b"no", &whole[..whole.len() - 1], &whole[..15], &wrong_sum] {
            assert!(matches!(unpacked(Packing::Gzip, broken, BYTES_MAX), Err(NotUnpacked::Broken(_))), "{broken:?}");
        }
        assert!(matches!(unpacked(Packing::Gzip, &whole, 9_999), Err(NotUnpacked::TooLarge)));
    }

    /// A message of blocks that hold nothing, behind so many bytes that are something.
    fn nothing(first: &[u8], blocks: usize) -> Vec<u8> {
        let mut packed = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
        let length = u16::try_from(first.len()).expect("one block");
        packed.push(0);
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(first);
        // Four blocks of ten bits each: not the last, the usual code, its end.
        packed.extend([0x02, 0x08, 0x20, 0x80, 0x00].repeat(blocks / 4));
        packed
    }

    #[test]
    fn what_unpacks_to_nothing_is_given_up() {
        for first in [&b""[..], &[7; 1000]] {
            let began = Instant::now();
            let result = unpacked(Packing::Gzip, &nothing(first, 4_000_000), BYTES_MAX);
            let Err(NotUnpacked::Broken(error)) = result else { panic!("{first:?}") };
            assert_eq!(error.to_string(), "it takes too much for what it holds");
            assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        }
    }

    #[test]
    fn what_takes_long_is_given_up() {
        let budget = Budget::new(1024 * 1024, 1);
        let mut unpacking = Unpacking::new(Packing::Gzip, gzip(&[7; 10_000]).into(), 10_000, budget.share().begin());
        assert!(matches!(unpacking.run(Instant::now(), 0), Ok(None)), "a step is taken");
        assert!(unpacking.spend(Duration::from_millis(400)).is_ok());
        assert!(unpacking.spend(Duration::from_millis(400)).is_err());
    }
}
